"""Append many small events at once: who awaits `append` goes on when the event is on disk.

Those who wait at the same moment share one COPY and one flush of the disk (group commit). The event
is not in its caller's transaction: use `append` with a connection for what changes state, approves,
pays or publishes, and this for traces of tools and agents.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg

from bookai.db.audit.append import Line, checked
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError, OperatorNeeded, TryLater

logger = logging.getLogger(__name__)

LIMIT = 4000
"""Events that may wait at once; who comes later waits for a place first."""

GROUP = 250
"""Events in one COPY at most: while it runs, the next group is being put together."""

WRITERS = 2
GROUP_S = 10.0

_COLUMNS = Line._fields
# What is wrong with one event, and says nothing about its neighbours.
_BAD_EVENT = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    OverflowError,
    TypeError,
    ValueError,
)


class _Waiting:
    """An event on its way to the disk; its text is made by the writer, off its caller's time."""

    __slots__ = ("actor", "body", "job_id", "kind", "line", "written")

    def __init__(
        self, kind: str, actor: str, body: Mapping[str, object], job_id: int | None
    ) -> None:
        self.kind, self.actor, self.body, self.job_id = kind, actor, body, job_id
        self.line: Line | None = None
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def check(self) -> bool:
        """Make the line that is stored; what cannot be written down is its caller's error alone."""
        try:
            self.line = checked(self.kind, self.actor, self.body, self.job_id)
        except Exception as error:  # noqa: BLE001  # any defect of one body would stop the writer
            self.fail(error)
        return self.line is not None

    def fail(self, error: BaseException) -> None:
        if not self.written.done():
            self.written.set_exception(error)


class Appender:
    """Writes events in groups; made by `open_appender`, which runs and closes it."""

    def __init__(self, pool: Pool, limit: int, group: int) -> None:
        self._pool = pool
        self._limit = limit
        self._group = group
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._is_closed = False

    async def append(
        self, kind: str, actor: str, body: Mapping[str, object], *, job_id: int | None = None
    ) -> None:
        """Write one event; return when it is durable. Cancelled before its turn, it is not written.

        Leave `body` as it is until then.

        Raises:
            Refused: the kind, a key or a value of the body cannot be written down faithfully.
            TryLater: the studio is stopping.
            OperatorNeeded: Postgres went away; the event may or may not have been written.
        """
        while len(self._waiting) >= self._limit and not self._is_closed:
            self._has_room.clear()
            await self._has_room.wait()
        if self._is_closed:
            raise TryLater("no more audit events are taken: the studio is stopping.")
        one = _Waiting(kind, actor, body, job_id)
        self._waiting.append(one)
        self._wake.set()
        await one.written

    def close(self) -> None:
        """Take no more events; what waits is still written."""
        self._is_closed = True
        self._wake.set()
        self._has_room.set()

    async def run(self) -> None:
        """Write groups until closed and empty. However this ends, nobody is left waiting."""
        try:
            async with asyncio.TaskGroup() as writers:
                for _ in range(WRITERS):
                    writers.create_task(self._write_groups())
        finally:
            self.close()
            self._fail_all("the studio is stopping")

    async def _write_groups(self) -> None:
        while self._waiting or not self._is_closed:
            if self._waiting:
                await self._write(self._next_group())
            else:
                self._wake.clear()
                await self._wake.wait()

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        while self._waiting and len(group) < self._group:
            one = self._waiting.popleft()
            if not one.written.done() and one.check():
                group.append(one)
        self._has_room.set()
        return group

    def _fail_all(self, why: str, error: Exception | None = None) -> None:
        while self._waiting:
            self._waiting.popleft().fail(_lost(why, error))
        self._has_room.set()

    async def _write(self, group: Sequence[_Waiting]) -> None:
        if not group:
            return
        try:
            async with asyncio.timeout(GROUP_S), self._pool.acquire() as con:
                await con.copy_records_to_table(
                    "audit_log", columns=_COLUMNS, records=[one.line for one in group]
                )
        except _BAD_EVENT as error:
            await self._find_bad(group, error)
        except (*DATABASE_ERRORS, BookAIError, OSError, TimeoutError) as error:
            # TimeoutError is an OSError too: a server that hangs is as good as gone.
            logger.warning(
                "%d audit events could not be written (%s)",
                len(group),
                type(error).__name__,
                extra={"action": "audit_append_failed", "count": len(group)},
            )
            for one in group:
                one.fail(_lost("Postgres went away", error))
            # They would only wait for the same: a server that hangs takes its time to be found out.
            self._fail_all("Postgres went away", error)
        else:
            for one in group:
                if not one.written.done():
                    one.written.set_result(None)
        finally:
            for one in group:
                if not one.written.done():  # this writer was cancelled
                    one.fail(_lost("the studio is stopping"))

    async def _find_bad(self, group: Sequence[_Waiting], error: Exception) -> None:
        """Halve until the event that the database does not take is alone; write all others."""
        if len(group) == 1:
            group[0].fail(error)
            return
        middle = len(group) // 2
        await self._write(group[:middle])
        await self._write(group[middle:])


@asynccontextmanager
async def open_appender(
    pool: Pool, *, limit: int = LIMIT, group: int = GROUP
) -> AsyncIterator[Appender]:
    """Lend an appender on `pool`; at the end what waits is written, then it is closed."""
    appender = Appender(pool, limit, group)
    writer = asyncio.create_task(appender.run(), name="audit appender")
    try:
        yield appender
    finally:
        appender.close()
        await writer


def _lost(why: str, error: Exception | None = None) -> OperatorNeeded:
    lost = OperatorNeeded(
        f"an audit event may not have been written: {why}.", mend="Run: bookai doctor"
    )
    lost.__cause__ = error
    return lost
