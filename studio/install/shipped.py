"""Write `systemd/`: the units as they are for /opt/bookai, to read or to copy by hand."""

import sys
from pathlib import Path

from studio.install.place import Place
from studio.install.units import units

SHIPPED = Place(
    "system",
    Path("/opt/bookai/.venv/bin/bookai"),
    Path("/etc/systemd/system"),
    with_postgres=True,
)


def shipped() -> dict[str, str]:
    """Return the files of `systemd/` by name; those a person copies say so."""
    return units(SHIPPED)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, text in shipped().items():
        (folder / name).write_text(text, encoding="utf-8")
