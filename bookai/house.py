"""Where this checkout lives, and proof that its folders are the ones Python imports."""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from bookai.errors import OperatorNeeded

OWN_PACKAGES = ("agents", "graphs", "mcp_server", "studio", "tools")
VERSION = "0.1.0"


def migrations_dir() -> Path:
    """Return the folder of numbered SQL files: beside us in a checkout, inside us in a wheel."""
    shipped = Path(__file__).parent / "_migrations"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parents[1] / "migrations"


def check_own_packages() -> None:
    """Refuse to run when Python would import somebody else's `agents`.

    Raises:
        OperatorNeeded: names the folder, what shadows it, and the mend.
    """
    home = Path(__file__).resolve().parents[1]
    for name in OWN_PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != home / name:
            owners = [d for d in packages_distributions().get(name, []) if d != "bookai-studio"]
            raise OperatorNeeded(
                f"Python would import {name!r} from {found}, not from {home / name}.",
                mend=f"Uninstall {' or '.join(owners) or 'the package that owns it'}, "
                "or give BookAI Studio a virtual environment of its own.",
            )
