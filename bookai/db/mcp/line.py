"""A line to Postgres that shows others that this process lives, and hears when it is called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bookai.db.pool import Con, connect

ASK_S = 10.0
TAKE_LOCK = "SELECT pg_advisory_lock(hashtextextended($1, 0))"

# A server that lost sight of us must drop our lock within half a minute.
_KEEPALIVES = {
    "application_name": "bookai line",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Rings when someone calls, and when the line itself breaks."""

    con: Con
    rung: asyncio.Event

    async def wait(self, limit_s: float) -> None:
        """Return when it rings, or after `limit_s`.

        Raises:
            ConnectionError: the line broke.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.rung.wait()
        self.rung.clear()
        if self.con.is_closed():
            raise ConnectionError("the line to Postgres broke")


@asynccontextmanager
async def open_line(dsn: str, channel: str, name: str, lock: str) -> AsyncIterator[Line]:
    """Hold `lock` and listen on `channel` for calls of `name`, on a connection of its own.

    Raises:
        OperatorNeeded: Postgres does not let us in.
        TryLater: Postgres is starting, or has no connection to spare.
    """
    con = await connect(dsn, command_timeout=ASK_S, server_settings=_KEEPALIVES)
    line = Line(con, asyncio.Event())

    def ring(_con: Con, _pid: int, _channel: str, payload: str) -> None:
        if payload == name:
            line.rung.set()

    try:
        con.add_termination_listener(lambda _con: line.rung.set())
        await con.execute(TAKE_LOCK, lock)
        await con.add_listener(channel, ring)
        yield line
    finally:
        con.terminate()
