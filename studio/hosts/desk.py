"""What a host offers over MCP: its agents, and to let one of them do a step."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from mcp.server.mcpserver import Context as McpContext
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, TextContent
from pydantic import ValidationError

from agents.base import Agent, Channel, Context
from bookai.errors import BookAIError, Refused, TryLater
from bookai.house import VERSION
from bookai.models import Capability, Record, VideoJob
from mcp_server.wire import error_result
from studio.hosts.accept import LENDABLE
from studio.hosts.wire import (
    DESCRIBE,
    LONGEST_S,
    MAX_JOB_CHARS,
    RUN,
    AgentThere,
    HostThere,
    StepDone,
)

logger = logging.getLogger(__name__)

Progress = Callable[[float, str], Awaitable[None]]
MakeContext = Callable[[str, VideoJob, Channel, Progress, float], Context]
"""Agent, job, channel, how to report progress, and until when, on the loop's clock, it may last."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller wants done, as it came over the wire."""

    agent: str
    capability: str
    job: str
    channel: str
    seconds_left: float


class Desk:
    """The agents of this process, and how many steps each has right now."""

    def __init__(self, agents: Iterable[Agent], make_context: MakeContext) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._make_context = make_context
        self._in_flight: Counter[str] = Counter()

    def describe(self) -> HostThere:
        """Return who is here, by name."""
        return HostThere(
            version=VERSION,
            agents=tuple(
                AgentThere(
                    name=name,
                    capabilities=tuple(sorted(agent.capabilities & LENDABLE)),
                    capacity=agent.capacity,
                    in_flight=self._in_flight[name],
                    proficiency=agent.proficiency,
                )
                for name, agent in sorted(self._agents.items())
            ),
        )

    async def do(self, order: Order, progress: Progress) -> StepDone:
        """Let an agent do a step within the seconds that its caller has left.

        Raises:
            Refused: there is no such agent here, or the order is not understood.
            TryLater: the agent has as many steps as it can take, or its time was up.
            BookAIError: the agent's own error.
        """
        agent, capability, job, channel = self._read(order)
        if self._in_flight[agent.name] >= agent.capacity:
            raise TryLater(f"{agent.name} has {agent.capacity} steps already", after_s=1)
        limit_s = max(0.0, min(order.seconds_left, LONGEST_S))
        until = asyncio.get_running_loop().time() + limit_s
        self._in_flight[agent.name] += 1
        try:
            async with asyncio.timeout_at(until) as limit:
                context = self._make_context(agent.name, job, channel, progress, until)
                done = await agent.run(capability, job, context)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TryLater(f"{agent.name} was not done in {limit_s:.3g} s", after_s=1) from error
        finally:
            self._in_flight[agent.name] -= 1
        return StepDone(job=done.model_dump_json())

    def _read(self, order: Order) -> tuple[Agent, Capability, VideoJob, Channel]:
        agent = self._agents.get(order.agent)
        capability = next((one for one in get_args(Capability) if one == order.capability), None)
        if agent is None or capability not in agent.capabilities & LENDABLE:
            # Not `Refused`: that would end the job, and only this host is out of step.
            raise TryLater(f"nobody called {order.agent[:60]!r} does that here", after_s=5)
        if len(order.job) > MAX_JOB_CHARS:
            raise Refused(f"a job of over {MAX_JOB_CHARS} characters is too much.")
        try:
            job = VideoJob.model_validate_json(order.job)
            channel = Channel.model_validate_json(order.channel)
        except (ValidationError, RecursionError) as error:
            raise TryLater(
                "the job is none of this version; install the same", after_s=5
            ) from error
        return agent, capability, job, channel


def build_host(desk: Desk) -> MCPServer[Any]:
    """Return the MCP server of a host: two tools, for studios and not for models."""
    server: MCPServer[Any] = MCPServer(
        "bookai-agent-host",
        title="BookAI Studio: a host of agents",
        instructions="For a studio that names this host in its settings; not for models.",
        version=VERSION,
        log_level="WARNING",
    )

    async def describe_agents() -> CallToolResult:
        """Tell which agents are here, what they can, and how busy they are."""
        return _answer(desk.describe())

    async def run_step(
        agent: str,
        capability: str,
        job: str,
        channel: str,
        seconds_left: float,
        ctx: McpContext[Any, Any],
    ) -> CallToolResult:
        """Let `agent` do one step of a job and return the job; both are JSON texts."""
        order = Order(agent, capability, job, channel, seconds_left)
        try:
            return _answer(await desk.do(order, _progress(ctx)))
        except BookAIError as error:
            logger.warning(
                "%r did not do %r (%s)",
                agent[:60],
                capability[:60],
                type(error).__name__,
                extra={"action": "host_step_failed"},
            )
            return error_result(agent, error)
        except Exception as error:
            # The door of this process: the log hears what it was, the caller only that it was.
            logger.exception("%r broke inside", agent[:60], extra={"action": "host_step_broke"})
            return error_result(agent, error)

    server.add_tool(describe_agents, DESCRIBE, structured_output=False)
    server.add_tool(run_step, RUN, structured_output=False)
    return server


def _progress(mcp: McpContext[Any, Any]) -> Progress:
    last = -1.0

    async def report(fraction: float, message: str) -> None:
        nonlocal last
        if fraction > last:  # MCP asks for values that rise
            last = fraction
            await mcp.report_progress(fraction, 1.0, message)

    return report


def _answer(record: Record) -> CallToolResult:
    text = type(record).__name__  # the data stands in the structured content, once
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=record.model_dump(mode="json"),
    )
