"""One call at work: answered while its caller waits, or kept as a task and finished there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, CallToolRequestParams, InputRequiredResult

from bookai.errors import TryLater
from bookai.mcp_tasks import Ended
from bookai.metrics import MCP_TASKS_ENDED
from mcp_server.tasks.slip import Slip, carry
from mcp_server.tasks.store import TaskStore
from mcp_server.tasks.wire import as_error, dumped, read_answers

logger = logging.getLogger(__name__)

_FINISH_S = 70.0
_RETRY_S = (0.2, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)

Outcome = tuple[Ended, Mapping[str, Any] | None]

STOPPED: Mapping[str, Any] = {
    "code": INTERNAL_ERROR,
    "message": "The studio was stopped while this ran, and what it had done by then is not known. "
    "Look with get_job or search_audit before you call it again.",
}


@dataclass(slots=True)
class Work:
    """One call and its way; `kept` says whether it is a task, once that is settled.

    `place` is what long work waits for, `looking` is held while wishes are read and heeded.
    """

    task_id: str
    principal: str
    params: CallToolRequestParams
    call: Callable[[], Awaitable[HandlerResult]]
    slip: Slip
    store: TaskStore
    worker: str
    place: asyncio.Semaphore | None
    looking: asyncio.Lock
    first: asyncio.Future[HandlerResult]
    kept: asyncio.Future[bool]
    answers: Mapping[str, Any] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    is_ending: bool = False
    is_stopped: bool = False
    is_closing: bool = False
    runner: "asyncio.Task[None] | None" = None

    async def run(self) -> None:
        """Do the work to its end, whoever waits for it."""
        carry(self.slip)
        try:
            state, outcome = await self._outcome()
            is_kept = await asyncio.shield(self.kept)
            self.is_ending = True
        except asyncio.CancelledError:
            # The caller went, somebody wished it, or we are closing: the end is still to be noted.
            self.is_ending, self.is_stopped = True, True
            self.first.cancel()
            is_kept = not self.kept.done() or self.kept.result()
            state, outcome = ("failed", STOPPED) if self.is_closing else ("cancelled", None)
        if is_kept:
            with anyio.move_on_after(_FINISH_S, shield=True):
                await self._finish(state, outcome)

    @property
    def is_kept(self) -> bool:
        """Tell whether this has become a task."""
        return self.kept.done() and self.kept.result()

    def stop(self, *, closing: bool = False) -> None:
        """Cancel the work, once; what it holds, processes included, is freed by its `finally`s."""
        self.is_closing = self.is_closing or closing
        if self.runner is not None and not (self.is_ending or self.is_stopped):
            self.is_stopped = True
            self.runner.cancel()

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Go on with the answers to what was asked."""
        self.answers = answers
        self.answered.set()

    async def _outcome(self) -> Outcome:
        """Call until there is an answer; what the tool asks on its way is asked of the client."""
        try:
            while True:
                result = await self._placed()
                if not self.first.done():
                    self.first.set_result(result)
                if not isinstance(result, InputRequiredResult):
                    return "completed", dumped(result)
                if not await asyncio.shield(self.kept) or not await self._heard(result):
                    return "cancelled", None
        except MCPError as error:
            self._tell_caller(error)
            return "failed", as_error(error)
        except Exception as error:
            # The door of a task: the log has the rest.
            logger.exception(
                "The call of %s broke", self.params.name, extra={"action": "task_broke"}
            )
            self._tell_caller(error)
            return "failed", {"code": INTERNAL_ERROR, "message": "Internal server error"}

    async def _placed(self) -> HandlerResult:
        if self.place is None:
            return await self.call()
        if self.place.locked():
            await self.slip.takes(0.0, "waits until other long work is done")
        async with self.place:
            return await self.call()

    async def _heard(self, asked: InputRequiredResult) -> bool:
        """Ask what the tool asked, and wait; return whether the call may be made again."""
        questions = dumped(asked).get("inputRequests") or {}
        if questions:
            # An answer to the last question that is on its way here must not pass for one to this.
            async with self.looking:
                self.answered.clear()
                if not await self._surely(
                    lambda: self.store.ask(self.task_id, self.worker, questions)
                ):
                    return False
            await self.answered.wait()
        # The handler is bound to this very object, and looks here for the answers.
        self.params.input_responses = read_answers(self.answers or {})
        self.params.request_state = asked.request_state
        return True

    def _tell_caller(self, error: Exception) -> None:
        if not self.first.done():
            self.first.set_exception(error)
            # Where the call has become a task nobody asks this future any more.
            self.first.exception()

    async def _finish(self, state: Ended, outcome: Mapping[str, Any] | None) -> None:
        if await self._surely(lambda: self.store.finish(self.task_id, self.worker, state, outcome)):
            MCP_TASKS_ENDED.labels(state).inc()
        elif state != "cancelled":
            logger.warning(
                "The end of a task of %s was not noted: it had been taken for lost",
                self.params.name,
                extra={"action": "task_lost"},
            )

    async def _surely(self, write: Callable[[], Awaitable[bool]]) -> bool:
        """Write, through a restart of the database if need be."""
        for pause_s in _RETRY_S:
            try:
                return await write()
            except TryLater:
                await asyncio.sleep(pause_s)
        return False
