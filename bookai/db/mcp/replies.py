"""Answers by idempotency key: kept a day, per principal and tool."""

from dataclasses import dataclass
from datetime import timedelta

from bookai.db.pool import Con, Pool
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
    """What `mcp_server.once` asks; `place` is principal, tool and key."""

    pool: Pool

    async def begin(self, place: tuple[str, str, str], digest: str, within_s: float) -> Known:
        """Take the key for a call with arguments of this digest, or tell what is known of it.

        A call that has not ended after `within_s` is lost: its process died, or stopped it.
        """
        async with self.pool.acquire() as con, con.transaction():
            await con.execute(FORGET_ONE, KEPT, *place)
            if await con.fetchval(BEGIN, *place, digest):
                return Known("new")
            row = await con.fetchrow(SELECT_KNOWN, *place, digest, within_s)
        if row is None:  # its holder gave it back at this moment
            return Known("busy")
        if not row["same"]:
            return Known("other")
        if row["reply"] is not None:
            return Known("done", row["reply"])
        return Known("lost" if row["late"] else "busy")

    async def finish(self, place: tuple[str, str, str], reply: str) -> None:
        """Keep the answer."""
        await self.pool.execute(FINISH, *place, reply)

    async def release(self, place: tuple[str, str, str]) -> None:
        """Give the key back: nothing was done under it."""
        await self.pool.execute(RELEASE, *place)


async def forget(db: Pool | Con) -> None:
    """Forget keys that are older than a day."""
    await db.execute(FORGET, KEPT)
