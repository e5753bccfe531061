"""The agents' only hand: call a tool over MCP, get a typed record back.

The class of an error crosses the wire in `_meta` of the result, so that a refusal stays a refusal
and a busy tool stays one that may be asked again. `mcp_server/wire.py` writes what is read here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

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

from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater

R = TypeVar("R", bound=BaseModel)
Progress = Callable[[float, str], Awaitable[None]]
Before = Callable[[], Awaitable[None]]

ERROR_META = "bookai/error"
AFTER_META = "bookai/after_s"
MEND_META = "bookai/mend"
AGENT_META = "bookai/agent"
JOB_META = "bookai/job"

# The longest tool may work for 600 s; the server's own limit must be the one that strikes.
CALL_LIMIT_S = 660.0


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools as one caller sees them; `principal` names that caller in our own messages only.

    The rights of a caller are the server's business: nothing here can widen them.
    """

    client: Client
    principal: str = "agent"
    agent: str | None = None
    job_id: int | None = None
    progress: Progress | None = None
    before: Before | None = None

    def acting(
        self,
        agent: str,
        job_id: int,
        progress: Progress | None = None,
        before: Before | None = None,
    ) -> "Toolbox":
        """Return a toolbox whose calls are audited as `agent`'s work on `job_id`.

        `progress(fraction, message)` hears what the tools report while they work; what `before()`
        raises keeps a call from being made.
        """
        return replace(self, agent=agent, job_id=job_id, progress=progress, before=before)

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
                read_timeout_seconds=CALL_LIMIT_S,
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

    def _meta(self) -> RequestParamsMeta | None:
        told = {AGENT_META: self.agent, JOB_META: self.job_id}
        meta = {key: value for key, value in told.items() if value is not None}
        return cast(RequestParamsMeta, meta) if meta else None


@asynccontextmanager
async def open_toolbox(
    target: str | MCPServer[Any], token: str = "", principal: str = "agent"
) -> AsyncIterator[Toolbox]:
    """Connect to the studio's MCP server at a URL, or to one in this process.

    Enter and leave it in one task. An error of the body comes out as itself.

    Raises:
        OperatorNeeded: the server does not accept the token.
        TryLater: nothing answers at the URL.
    """
    try:
        async with AsyncExitStack() as stack:
            if isinstance(target, str):
                # The SDK's own HTTP client gives up reading after 300 s: less than a long render.
                http = httpx2.AsyncClient(
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=httpx2.Timeout(30, read=CALL_LIMIT_S),
                )
                await stack.enter_async_context(http)
                client = Client(streamable_http_client(target, http_client=http))
            else:
                client = Client(target)
            yield Toolbox(await stack.enter_async_context(client), principal)
    except ExceptionGroup as group:
        # The SDK's task groups wrap whatever ends them, the caller's own errors included.
        error = _only_one(group)
        where = target if isinstance(target, str) else target.name
        if isinstance(error, MCPError):
            raise _from_protocol(where, error) from error
        if isinstance(error, httpx2.TransportError):
            raise TryLater(
                f"Nothing answers at {where}. Start the studio's server: bookai serve"
            ) from error
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
        return TryLater(f"{name}: the MCP server did not answer ({error.message}).")
    return _from_wire(name, error.message, error.data if isinstance(error.data, dict) else {})


def _from_wire(name: str, said: str, meta: Mapping[str, Any]) -> BookAIError:
    match meta.get(ERROR_META):
        case "refused":
            return Refused(said)
        case "try_later":
            after_s = meta.get(AFTER_META)
            if isinstance(after_s, int | float) and after_s >= 0:
                return TryLater(said, after_s=float(after_s))
            return TryLater(said)
        case "operator_needed":
            mend = str(meta.get(MEND_META, ""))
            return OperatorNeeded(said.removesuffix(mend).strip(), mend=mend)
        case _:
            return ToolFailed(f"{name}: {said}")
