"""The Tasks extension on the SDK's interface: calls that become tasks, and asking after them."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from bookai.errors import Refused, TryLater
from bookai.mcp_tasks import EXTENSION, TaskRow
from mcp_server.auth import Principal
from mcp_server.guard import Guard
from mcp_server.tasks.store import TaskStore
from mcp_server.tasks.wire import (
    TaskParams,
    UpdateParams,
    created,
    detailed,
    is_task_id,
    not_now,
    read_answers,
    unknown,
)
from mcp_server.tasks.works import Works
from tools.base import Tool

Ctx = ServerRequestContext[Any, Any]

WORKS = "works"
"""The key of this process's `Works` in the server's lifespan context."""

_VERSIONS = frozenset(MODERN_PROTOCOL_VERSIONS)
_MAX_ANSWER = 64 * 1024


class Tasks(Extension):
    """What a client that declares the extension gets: no call keeps it waiting for long.

    A call that has not ended within a moment becomes a task; `always` names tools whose every call
    does, so that they need such a client. Older clients wait, and hear progress.
    """

    identifier = EXTENSION

    def __init__(
        self,
        tools: Mapping[str, Tool],
        guard: Guard,
        store: TaskStore,
        always: Collection[str] = frozenset(),
    ) -> None:
        self._tools = tools
        self._guard = guard
        self._store = store
        self._always = always

    def methods(self) -> Sequence[MethodBinding]:
        """Return the three methods; `tasks/list` and `tasks/result` are none of the extension's."""
        return [
            MethodBinding("tasks/get", TaskParams, self._get, _VERSIONS),
            MethodBinding("tasks/update", UpdateParams, self._update, _VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, _VERSIONS),
        ]

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,
        ctx: ServerRequestContext[Any, Any],
        call_next: CallNext,
    ) -> HandlerResult:
        """Answer in time, or with a task."""
        always = params.name in self._always
        if not _declares(ctx):
            if always and ctx.protocol_version in _VERSIONS:
                require_client_extension(ctx, EXTENSION)
            return await call_next(ctx)
        tool, principal = self._tools.get(params.name), self._caller()
        if tool is None or principal is None or not principal.may(tool.scope):
            return await call_next(ctx)  # the guard says what is wrong with it
        works: Works = ctx.lifespan_context[WORKS]
        try:
            work = works.begin(tool, principal, params, partial(call_next, ctx))
        except TryLater as busy:
            return await self._guard.turn_away(tool, principal, busy)
        outcome = await works.settle(work, always=always)
        return created(outcome) if isinstance(outcome, TaskRow) else outcome

    async def _get(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        return detailed(await self._find(ctx, params))

    async def _update(self, ctx: Ctx, params: UpdateParams) -> HandlerResult:
        task = await self._find(ctx, params)
        answers = {name: one for name, one in params.input_responses.items() if name in task.asks}
        if sum(len(str(one)) for one in answers.values()) > _MAX_ANSWER:
            raise MCPError(INVALID_PARAMS, f"inputResponses: more than {_MAX_ANSWER} characters")
        read_answers(answers)
        try:
            await self._store.answer(task.task_id, task.principal, answers)
        except TryLater as error:
            raise not_now(error) from error
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        task = await self._find(ctx, params)
        try:
            await self._store.cancel(task.task_id, task.principal)
        except TryLater as error:
            raise not_now(error) from error
        return {"resultType": "complete"}

    async def _find(self, ctx: Ctx, params: TaskParams) -> TaskRow:
        """Return the caller's own task, if he may still call its tool.

        Raises:
            MCPError: the client does not know tasks, or this is no task of his.
        """
        require_client_extension(ctx, EXTENSION)
        headers = getattr(ctx.request, "headers", {})
        if headers.get("mcp-name", params.task_id) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "The header Mcp-Name names another task than taskId")
        principal = self._caller()
        if principal is None or not is_task_id(params.task_id):
            raise unknown()
        try:
            task = await self._store.get(params.task_id, principal.name)
        except TryLater as error:
            raise not_now(error) from error
        tool = self._tools.get(task.tool) if task else None
        if task is None or tool is None or not principal.may(tool.scope):
            raise unknown()
        return task

    def _caller(self) -> Principal | None:
        try:
            return self._guard.who()
        except Refused:
            return None


def _declares(ctx: Ctx) -> bool:
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in _VERSIONS and bool(declared and EXTENSION in declared)
