"""Where the units go, and for which program."""

import re
import shutil
import stat
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bookai.errors import OperatorNeeded

Scope = Literal["system", "user"]

CREDSTORE = Path("/etc/credstore")
PREFIX = "bookai."
STEPS_SINCE = 254
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Place:
    """One studio under one systemd.

    `program` is the `bookai` command, `home` the studio's folder (a user's alone: the system's is
    /var/lib/bookai), `version` systemd's own, `credentials` the names of secrets.
    """

    scope: Scope
    program: Path
    folder: Path
    home: Path = Path("/var/lib/bookai")
    secrets: Path | None = None
    workers: int = 1
    with_postgres: bool = False
    version: int = 252
    credentials: tuple[str, ...] = ()


def credentials_in(store: Path = CREDSTORE) -> tuple[str, ...]:
    """Return the names of the secrets that lie there for the units.

    Raises:
        OperatorNeeded: others may read one.
    """
    found = []
    for path in sorted(store.glob(f"{PREFIX}*")):
        check_closed(path)
        if _CREDENTIAL.fullmatch(name := path.name.removeprefix(PREFIX)):
            found.append(name)
    return tuple(found)


def check_closed(path: Path) -> None:
    """Refuse a file of secrets that others may read.

    Raises:
        OperatorNeeded: somebody else than its owner may read it.
    """
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OperatorNeeded(
            f"{path} holds secrets, and others may read it.", mend=f"Run: chmod 600 {path}"
        )


def program() -> Path:
    """Return the `bookai` command of this very environment."""
    beside = Path(sysconfig.get_path("scripts")) / "bookai"
    found = shutil.which("bookai")
    return beside if beside.is_file() or not found else Path(found)


def quoted(path: Path) -> str:
    """Return a path as a unit file takes it, with nothing in it read as a specifier.

    Raises:
        OperatorNeeded: it holds a character that no quoting of systemd's makes safe.
    """
    text = str(path)
    if not text.isprintable() or re.search(r"[\"'\\;]", text):
        raise OperatorNeeded(
            f"{text!r} holds a character that a unit file cannot.",
            mend="Move it to a folder with a plain name.",
        )
    text = text.replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if " " in text else text
