"""The rehearsal's clock: it stands still while anything works, then jumps to what is due next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bookai.db import rehearsal
from bookai.db.pool import Con, connect


@dataclass(slots=True)
class Clock:
    """One time for Python and for SQL; `con` is the database owner's, who alone may move it."""

    con: Con
    at: datetime

    def __call__(self) -> datetime:
        """Return the time, aware UTC."""
        return self.at

    def seconds(self) -> float:
        """Return the time in seconds, for what counts them."""
        return self.at.timestamp()

    async def jump(self, at: datetime) -> None:
        """Move on to `at`; never back."""
        await rehearsal.set_clock(self.con, at)
        self.at = at

    async def pass_(self, seconds: float) -> None:
        """Let so much time go by."""
        await self.jump(self.at + timedelta(seconds=seconds))


@asynccontextmanager
async def open_clock(admin_dsn: str, at: datetime) -> AsyncIterator[Clock]:
    """Lend the clock of a prepared database."""
    con = await connect(admin_dsn)
    try:
        yield Clock(con, at)
    finally:
        await con.close()
