"""Install and uninstall: files first judged, then written, then enabled and started."""

import os
import re
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bookai.errors import OperatorNeeded
from studio.install.machine import START_S, Machine
from studio.install.place import Place, check_closed
from studio.install.units import MARK, POSTGRES, TARGET, started, units

Say = Callable[[str], None]

# So that a folder can be looked through for all that is ours and nothing else.
_OURS = re.compile(r"bookai(-[a-z]+@?)?\.(service|target)")
_WORKER = re.compile(r"bookai-worker@(\d+)\.service")


@dataclass(frozen=True, slots=True)
class Change:
    """What an installation would do to the folder: write these, remove those, stop those."""

    write: Mapping[str, str]
    remove: tuple[str, ...]
    stop: tuple[str, ...]


def plan(place: Place) -> Change:
    """Compare the folder with what it should hold; change nothing.

    Raises:
        OperatorNeeded: a file of that name is not ours.
    """
    wanted, there = units(place), written(place.folder)
    for name in wanted:
        path = place.folder / name
        if name not in there and path.exists():
            raise OperatorNeeded(
                f"{path} is there, and bookai install did not write it.",
                mend=f"Stop it with systemctl disable --now {_instance(name)}, then move it away.",
            )
    write = {name: text for name, text in wanted.items() if there.get(name) != text}
    gone = tuple(sorted(set(there) - set(wanted)))
    keep = started(place)
    extra = tuple(name for name in enabled(place.folder) if name not in keep)
    return Change(write, gone, extra)


def written(folder: Path) -> dict[str, str]:
    """Return the units in this folder that `bookai install` wrote, by file name."""
    found = {}
    for path in sorted(folder.glob("bookai*")):
        if _OURS.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            text = path.read_text(encoding="utf-8", errors="replace")
            if text.startswith(MARK + "\n"):
                found[path.name] = text
    return found


def enabled(folder: Path) -> tuple[str, ...]:
    """Return the units of ours that the target pulls in; an operator may have it pull in others."""
    wants, ours = folder / f"{TARGET}.wants", written(folder)
    names = sorted(path.name for path in wants.glob("bookai-*.service"))
    return tuple(name for name in names if _file_of(name) in ours)


def install(place: Place, machine: Machine, say: Say) -> None:
    """Write, verify, enable and start; what is right already is left as it is.

    Raises:
        OperatorNeeded: the units are refused, or one does not start; says why.
    """
    check_program(place)
    if place.secrets:
        check_closed(place.secrets)
    check_home(place)
    change = plan(place)
    verify(place, machine)
    if change.stop:
        machine.run("disable", "--now", *change.stop, timeout_s=START_S)
        say(f"stopped {', '.join(change.stop)}")
    place.folder.mkdir(parents=True, exist_ok=True)
    for name, text in change.write.items():
        _write(place.folder / name, text)
        say(f"wrote {place.folder / name}")
    for name in change.remove:
        (place.folder / name).unlink(missing_ok=True)
        say(f"removed {place.folder / name}")
    if change.write or change.remove:
        machine.run("daemon-reload")
    names = started(place)
    machine.run("enable", *names)
    # A changed unit runs as it was until it is restarted.
    changed = tuple(one for one in names if _file_of(one) in change.write and one != TARGET)
    for verb, some in (("restart", changed), ("start", names)):
        if some:  # together: each of them takes seconds until it is ready
            machine.run(verb, *some, timeout_s=START_S)
    say(f"started {', '.join(names)}")


def uninstall(folder: Path, machine: Machine, say: Say) -> bool:
    """Stop, disable and remove what `install` wrote there; return whether there was anything.

    Raises:
        OperatorNeeded: a unit does not stop.
    """
    there = written(folder)
    if not there:
        return False
    names = [*enabled(folder), *(name for name in there if "@" not in name)]
    ordered = sorted(set(names), key=lambda name: (name == POSTGRES, name != TARGET, name))
    for name in ordered:  # the target first, what the others need last
        machine.run("disable", "--now", name, timeout_s=START_S)
        say(f"stopped {name}")
    for name in there:
        (folder / name).unlink(missing_ok=True)
        say(f"removed {folder / name}")
    wants = folder / f"{TARGET}.wants"
    if wants.is_dir() and not any(wants.iterdir()):
        wants.rmdir()
    machine.run("daemon-reload")
    return True


def verify(place: Place, machine: Machine) -> None:
    """Have systemd judge the units before any is written.

    Raises:
        OperatorNeeded: it does not understand one.
    """
    with tempfile.TemporaryDirectory(prefix="bookai-units-") as folder:
        paths = []
        for name, text in units(place).items():
            paths.append(Path(folder) / name)
            paths[-1].write_text(text, encoding="utf-8")
        if said := machine.complaints(paths):
            raise OperatorNeeded(
                f"systemd does not understand its unit: {said[0]}",
                mend="Is it older than 252? systemctl --version",
            )


def check_program(place: Place) -> None:
    """Refuse a program that the units could not run.

    Raises:
        OperatorNeeded: it is not there, or lies where a system unit sees nothing.
    """
    if not place.program.is_file():
        raise OperatorNeeded(
            f"{place.program} is not there.", mend="Run `make setup`, then install anew."
        )
    if place.scope == "user":
        return
    for part in (place.program, Path(os.path.realpath(place.program.parent / "python"))):
        for hidden in ("/home", "/root", "/run/user", "/tmp", "/var/tmp"):
            if part.is_relative_to(hidden):
                raise OperatorNeeded(
                    f"{part} lies in {hidden}, which a system unit does not see.",
                    mend="Put the checkout and its Python elsewhere, such as /opt/bookai, and "
                    "run `make setup` there; or use bookai install --user.",
                )
        if closed := _closed(part):
            raise OperatorNeeded(
                f"other users may not enter {closed}, so a unit cannot run {part}.",
                mend=f"Run: chmod o+rx {closed}",
            )


def check_home(place: Place) -> None:
    """Refuse a state folder that systemd would take from somebody.

    Raises:
        OperatorNeeded: there is a folder of another making, such as one of root's databases.
    """
    home = place.home
    if place.scope == "system" and home.is_dir() and not home.is_symlink() and any(home.iterdir()):
        raise OperatorNeeded(
            f"{home} is there and not the units' own: it holds databases of studios that root "
            "ran, and systemd would give them to the units.",
            mend=f"Keep them: mv {home} elsewhere and correct data-is-in.txt in those studios' "
            "postgres folders; or install for a user: bookai install --user. For a command on the "
            "units' own data: docs/how-to/run-under-systemd.md",
        )


def _closed(path: Path) -> Path | None:
    for one in [*reversed(path.parents), path]:
        if not one.stat().st_mode & stat.S_IXOTH:
            return one
    return None


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
    part.replace(path)


def _file_of(unit: str) -> str:
    return "bookai-worker@.service" if _WORKER.fullmatch(unit) else unit


def _instance(name: str) -> str:
    return name.replace("@.", "@1.")
