"""What the keepers of a studio ask the database: what was done last, what its clock says."""

import json
from collections.abc import Sequence
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
# Each kind by itself, so that an index leads to its newest.
SELECT_FILE = """
SELECT l.id, l.body
  FROM unnest($1::text[]) AS k (kind)
 CROSS JOIN LATERAL (SELECT id, body
                       FROM audit_log
                      WHERE kind = k.kind
                        AND body::jsonb ->> 'file' = $2
                      ORDER BY id DESC
                      LIMIT 1) AS l
 ORDER BY l.id DESC
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


async def newest_of_file(
    db: Pool | Con, kinds: Sequence[str], file: str
) -> tuple[int, dict[str, str]] | None:
    """Return number and body of the newest event of these kinds about a file; None without one."""
    row = await db.fetchrow(SELECT_FILE, list(kinds), file)
    return (row["id"], json.loads(row["body"])) if row else None


async def clock_ahead_s(db: Pool | Con) -> float:
    """Return by how many seconds the database's clock is ahead of ours, as well as can be told."""
    await db.fetchval(SELECT_CLOCK)  # the first question may have to open a connection
    before = datetime.now(UTC)
    there: datetime = await db.fetchval(SELECT_CLOCK)
    after = datetime.now(UTC)
    return (there - (before + (after - before) / 2)).total_seconds()
