"""Answers by idempotency key: kept a day, per principal and tool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from bookai.db.pool import DATABASE_ERRORS, Con, Pool, Unreachable
from bookai.errors import TryLater
from bookai.mcp_tasks import Known

KEPT = timedelta(hours=24)

FORGET = "DELETE FROM mcp_replies WHERE begun_at < clock_timestamp() - $1::interval"
FORGET_ONE = f"{FORGET} AND principal = $2 AND tool = $3 AND key = $4"  # constants
BEGIN = """
INSERT INTO mcp_replies (principal, tool, key, digest)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING true
"""
SELECT_KNOWN = """
SELECT digest = $4 AS same, reply, begun_at < clock_timestamp() - make_interval(secs => $5) AS late
  FROM mcp_replies
 WHERE principal = $1 AND tool = $2 AND key = $3
   AND begun_at >= clock_timestamp() - $6::interval
"""
FINISH = """
UPDATE mcp_replies SET reply = $4
 WHERE principal = $1 AND tool = $2 AND key = $3 AND reply IS NULL
"""
RELEASE = """
DELETE FROM mcp_replies
 WHERE principal = $1 AND tool = $2 AND key = $3 AND reply IS NULL
"""


@dataclass(frozen=True, slots=True)
class Replies:
    """What `mcp_server.once` asks; `place` is principal, tool and a hash of the key.

    Everything raises `TryLater` when the database does not answer.
    """

    pool: Pool

    async def begin(self, place: tuple[str, str, str], digest: str, within_s: float) -> Known:
        """Take the key for a call with arguments of this digest, or tell what is known of it.

        A call that has not ended after `within_s` is lost: its process died, or stopped it.
        """
        async with _answering(), self.pool.acquire() as con, con.transaction():
            await con.execute(FORGET_ONE, KEPT, *place)
            if await con.fetchval(BEGIN, *place, digest):
                return Known("new")
            found = await _known(con, place, digest, within_s)
        # Where there is nothing now, its holder gave it back at this moment.
        return found or Known("busy")

    async def look(self, place: tuple[str, str, str], digest: str, within_s: float) -> Known:
        """Tell what is known of the key, without taking it."""
        async with _answering():
            return await _known(self.pool, place, digest, within_s) or Known("new")

    async def finish(self, place: tuple[str, str, str], reply: str) -> None:
        """Keep the answer."""
        async with _answering():
            await self.pool.execute(FINISH, *place, reply)

    async def release(self, place: tuple[str, str, str]) -> None:
        """Give the key back: nothing was done under it."""
        async with _answering():
            await self.pool.execute(RELEASE, *place)


async def forget(db: Pool | Con) -> None:
    """Forget keys that are older than a day."""
    await db.execute(FORGET, KEPT)


async def _known(
    db: Pool | Con, place: tuple[str, str, str], digest: str, within_s: float
) -> Known | None:
    row = await db.fetchrow(SELECT_KNOWN, *place, digest, within_s, KEPT)
    if row is None:
        return None
    if not row["same"]:
        return Known("other")
    if row["reply"] is not None:
        return Known("done", row["reply"])
    return Known("lost" if row["late"] else "busy")


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, Unreachable, *DATABASE_ERRORS) as error:
        raise TryLater(
            f"The database does not answer for the key ({type(error).__name__}).", after_s=5
        ) from error
