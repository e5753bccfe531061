"""Cancelling a step ends its last child: the tool's ffmpeg, the model's stream; here and afar."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated, cast

import pytest
from mcp.client import Client
from pydantic import Field

from agents.base import Agent, Channel, Context
from bookai.llm.base import ModelAnswer, ModelRequest, Server
from bookai.llm.ollama import PROVIDER
from bookai.llm.pool import ModelPool
from bookai.models import Capability, Record, VideoJob
from bookai.testing.fake_ollama import LLAMA, Config, FakeOllama
from bookai.toolbox import Toolbox, open_toolbox
from mcp_server.auth import AGENTS
from mcp_server.serve import Servable, serve_http
from mcp_server.server import build_server
from studio.hosts.desk import Desk, Progress, build_host
from studio.hosts.door import HostDoor
from studio.hosts.remote import Line, RemoteAgent
from tests.graphs.crew import NOW
from tests.mcp_server.doubles import Studio, Token
from tests.studio.hosts.processes import until_true
from tools.base import Tool, ToolContext
from tools.ffmpeg.runner import find_ffmpeg, run_ffmpeg

WITHIN_S = 2.0
SLOW = replace(LLAMA, load_s=0.0, tokens_per_s=4.0)
LONG = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 400}},
    "required": ["text"],
    "additionalProperties": False,
}
JOB = VideoJob(job_id=7, source="a.md", requested_by="operator:ann")


class Encoded(Record):
    """Nothing to tell."""


class Encoder(Agent):
    """Uses a tool for longer than anybody waits."""

    name = "encoder"
    capabilities: frozenset[Capability] = frozenset({"render"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        await ctx.tools.call("encode", Encoded, folder=job.source)
        return job


class Thinker(Agent):
    """Asks a model that takes longer than anybody waits."""

    name = "thinker"
    capabilities: frozenset[Capability] = frozenset({"write"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        request = ModelRequest(
            task="write_script",
            system="Be long.",
            prompt="Tell everything.",
            prompt_version="1",
            answer_schema=LONG,
        )
        await ctx.ask(request, _anything)
        return job


def _anything(answer: ModelAnswer) -> ModelAnswer:
    return answer


async def encode(
    ctx: ToolContext, folder: Annotated[str, Field(description="Where its number goes.")]
) -> Encoded:
    """Encode for a minute in real time."""
    ffmpeg, told = find_ffmpeg({}), Path(folder)
    slow = told / "ffmpeg"
    await asyncio.to_thread(_script, slow, f'echo $$ > {told}/pid; exec {ffmpeg} "$@"')
    source = ["-re", "-f", "lavfi", "-i", "testsrc=duration=60:size=128x72:rate=10"]
    await run_ffmpeg([*source, "-f", "null", "-"], binary=slow, timeout_s=60)
    return Encoded()


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


@asynccontextmanager
async def served(what: Servable) -> AsyncIterator[str]:
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve_http(what, port=0, on_ready=url.set_result))
        try:
            yield await url
        finally:
            serving.cancel()


Work = Callable[[Agent, VideoJob], Awaitable[VideoJob]]


@asynccontextmanager
async def working(where: str, ollama: FakeOllama) -> AsyncIterator[Work]:
    """Lend a way to let an agent work: in this process, or on a host over HTTP."""
    studio = Studio()
    tool = Tool(run=encode, title="Encode", scope="agent", timeout_s=60)

    async def lookup(token: str) -> Token | None:
        return Token("agents", AGENTS.scopes) if token == "of-agents" else None

    server = build_server([tool], make_context=studio.context, audit=studio.audit, lookup=lookup)
    provider = type(PROVIDER)()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(server))
        hand = await stack.enter_async_context(open_toolbox(url, "of-agents"))
        models = await stack.enter_async_context(
            ModelPool(
                {"ollama": provider},
                (Server("one", "ollama", ollama.url),),
                {},
                {"creative": ("ollama/llama3.1:8b",)},
                rng=Random(1),
            )
        )

        def context(
            agent: str, job: VideoJob, channel: Channel, progress: Progress, until: float
        ) -> Context:
            tools = hand.acting(agent, job.job_id, progress, until=until)
            return Context(partial(models.ask, until=until), tools, channel, NOW, progress)

        until = asyncio.get_running_loop().time() + 60
        here = context("test", JOB, Channel(), _unheard, until)
        if where == "here":
            yield lambda agent, job: agent.run(_first(agent), job, here)
            return
        desk = Desk([Encoder(), Thinker()], context)
        host_url = await stack.enter_async_context(
            served(HostDoor(build_host(desk), "127.0.0.1", ""))
        )
        line = Line("far", await stack.enter_async_context(open_toolbox(host_url)), Path("/"))
        there = {one.name: one for one in desk.describe().agents}
        blind = replace(here, tools=Toolbox(cast(Client, None)).acting("x", 7, until=until))
        yield lambda agent, job: RemoteAgent(there[agent.name], agent.capabilities, line).run(
            _first(agent), job, blind
        )


def _first(agent: Agent) -> Capability:
    return next(iter(agent.capabilities))


async def _unheard(fraction: float, message: str) -> None:
    del fraction, message


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_a_cancelled_step_leaves_no_ffmpeg(where: str, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with FakeOllama(Config()) as ollama, working(where, ollama) as work:
        job = JOB.model_copy(update={"source": str(tmp_path)})
        step = asyncio.ensure_future(work(Encoder(), job))
        await until_true(lambda: pid.exists() and bool(pid.read_text().strip()), 20)
        child = int(pid.read_text())
        assert lives(child)

        step.cancel()

        with pytest.raises(asyncio.CancelledError):
            await step
        await until_true(lambda: not lives(child), WITHIN_S)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_a_cancelled_step_hangs_up_on_the_model(where: str) -> None:
    config = Config(models=(SLOW,), tokens_per_chunk=1)
    async with FakeOllama(config) as ollama, working(where, ollama) as work:
        step = asyncio.ensure_future(work(Thinker(), JOB))
        await until_true(lambda: ollama.stats.tokens > 0 or step.done(), 20)
        assert not step.done()

        step.cancel()

        with pytest.raises(asyncio.CancelledError):
            await step
        await until_true(lambda: ollama.stats.cancelled == 1, WITHIN_S)
        await until_true(lambda: ollama.stats.in_flight == 0, WITHIN_S)
