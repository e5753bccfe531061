"""For our own clients: calls that the server makes tasks of are followed to their end.

`Client(url, extensions=[Patient()])`, then `call_tool` as ever: it returns the last answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import anyio
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    REQUEST_TIMEOUT,
    CallToolResult,
    EmptyResult,
    Request,
    RequestParams,
    Result,
    TextContent,
)

from bookai.mcp_tasks import EXTENSION, TaskState

_GOODBYE_S = 5.0
_LEAST_POLL_S = 0.05
_MOST_POLL_S = 30.0


class _Known(Result):
    """What is always told of a task."""

    task_id: str
    status: TaskState
    status_message: str | None = None
    ttl_ms: int | None = None
    poll_interval_ms: int | None = None


class Became(_Known):
    """The answer to a call that has become a task."""

    result_type: Literal["task"] = "task"


class Task(_Known):
    """A task as the server tells of it: with what belongs to its state."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    input_requests: dict[str, Any] | None = None


class _Params(RequestParams):
    task_id: str


class _Answers(_Params):
    input_responses: dict[str, Any]


class _Get(Request[_Params, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: _Params
    name_param = "taskId"


class _Update(Request[_Answers, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    params: _Answers
    name_param = "taskId"


class _Cancel(Request[_Params, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: _Params
    name_param = "taskId"


Heard = Callable[[Task], Awaitable[None]]
Asked = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def get_task(session: ClientSession, task_id: str) -> Task:
    """Return how a task stands.

    Raises:
        MCPError: there is no such task of ours, or it has expired (-32602).
    """
    return await session.send_request(_Get(params=_Params(task_id=task_id)), Task)


async def answer_task(session: ClientSession, task_id: str, answers: dict[str, Any]) -> None:
    """Answer some of a task's questions, each by the name it was asked under."""
    params = _Answers(task_id=task_id, input_responses=answers)
    await session.send_request(_Update(params=params), EmptyResult)


async def cancel_task(session: ClientSession, task_id: str) -> None:
    """Ask for a task's end; that it has ended is seen with `get_task`."""
    await session.send_request(_Cancel(params=_Params(task_id=task_id)), EmptyResult)


class Patient(ClientExtension):
    """Follows a task until it ends; a caller that stops waiting cancels it.

    `on_status` hears of every look at a task, `on_input(name, question)` returns the answer to one
    of its questions, as the protocol writes it; without it a task that asks is cancelled.
    """

    identifier = EXTENSION

    def __init__(self, on_status: Heard | None = None, on_input: Asked | None = None) -> None:
        self._on_status = on_status
        self._on_input = on_input

    def claims(self) -> Sequence[ResultClaim[Any]]:
        """Claim the one result that the extension adds."""
        return [ResultClaim(result_type="task", model=Became, resolve=self._resolve)]

    async def _resolve(self, became: Became, context: ClaimContext) -> CallToolResult:
        session, task_id = context.session, became.task_id
        try:
            async with asyncio.timeout(context.read_timeout_seconds):
                return await self._followed(became, session)
        except TimeoutError as error:
            await self._give_up(session, task_id)
            raise MCPError(
                REQUEST_TIMEOUT, f"{context.tool_name} took too long and was cancelled"
            ) from error
        except asyncio.CancelledError:
            await self._give_up(session, task_id)
            raise

    async def _followed(self, became: Became, session: ClientSession) -> CallToolResult:
        while True:
            task = await get_task(session, became.task_id)
            if self._on_status is not None:
                await self._on_status(task)
            if task.status == "completed":
                return CallToolResult.model_validate(task.result)
            if task.status == "failed":
                raise _failed(task)
            if task.status == "cancelled":
                text = TextContent(type="text", text="The task was cancelled.")
                return CallToolResult(content=[text], is_error=True)
            if task.status == "input_required":
                await self._answer(task, session)
            poll_s = (task.poll_interval_ms or 1000) / 1000
            await asyncio.sleep(min(max(poll_s, _LEAST_POLL_S), _MOST_POLL_S))

    async def _answer(self, task: Task, session: ClientSession) -> None:
        if self._on_input is None:
            await cancel_task(session, task.task_id)
            return
        asked = (task.input_requests or {}).items()
        answers = {name: await self._on_input(name, question) for name, question in asked}
        if answers:
            await answer_task(session, task.task_id, answers)

    async def _give_up(self, session: ClientSession, task_id: str) -> None:
        """Cancel on the server what nobody here waits for; a lost line leaves it to its limit."""
        with anyio.move_on_after(_GOODBYE_S, shield=True):
            try:
                await cancel_task(session, task_id)
            except (MCPError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return


def _failed(task: Task) -> MCPError:
    error = task.error or {}
    return MCPError(
        int(error.get("code", INTERNAL_ERROR)),
        str(error.get("message", "The task failed")),
        error.get("data"),
    )
