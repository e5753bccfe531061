"""Whether the units will work on the database that the operator's own commands work on."""

import os
from collections.abc import Mapping
from pathlib import Path

from bookai.db.embedded import CONNECTIONS
from bookai.errors import OperatorNeeded
from studio.install.units import connections

VARIABLE = "BOOKAI_DSN"


def stored_in(path: Path) -> str:
    """Return the secret that systemd lends, '' where there is none."""
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def written_in(path: Path) -> str:
    """Return the address in a user's file of secrets, '' where it holds none."""
    found = ""
    for line in stored_in(path).splitlines():
        name, _, value = line.strip().partition("=")
        if name.strip() == VARIABLE:
            found = value.strip().strip("\"'")
    return found


def check_same_database(
    source: Path, units_have: str, environment: Mapping[str, str] = os.environ
) -> None:
    """Refuse two databases, one of this shell and one of the units; neither address is shown.

    Raises:
        OperatorNeeded: they differ, or one of them is not set.
    """
    shell_has = environment.get(VARIABLE, "").strip()
    if shell_has == units_have:
        return
    if not units_have:
        what = f"{VARIABLE} is set in this shell, and {source}, which the units read, has none"
    elif not shell_has:
        what = f"{source}, which the units read, has a {VARIABLE}, and this shell has none"
    else:
        what = f"{VARIABLE} of this shell is another than the one in {source}, which the units read"
    raise OperatorNeeded(
        f"{what}: the units would work on another database than your commands.",
        mend=f"Give both the same {VARIABLE}, or neither.",
    )


def check_enough(workers: int, *, embedded: bool, keeper: bool) -> None:
    """Refuse more workers than an embedded server without a unit of its own has room for.

    Raises:
        OperatorNeeded: they may need more connections than it has.
    """
    most = (CONNECTIONS - connections(0)) // (connections(1) - connections(0))
    if embedded and not keeper and workers > most:
        raise OperatorNeeded(
            f"{workers} workers may need {connections(workers)} connections, and the embedded "
            f"Postgres has {CONNECTIONS}: enough for {most}.",
            mend="Add --with-postgres, whose unit is given as many as they need.",
        )
