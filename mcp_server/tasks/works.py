"""The works of this process: who may begin, what becomes a task, who is called off."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, CallToolRequestParams, InputRequiredResult

from bookai.errors import BookAIError, TryLater
from bookai.mcp_tasks import NewTask, TaskRow, TaskState
from bookai.metrics import MCP_TASKS
from mcp_server.auth import Principal
from mcp_server.tasks.slip import Slip
from mcp_server.tasks.store import TaskStore
from mcp_server.tasks.work import STOPPED, Work
from mcp_server.wire import scrub
from tools.base import Tool

logger = logging.getLogger(__name__)

LOST = {
    "code": INTERNAL_ERROR,
    "message": "The process that worked on this ended before it was done, and what it had done by "
    "then is not known. Look with get_job or search_audit before you call it again.",
}
_STATES: tuple[TaskState, ...] = ("working", "input_required", "completed", "failed", "cancelled")
_REST_S = 1.0
_KNOWN_S = 1.0
_CLOSING_S = 8.0
_TIDY_EVERY = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a caller waits and how much one process takes on; times in seconds.

    `grace_s` is how long a call may take before it becomes a task, `ttl_s` how long a task can be
    asked after (longer than the longest queue takes), `beat_s` how soon a wish is heeded that no
    bell told of, `tidy_s` how long after a new line others are not taken for dead. `at_once` pieces
    of long work (`Tool.task`) run side by side, the rest waits; more than `most` in all or `each`
    of one principal are refused.
    """

    grace_s: float = 0.15
    ttl_s: float = 4 * 3600.0
    beat_s: float = 1.0
    tidy_s: float = 8.0
    at_once: int = 2
    most: int = 32
    each: int = 16


@dataclass(slots=True)
class Works:
    """What one process works on; made by `open_works`."""

    store: TaskStore
    terms: Terms
    worker: str
    group: asyncio.TaskGroup
    place: asyncio.Semaphore
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: asyncio.Event = field(default_factory=asyncio.Event)
    live: dict[str, Work] = field(default_factory=dict)

    def begin(
        self,
        tool: Tool,
        principal: Principal,
        params: CallToolRequestParams,
        call: Callable[[], Awaitable[HandlerResult]],
    ) -> Work:
        """Start a call that may become a task.

        Raises:
            TryLater: as much long work as may be taken on runs or waits already.
        """
        loop = asyncio.get_running_loop()
        if tool.task:
            self._check_room(principal)
        work = Work(
            task_id=secrets.token_urlsafe(24),
            principal=principal.name,
            params=params,
            call=call,
            slip=Slip(loop.time),
            store=self.store,
            worker=self.worker,
            place=self.place if tool.task else None,
            looking=self.looking,
            first=loop.create_future(),
            kept=loop.create_future(),
        )
        work.runner = self.group.create_task(work.run())
        self.live[work.task_id] = work
        work.runner.add_done_callback(lambda _done: self.live.pop(work.task_id, None))
        return work

    async def settle(self, work: Work, *, always: bool) -> HandlerResult | TaskRow:
        """Return the call's answer if it comes in time, else the task it has become.

        With `always` even an answer in time becomes a task, unless it is a question.
        """
        try:
            await asyncio.wait({work.first}, timeout=self.terms.grace_s)
            if work.first.cancelled():
                raise MCPError(STOPPED["code"], STOPPED["message"])
            if work.first.done() and not (always and _is_answer(work.first)):
                work.kept.set_result(False)
                return work.first.result()
            kept = await self._keep(work)
            if kept is None:
                # Nothing can be kept now: the caller waits, as one without tasks would.
                work.kept.set_result(False)
                return await work.first
        except BaseException:
            # The caller went, or no row could be made for a reason of its own: nobody hears of it.
            if not work.first.done() or work.first.cancelled() or not work.kept.done():
                work.stop()
            raise
        work.slip.write = self._writer(work)
        work.kept.set_result(True)
        return kept

    async def _keep(self, work: Work) -> TaskRow | None:
        if len(self.live) > self.terms.most or not await self._is_known():
            return None
        new = NewTask(
            task_id=work.task_id,
            principal=work.principal,
            tool=work.params.name,
            worker=self.worker,
            ttl_s=self.terms.ttl_s,
            message=scrub(work.slip.said) if work.slip.said else None,
        )
        try:
            return await self.store.create(new)
        except TryLater as error:
            logger.warning("A call stays a call: %s", error, extra={"action": "task_not_kept"})
            return None

    async def _is_known(self) -> bool:
        """Tell whether others see that we live; a process that just began gets a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_KNOWN_S):
                await self.known.wait()
        return self.known.is_set()

    def _writer(self, work: Work) -> Callable[[str], Awaitable[None]]:
        async def write(said: str) -> None:
            # Whoever asks hears an older word: no reason to stop the work.
            try:
                await self.store.tell(work.task_id, self.worker, scrub(said))
            except TryLater as error:
                logger.info("Progress was not noted: %s", error, extra={"action": "task_untold"})

        return write

    def _check_room(self, principal: Principal) -> None:
        long = [work for work in self.live.values() if work.place is not None]
        his = [work for work in long if work.principal == principal.name]
        if len(long) >= self.terms.most or len(his) >= self.terms.each:
            raise TryLater(
                f"The studio is busy: {len(long)} pieces of long work run or wait, {len(his)} of "
                f"them for {principal.name}. Try again when one is done.",
                after_s=15.0,
            )

    async def tend(self) -> None:
        """Heed what others wish of our tasks, and tidy up after the dead, until cancelled."""
        while True:
            try:
                async with self.store.line(self.worker) as line:
                    # After an outage everybody has been silent: others get time to be heard first.
                    beats, tidy_from = 0, asyncio.get_running_loop().time() + self.terms.tidy_s
                    while True:
                        with suppress(TryLater):  # a late beat is no reason to give the lock away
                            await self._heed()
                            is_time = asyncio.get_running_loop().time() >= tidy_from
                            if is_time and beats % _TIDY_EVERY == 0:
                                await self._tidy()
                            self.known.set()
                        beats += 1
                        await line.wait(self.terms.beat_s)
            except BookAIError as error:
                logger.warning(
                    "Tasks are not tended (%s): tries again",
                    type(error).__name__,
                    extra={"action": "tasks_untended"},
                )
                self.known.clear()
                await asyncio.sleep(_REST_S)

    async def _heed(self) -> None:
        kept = {name: work for name, work in self.live.items() if work.is_kept}
        if not kept:
            return
        async with self.looking:
            wishes = {wish.task_id: wish for wish in await self.store.beat(self.worker)}
            for task_id, work in kept.items():
                wish = wishes.get(task_id)
                # Whose row is not ours any more was taken for lost: the work ends with it.
                if wish is None or wish.cancel:
                    work.stop()
                elif wish.answers is not None:
                    work.answer(wish.answers)

    async def _tidy(self) -> None:
        counts: Mapping[str, int] = await self.store.tidy(self.worker, LOST)
        for state in _STATES:
            MCP_TASKS.labels(state).set(counts.get(state, 0))

    async def close(self) -> None:
        """Stop whatever runs and note that; what the database does not take in time is left."""
        runners = [work.runner for work in self.live.values() if work.runner is not None]
        for work in self.live.values():
            work.stop(closing=True)
        with anyio.move_on_after(_CLOSING_S, shield=True):
            if runners:
                await asyncio.wait(runners)
        for runner in runners:
            runner.cancel()


@asynccontextmanager
async def open_works(store: TaskStore, terms: Terms) -> AsyncIterator[Works]:
    """Lend the works of a process, which is known to the others until the block ends."""
    async with asyncio.TaskGroup() as group:
        works = Works(store, terms, secrets.token_hex(16), group, asyncio.Semaphore(terms.at_once))
        tending = group.create_task(works.tend())
        try:
            yield works
        finally:
            await works.close()
            tending.cancel()


def _is_answer(first: asyncio.Future[HandlerResult]) -> bool:
    return first.exception() is None and not isinstance(first.result(), InputRequiredResult)
