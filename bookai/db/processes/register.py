"""Which processes of the studio live, and at which port each shows its metrics."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bookai.db.pool import Con, Pool

Kind = Literal["loop", "mcp", "worker"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FORGET_S = 60.0
"""A process is forgotten that was not heard of for so long: six beats."""

# One that was frozen and comes back registers anew. Those of a machine that is gone are forgotten
# by whoever else lives.
BEAT = """
INSERT INTO processes AS p (name, kind, host, metrics_port)
VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
   SET metrics_port = excluded.metrics_port, seen_at = now()
"""
# Whoever listens at a port knows that nobody else does: a killed process must not stand beside the
# one that followed it, or both would be scraped as one.
FORGET_BEFORE = "DELETE FROM processes WHERE host = $1 AND metrics_port = $2 AND name <> $3"
# All forget at once, and each beats at the same time: a row that another holds is left to it.
FORGET_SILENT = """
DELETE FROM processes
 WHERE name IN (SELECT name
                  FROM processes
                 WHERE seen_at < now() - make_interval(secs => $1)
                   FOR UPDATE SKIP LOCKED)
"""
FORGET = "DELETE FROM processes WHERE name = $1"
SELECT_ALL = """
SELECT name, kind, host, metrics_port, began_at, seen_at
  FROM processes
 WHERE seen_at >= now() - make_interval(secs => $1)
 ORDER BY kind, name
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that lives; without a port it shows no metrics."""

    name: str
    kind: Kind
    host: str
    metrics_port: int | None
    began_at: datetime
    seen_at: datetime


async def beat(
    pool: Pool, name: str, kind: Kind, host: str, metrics_port: int | None
) -> tuple[Process, ...]:
    """Say that this process lives, forget the silent, and return all that live."""
    async with pool.acquire() as con, con.transaction():
        await con.execute(FORGET_BEFORE, host, metrics_port, name)
        await con.execute(BEAT, name, kind, host, metrics_port)
    await pool.execute(FORGET_SILENT, FORGET_S)
    return await list_(pool)


async def forget(pool: Pool, name: str) -> None:
    """Say that this process ends."""
    await pool.execute(FORGET, name)


async def list_(db: Pool | Con) -> tuple[Process, ...]:
    """Return the processes that were heard of within `FORGET_S`, by kind and name."""
    return tuple(Process(**row) for row in await db.fetch(SELECT_ALL, FORGET_S))
