"""A studio's first day: one person, who has nobody else to ask for a yes."""

from pathlib import Path

from bookai.db import jobs
from bookai.db.pool import Pool

_TOML = """\
# Written by this studio's first video. It has one operator, who may approve what he asked for
# himself. When a second one comes: false, and each approves what the other asked for.
[approvals]
single_operator = true
"""


async def settle_in(home: Path, pool: Pool) -> Path | None:
    """Write the settings of a one-person studio on its very first day; return where, if so.

    A studio that has settings, or has made anything before, is left as it is.
    """
    toml = home / "studio.toml"
    if toml.exists() or await jobs.list_(pool, None, 1):
        return None
    home.mkdir(parents=True, exist_ok=True)
    try:
        with toml.open("x", encoding="utf-8") as file:
            file.write(_TOML)
    except FileExistsError:
        return None
    return toml
