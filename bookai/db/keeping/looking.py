"""What `bookai doctor` asks the database about upkeep."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bookai.db.pool import Con, Pool

SELECT_NEWEST = """
SELECT at, body
  FROM audit_log
 WHERE kind = $1
 ORDER BY id DESC
 LIMIT 1
"""
SELECT_CLOCK = "SELECT clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Newest:
    """When something was last done, and the canonical JSON of what was written down about it."""

    at: datetime
    body: str


async def newest(db: Pool | Con, kind: str) -> Newest | None:
    """Return the newest audit event of a kind; None when there is none."""
    row = await db.fetchrow(SELECT_NEWEST, kind)
    return Newest(**row) if row else None


async def clock_ahead_s(db: Pool | Con) -> float:
    """Return by how many seconds the database's clock is ahead of ours, as well as can be told."""
    await db.fetchval(SELECT_CLOCK)  # the first question may have to open a connection
    before = datetime.now(UTC)
    there: datetime = await db.fetchval(SELECT_CLOCK)
    after = datetime.now(UTC)
    return (there - (before + (after - before) / 2)).total_seconds()
