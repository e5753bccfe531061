"""A studio whose calls may become tasks: slow tools, a real Postgres behind them, two processes."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from mcp.client import Client
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequests,
    InputRequiredResult,
    TextContent,
)
from pydantic import Field

from bookai.db.mcp.tasks import Tasks
from bookai.db.pool import Pool
from bookai.errors import Refused
from bookai.mcp_tasks import TaskState
from bookai.mcp_tasks.client import Became, Patient, Task, get_task
from bookai.models import Record
from bookai.toolbox import Progress
from mcp_server.auth import Principal, operator_here
from mcp_server.server import StudioServer, build_server
from mcp_server.tasks.store import TaskStore
from mcp_server.tasks.works import Terms
from tests.mcp_server.doubles import Studio
from tools import render_video
from tools.base import Tool, ToolContext

ANN = operator_here("operator:ann")
BOB = operator_here("operator:bob")
QUICK = Terms(grace_s=0.05, beat_s=0.2, tidy_s=0.0)
SMALL: Mapping[str, Any] = {
    "render_video": {"width": 180, "height": 320},
    "c2pa": {"enabled": False},
}
LIMIT_S = 30.0


class Done(Record):
    what: str


@dataclass
class Gate:
    """What the slow tools wait for, and what they saw."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    left: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@dataclass
class Shop(Studio):
    """The doubles' studio with a store for tasks."""

    gate: Gate = field(default_factory=Gate)
    store: TaskStore | None = None
    terms: Terms = QUICK
    always: Collection[str] = ()
    work_dir: Path = Path("/nonexistent")

    @property
    def tools(self) -> dict[str, Tool]:
        gate = self.gate

        async def work_long(
            ctx: ToolContext,
            how: Annotated[str, Field(max_length=20, description="How to end.")] = "well",
        ) -> Done:
            """Work until the gate opens."""
            gate.at_once += 1
            gate.most_at_once = max(gate.most_at_once, gate.at_once)
            try:
                await ctx.progress(0.4, "half way")
                gate.entered.set()
                await gate.opened.wait()
                if how == "refused":
                    raise Refused("There is no such page.")
                gate.left.append("done")
                return Done(what=ctx.principal)
            except asyncio.CancelledError:
                gate.left.append("cancelled")
                raise
            finally:
                gate.at_once -= 1

        ours = (
            Tool(run=work_long, title="Work", scope="read", timeout_s=60, task=True),
            replace(render_video.TOOL, scope="read"),
        )
        return {**super().tools, **{tool.name: tool for tool in ours}}

    def context(self, principal: Principal, progress: Progress) -> ToolContext:
        lent = super().context(principal, progress)
        return replace(lent, work_dir=self.work_dir, config=SMALL)

    def server(self, principal: Principal | None) -> StudioServer:
        return build_server(
            self.tools.values(),
            make_context=self.context,
            audit=self.audit,
            principal=principal,
            lookup=None if principal else self.lookup,
            tasks=self.store,
            task_terms=self.terms,
            always_tasks=self.always,
        )


def shop(pool: Pool, dsn: str, **changes: Any) -> Shop:
    """Return a shop on a real database; who is silent for 0.3 s and holds no lock is dead."""
    return Shop(store=Tasks(pool, dsn, silence_s=0.3, frozen_s=60), **changes)


def patient(server: Any, on_input: Any = None) -> Client:
    """Return a client that declares the extension and follows its tasks."""
    return Client(server, extensions=[Patient(on_input=on_input)])


async def begun(client: Client, gate: Gate, **arguments: object) -> Became:
    """Call `work_long` and return the task it has become, once it is at work."""
    answer = await client.session.call_tool("work_long", dict(arguments), allow_claimed=True)
    assert isinstance(answer, Became)
    async with asyncio.timeout(LIMIT_S):
        await gate.entered.wait()
    return answer


async def reached(client: Client, task_id: str, *states: TaskState) -> Task:
    """Look at a task until it has one of the states."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            task = await get_task(client.session, task_id)
            if task.status in states:
                return task


async def rows(pool: Pool) -> list[tuple[str, str]]:
    """Return every task that is kept: its tool and its state."""
    found = await pool.fetch("SELECT tool, state FROM mcp_tasks ORDER BY created_at")
    return [(row["tool"], row["state"]) for row in found]


def texts(answer: Any) -> list[str]:
    """Return the texts of an answer."""
    return [part.text for part in answer.content if isinstance(part, TextContent)]


def add_asking_tool(server: StudioServer, questions: int, slow_s: float, times: int = 1) -> None:
    """Add `ask_first`: it takes its time, asks its caller so many times, says the answers."""

    async def asks(ctx: ToolContext) -> Done:
        """Stand in the list of rights; the SDK's own tool below is called."""
        raise AssertionError("never called")

    @server.tool(name="ask_first", description="Ask first.")
    async def ask_first(ctx: Context[Any, Any]) -> Any:
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=slow_s)
        rounds = ctx.request_state or ""
        if len(rounds) < times:
            asked: InputRequests = {f"q{n}": _form(f"question {n}") for n in range(questions)}
            return InputRequiredResult(input_requests=asked, request_state=rounds + "+")
        assert ctx.input_responses is not None
        given = [one for one in ctx.input_responses.values() if isinstance(one, ElicitResult)]
        said = sorted(str((one.content or {}).get("text")) for one in given)
        text = f"{','.join(said)} {ctx.request_state}"
        return CallToolResult(content=[TextContent(type="text", text=text)])

    server.studio_tools["ask_first"] = _listed(asks)


def add_breaking_tool(server: StudioServer) -> None:
    """Add `break_wire`, which takes its time and ends in an error of the protocol."""

    async def breaks(ctx: ToolContext) -> Done:
        """Stand in the list of rights; the SDK's own tool below is called."""
        raise AssertionError("never called")

    @server.tool(name="break_wire", description="Break.")
    async def break_wire() -> str:
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.2)
        raise MCPError(-32050, "the wire broke", {"at": "here"})

    server.studio_tools["break_wire"] = _listed(breaks)


def _listed(run: Any) -> Tool:
    return Tool(run=run, title="Test", scope="read", timeout_s=5)


def _form(message: str) -> ElicitRequest:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))
