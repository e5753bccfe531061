"""The agents' only hand: call a tool over MCP, get a typed record back.

The class of an error crosses the wire in `_meta` of the result, so that a refusal stays a refusal
and a busy tool stays one that may be asked again. `mcp_server/wire.py` writes what is read here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import anyio
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    CallToolResult,
    RequestParamsMeta,
    TextContent,
)
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater


class NoAnswer(TryLater):
    """Nothing answers at the address, or it went away in the middle of a call."""


R = TypeVar("R", bound=BaseModel)
Progress = Callable[[float, str], Awaitable[None]]
Before = Callable[[], Awaitable[None]]

ERROR_META = "bookai/error"
AFTER_META = "bookai/after_s"
HELD_META = "bookai/held"
MEND_META = "bookai/mend"
AGENT_META = "bookai/agent"
JOB_META = "bookai/job"

# What the SDK lets out when a connection cannot be made or breaks; an answer that comes while its
# line is being hung up finds the SDK's own streams closed.
_BROKEN = (
    MCPError,
    httpx2.TransportError,
    OSError,
    ExceptionGroup,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)

# The longest tool may work for 600 s; the server's own limit must be the one that strikes.
CALL_LIMIT_S = 660.0
LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools as one caller sees them; `principal` names that caller in our own messages only.

    The rights of a caller are the server's business: nothing here can widen them.
    """

    client: "Client | _Redialing"
    principal: str = "agent"
    agent: str | None = None
    job_id: int | None = None
    progress: Progress | None = None
    before: Before | None = None
    until: float | None = None

    def acting(
        self,
        agent: str,
        job_id: int,
        progress: Progress | None = None,
        before: Before | None = None,
        until: float | None = None,
    ) -> "Toolbox":
        """Return a toolbox whose calls are audited as `agent`'s work on `job_id`.

        `progress(fraction, message)` hears what the tools report while they work; what `before()`
        raises keeps a call from being made. No answer is waited for after `until`, on the loop's
        clock.
        """
        return replace(
            self, agent=agent, job_id=job_id, progress=progress, before=before, until=until
        )

    async def call(self, name: str, result: type[R], /, **arguments: object) -> R:
        """Call tool `name` and return its answer as a `result`.

        Raises:
            Refused: the studio will not do this.
            TryLater: it may work after `after_s` seconds.
            OperatorNeeded: a person must act first; `mend` says how.
            ToolFailed: the tool broke, or answered something that is no `result`.
        """
        if self.before is not None:
            await self.before()
        try:
            answer = await self.client.call_tool(
                name,
                to_jsonable_python(arguments),
                read_timeout_seconds=self._limit_s(),
                progress_callback=_forward(self.progress) if self.progress else None,
                meta=self._meta(),
            )
        except MCPError as error:
            raise _from_protocol(name, error) from error
        except RuntimeError as error:
            # The SDK's word for an answer that does not keep the tool's own output schema.
            raise ToolFailed(f"{name}: {error}") from error
        if answer.is_error:
            raise _from_result(name, answer)
        try:
            return result.model_validate(answer.structured_content)
        except ValidationError as error:
            raise ToolFailed(f"{name} answered something that is no {result.__name__}") from error

    def _limit_s(self) -> float:
        if self.until is None:
            return CALL_LIMIT_S
        # Whoever set the deadline cancels us then; this is for a call that hears of nothing.
        left_s = self.until - asyncio.get_running_loop().time()
        return min(CALL_LIMIT_S, max(left_s, 0.0) + LATE_S)

    def _meta(self) -> RequestParamsMeta | None:
        told = {AGENT_META: self.agent, JOB_META: self.job_id}
        meta = {key: value for key, value in told.items() if value is not None}
        return cast(RequestParamsMeta, meta) if meta else None


class _Line:
    """One connection over HTTP, opened, kept and closed in a task of its own.

    The SDK's sessions end with an error in the task that opened them: here that is nobody's.
    """

    def __init__(
        self, url: str, http: httpx2.AsyncClient, group: asyncio.TaskGroup, check_schema: bool
    ) -> None:
        self.check_schema = check_schema
        self.hung_up = asyncio.Event()
        self.client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self.task = group.create_task(self._keep(url, http))

    async def _keep(self, url: str, http: httpx2.AsyncClient) -> None:
        try:
            async with _unwrapped(), Client(streamable_http_client(url, http_client=http)) as made:
                if not self.check_schema:
                    made.session.validate_tool_result = _unchecked  # type: ignore[method-assign]  # no switch for it
                self.client.set_result(made)
                await self.hung_up.wait()
        except _BROKEN as error:
            if not self.client.done():
                self.client.set_exception(error)
        except RuntimeError as error:
            # The SDK's word for a peer that speaks another protocol: not ours to end by.
            if not self.client.done():
                self.client.set_exception(ConnectionError(str(error)))
        finally:
            self.hung_up.set()
            self.client.cancel()


class _Redialing:
    """A client over HTTP that connects anew after its connection broke.

    A restart of the server costs the calls of that moment, not the process that made them.
    """

    def __init__(self, new_line: Callable[[], _Line], url: str, mend: str) -> None:
        self._new_line, self._url, self._mend = new_line, url, mend
        self._line = new_line()

    async def connected(self) -> Client:
        """Return a client that is connected, as far as one can know.

        Raises:
            OperatorNeeded: the server does not accept the token.
            TryLater: nothing answers.
        """
        if self._line.hung_up.is_set():
            self._line = self._new_line()
        try:
            return await asyncio.shield(self._line.client)
        except MCPError as error:
            raise _from_protocol(self._url, error) from error
        except _BROKEN as error:
            raise self._nobody() from error

    async def call_tool(
        self, name: str, arguments: dict[str, Any], **options: Any
    ) -> CallToolResult:
        """Call over the line there is; a line on which anything went wrong is not used again.

        Raises:
            TryLater: nothing answers, or the server went away in the middle.
        """
        client, line = await self.connected(), self._line
        call = asyncio.ensure_future(client.call_tool(name, arguments, **options))
        try:
            await asyncio.wait({call, line.task}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise self._nobody()
            return call.result()
        except MCPError:
            line.hung_up.set()
            raise
        except _BROKEN as error:
            line.hung_up.set()
            raise self._nobody() from error
        finally:
            call.cancel()
            await asyncio.wait({call})

    def hang_up(self) -> None:
        """Let the line go, so that its task ends."""
        self._line.hung_up.set()

    def _nobody(self) -> NoAnswer:
        return NoAnswer(f"Nothing answers at {self._url}. {self._mend}", after_s=5)


@asynccontextmanager
async def open_toolbox(
    target: str | MCPServer[Any],
    token: str = "",
    principal: str = "agent",
    mend: str = "Start the studio's server: bookai serve",
    *,
    check_schema: bool = True,
) -> AsyncIterator[Toolbox]:
    """Connect to the studio's MCP server at a URL, or to one in this process.

    Enter and leave it in one task. An error of the body comes out as itself. A server at a URL may
    be restarted meanwhile: calls of that moment raise `NoAnswer`, later ones reach the new one.
    Without `check_schema`, answers are held to our own records alone: the schema of a peer that is
    not ours may take for ever to check.

    Raises:
        OperatorNeeded: the server does not accept the token.
        NoAnswer: nothing answers at the URL.
    """
    if not isinstance(target, str):
        async with _unwrapped(), Client(target) as inside:
            yield Toolbox(inside, principal)
        return
    # The SDK's own HTTP client gives up reading after 300 s: less than a long render.
    async with (
        _unwrapped(),
        httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx2.Timeout(30, read=CALL_LIMIT_S),
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        client = _Redialing(lambda: _Line(target, http, group, check_schema), target, mend)
        try:
            await client.connected()  # a wrong token or address is told now, not at the first call
            yield Toolbox(client, principal)
        finally:
            client.hang_up()


async def _unchecked(name: str, result: CallToolResult) -> None:
    del name, result


@asynccontextmanager
async def _unwrapped() -> AsyncIterator[None]:
    """Let out what the SDK's task groups wrap: whatever ends them, the caller's errors included."""
    try:
        yield
    except ExceptionGroup as group:
        error = _only_one(group)
        raise error from error.__cause__


def _only_one(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _forward(heard: Progress) -> ProgressFnT:
    async def forward(progress: float, total: float | None, message: str | None) -> None:
        await heard(progress / total if total else progress, message or "")

    return forward


def _from_result(name: str, answer: CallToolResult) -> BookAIError:
    said = " ".join(part.text for part in answer.content if isinstance(part, TextContent))
    return _from_wire(name, said, answer.meta or {})


def _from_protocol(name: str, error: MCPError) -> BookAIError:
    if error.code in (CONNECTION_CLOSED, REQUEST_TIMEOUT):
        return NoAnswer(f"{name}: the MCP server did not answer ({error.message}).")
    return _from_wire(name, error.message, error.data if isinstance(error.data, dict) else {})


def _from_wire(name: str, said: str, meta: Mapping[str, Any]) -> BookAIError:
    match meta.get(ERROR_META):
        case "refused":
            return Refused(said)
        case "try_later":
            later = NotYet if meta.get(HELD_META) is True else TryLater
            after_s = meta.get(AFTER_META)
            if isinstance(after_s, int | float) and after_s >= 0:
                return later(said, after_s=float(after_s))
            return later(said)
        case "operator_needed":
            mend = str(meta.get(MEND_META, ""))
            return OperatorNeeded(said.removesuffix(mend).strip(), mend=mend)
        case _:
            return ToolFailed(f"{name}: {said}")
