"""A home of a rehearsal's own: never one that exists, and marked from its first moment."""

from pathlib import Path

from bookai.errors import OperatorNeeded, Refused

MARK = "REHEARSAL"
_SAYS = """\
Everything in this folder is simulated: made by `bookai rehearse`, asked of nobody, published
nowhere. Its database marks whatever is written there and arms no post for a real platform.
Look around with BOOKAI_HOME set to this folder; delete it when you have seen enough.
"""


def make_home(folder: Path) -> Path:
    """Make a rehearsal's home of a folder that is not there yet or empty; return it.

    Raises:
        Refused: something is in it, or it cannot be made.
    """
    home = folder.expanduser().absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise Refused(
                f"{home} is not empty: a rehearsal works in a folder of its own, so that it can "
                "never touch a studio's. Name a new one: bookai rehearse --keep FOLDER"
            )
        # The database's own user has to pass through, where the studio runs as root.
        home.chmod(0o711)
        (home / MARK).write_text(_SAYS, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{home} cannot be made: {error.strerror}.") from error
    return home


def check_no_rehearsal(home: Path) -> None:
    """Return when `home` may be worked in: a rehearsal's own may only be looked at.

    Raises:
        OperatorNeeded: it is a rehearsal's.
    """
    if (home / MARK).exists():
        raise OperatorNeeded(
            f"{home} is what a rehearsal left: its jobs are simulated, and its clock stands still. "
            "It can be looked at, and is not worked in.",
            mend="Set BOOKAI_HOME to your studio's own folder.",
        )
