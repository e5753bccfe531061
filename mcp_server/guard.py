"""What happens around every tool call: right, arguments, approval, time limit, audit, metrics."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.types import CallToolResult, TextContent

from bookai.errors import BookAIError, OperatorNeeded, Refused, TryLater
from bookai.models import Post, Record
from bookai.toolbox import Progress
from mcp_server.auth import AGENTS, Principal, operator_here
from mcp_server.call import Call
from mcp_server.legacy import say
from mcp_server.limits import Limits
from mcp_server.once import KEY, Once, Replies, Stopped, check_key, is_replayed
from mcp_server.rights.access import Access
from mcp_server.rights.confirming import confirm
from mcp_server.rights.detours import Detour
from mcp_server.schema import Answer, Arguments, GuardedTool, McpContext
from mcp_server.tasks.slip import carried
from mcp_server.wire import error_result
from tools.base import Scope, Tool, ToolContext

__all__ = ["AGENTS", "AuditSink", "Guard", "MakeContext", "Principal", "operator_here"]

logger = logging.getLogger(__name__)

AuditSink = Callable[[str, str, Mapping[str, object]], Awaitable[object]]
MakeContext = Callable[[Principal, Progress], ToolContext]

_LAST_WORDS_S = 5.0


@dataclass(frozen=True, slots=True)
class Guard:
    """Stands around every tool; `who` tells the principal of the call that is being answered.

    `access` says whether a tool that asks a person first is for clients that cannot ask. `replies`
    keeps answers under idempotency keys, `limits` says how often one may call.

    `audit(kind, actor, body)` writes one row. A call that may change something outside is refused
    when its row cannot be written: first `tool.calling`, then its outcome as `tool.called`.
    """

    make_context: MakeContext
    audit: AuditSink
    who: Callable[[], Principal]
    replies: Replies | None = None
    limits: Limits | None = None
    access: Access = field(default_factory=Access)

    def around(self, tool: Tool) -> GuardedTool:
        """Return `tool` as the SDK calls it: without its context, with this guard around it."""

        async def run(guarded: GuardedTool, arguments: Arguments, mcp: McpContext) -> Answer:
            try:
                call = Call.of(tool, self.who(), arguments, mcp)
                if self.limits is not None:  # counted, not audited: a flood must not fill the log
                    self.limits.check(call.principal, tool)
            except (Refused, TryLater) as error:
                return error_result(tool.name, error)
            return await self._answer(call, guarded, mcp)

        return GuardedTool.of(tool, run)

    async def refuse(self, tool: Tool, principal: Principal) -> Refused:
        """Audit and return the refusal of a call that a door stopped before it came here."""
        call = Call(tool, principal, {}, agent=None, job_id=None)
        refusal = _lacks_right(tool, principal)
        call.count(refusal)
        if not self._is_flood(tool, principal):
            await self._witness(call, refusal)
        return refusal

    async def turn_away(
        self, tool: Tool, principal: Principal, problem: BookAIError
    ) -> CallToolResult:
        """Audit and answer a call that cannot begin now."""
        call = Call(tool, principal, {}, agent=None, job_id=None)
        call.count(problem)
        if not self._is_flood(tool, principal):
            await self._witness(call, problem)
        return error_result(tool.name, problem)

    def _is_flood(self, tool: Tool, principal: Principal) -> bool:
        """Count a call that goes no further; tell whether it is one too many for the log."""
        try:
            if self.limits is not None:
                self.limits.check(principal, tool)
        except TryLater:
            return True
        return False

    def lend(self, scope: Scope) -> ToolContext:
        """Return a context for reading outside a tool, as a resource does.

        Raises:
            Refused: the caller lacks the right.
        """
        principal = self.who()
        if not principal.may(scope):
            raise Refused(f"This needs the right {scope!r}, which {principal.name} lacks.")
        return self.make_context(principal, _unheard)

    async def _answer(self, call: Call, guarded: GuardedTool, mcp: McpContext) -> Answer:
        """Run the call and turn whatever comes out of it into an answer and an audit row."""
        name = call.tool.name
        problem: Exception | None = None
        answer: CallToolResult | None = None
        try:
            answer = await self._run(call, guarded, mcp)
            call.replayed = is_replayed(answer)
        except asyncio.CancelledError as cancelled:
            await self._last_words(call, cancelled)
            raise
        except BookAIError as error:
            answer, problem = error_result(name, error), error
        except Detour as detour:
            problem = detour
        except Exception as error:
            logger.exception("Tool %s failed inside", name, extra={"action": "tool_crashed"})
            answer, problem = error_result(name, error), error
        call.count(problem)
        try:
            told = await self._witness(call, problem) or answer
        except asyncio.CancelledError:
            await self._last_words(call, problem)
            raise
        if isinstance(problem, Detour):
            return problem.answer()
        assert told is not None, "whatever is no detour has its answer"
        return told

    async def _run(self, call: Call, guarded: GuardedTool, mcp: McpContext) -> CallToolResult:
        """Do the call, or return the answer that a call with its key got before."""
        tool = call.tool
        if not call.principal.may(tool.scope):
            raise _lacks_right(tool, call.principal)
        arguments = guarded.check(call.arguments)
        once = self._once(call, arguments)
        # Before anyone is asked for a confirmation: what was done needs none.
        if once is not None and (before := await once.recall()) is not None:
            return before
        context = self.make_context(call.principal, _progress(mcp))
        if tool.needs_approval:
            await _check_approval(context, arguments)
        if tool.confirm is not None:
            await confirm(tool, context, arguments, mcp, self.access)

        async def do() -> CallToolResult:
            return _success(guarded, await self._carry_out(call, context, arguments))

        return await (do() if once is None else once.run(do))

    def _once(self, call: Call, arguments: Arguments) -> Once | None:
        if call.key is None:
            return None
        key = check_key(call.tool, call.key)
        if self.replies is None:
            raise Refused(f"This server keeps no answers: call {call.tool.name} without {KEY}.")
        return Once(self.replies, call.tool, call.principal.name, key, arguments)

    async def _carry_out(self, call: Call, context: ToolContext, arguments: Arguments) -> Record:
        tool = call.tool
        if _is_watched(tool):
            await self._announce(call)
        try:
            async with asyncio.timeout(tool.timeout_s) as limit:
                return await tool.run(context, **arguments)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Stopped(
                f"{tool.name} was stopped after its limit of {tool.timeout_s:g} s. Try again when "
                "the machine is less busy."
            ) from error

    async def _announce(self, call: Call) -> None:
        """Write down what is about to be done; what cannot be written down is not done."""
        try:
            await self.audit("tool.calling", call.actor, call.body())
        except Exception as lost:
            logger.exception(
                "No audit row before tool %s", call.tool.name, extra={"action": "audit_failed"}
            )
            raise OperatorNeeded(
                f"{call.tool.name} was not started: the audit log cannot be written "
                f"({type(lost).__name__}).",
                mend="Run: bookai doctor",
            ) from lost

    async def _last_words(self, call: Call, problem: BaseException | None) -> None:
        """Audit a call whose caller is gone; nobody is left to hear whether that worked."""
        if isinstance(problem, asyncio.CancelledError):
            call.count(problem)
        with anyio.move_on_after(_LAST_WORDS_S, shield=True):
            await self._witness(call, problem)

    async def _witness(self, call: Call, problem: BaseException | None) -> CallToolResult | None:
        """Write the audit row; return an answer only when that failed and must fail the call."""
        try:
            await self.audit("tool.called", call.actor, call.outcome(problem))
        except Exception as lost:
            logger.exception(
                "No audit row for tool %s", call.tool.name, extra={"action": "audit_failed"}
            )
            if problem is not None or not _is_watched(call.tool):
                return None
            told = OperatorNeeded(
                f"{call.tool.name} did its work, but the audit log could not be written "
                f"({type(lost).__name__}).",
                mend="Do not repeat it before you looked; then run: bookai doctor",
            )
            return error_result(call.tool.name, told)
        return None


def _lacks_right(tool: Tool, principal: Principal) -> Refused:
    has = ", ".join(sorted(principal.scopes)) or "none"
    return Refused(
        f"{tool.name} needs the right {tool.scope!r}; {principal.name} has: {has}. "
        "An operator gives rights with a new token."
    )


async def _check_approval(context: ToolContext, arguments: Mapping[str, Any]) -> None:
    post = arguments["post"]
    assert isinstance(post, Post), "a tool that needs approval takes the post it publishes"
    await context.desk.check_approved(arguments["job_id"], post.digest())


def _is_watched(tool: Tool) -> bool:
    """Tell whether a call without its audit row must not happen."""
    return tool.needs_approval or tool.scope in ("operate", "approve", "admin")


async def _unheard(fraction: float, message: str) -> None:
    """Take a report that nobody waits for."""


def _progress(mcp: McpContext) -> Progress:
    last = -1.0
    slip = carried()

    async def report(fraction: float, message: str) -> None:
        nonlocal last
        if slip is not None and await slip.takes(fraction, message):
            return
        # MCP asks for values that rise.
        if fraction > last:
            last = fraction
            await mcp.report_progress(fraction, 1.0, message)
            await say(mcp, message)

    return report


def _success(guarded: GuardedTool, result: Record) -> CallToolResult:
    """Return the answer; the text is for clients that know no structured content."""
    data = result.model_dump(mode="json")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    answer = CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data)
    guarded.fn_metadata.convert_result(answer)
    return answer
