"""Start, kill and restart hosts of agents as processes; a crew that reaches them."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcp.client import Client

from agents.base import Channel, Context
from bookai.models import VideoJob
from bookai.toolbox import Toolbox
from graphs.steps import IsOurs, Progress
from tests.graphs.crew import NOW

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("host_process.py")
START_S = 90


@dataclass
class HostProcess:
    """One host; it comes back at the same address after a kill."""

    options: dict[str, Any]
    url: str = ""
    process: Process | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return str(self.options["name"])

    async def start(self) -> None:
        """Start it, and return when it serves."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            json.dumps(self.options),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=PIPE,
            stderr=DEVNULL if self.options.get("quiet") else None,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            line = (await self.process.stdout.readline()).decode().split()
        if line[:1] != ["ready"]:
            raise RuntimeError(f"{self.name} did not start: {line}")
        self.url = line[1]
        self.options["port"] = int(self.url.rsplit(":", 1)[1].split("/")[0])

    async def kill(self, sign: int = signal.SIGKILL) -> None:
        """Send a signal; wait for the end where that is what it brings."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(sign)
        if self.process is not None and sign in (signal.SIGKILL, signal.SIGTERM):
            await self.process.wait()
            # The pipe belongs to the loop that ends with the test.
            self.process._transport.close()  # type: ignore[attr-defined]  # no public way

    @property
    def is_dead(self) -> bool:
        return self.process is None or self.process.returncode is not None


@asynccontextmanager
async def hosts(*options: dict[str, Any]) -> AsyncIterator[list[HostProcess]]:
    """Lend hosts that serve."""
    started = [HostProcess(dict(one)) for one in options]
    try:
        async with asyncio.TaskGroup() as group:
            for one in started:
                group.create_task(one.start())
        yield started
    finally:
        for one in started:
            await one.kill()


def until_only(
    agent: str, job: VideoJob, progress: Progress, is_ours: IsOurs, until: float
) -> Context:
    """Return a context without tools or models; the deadline is there."""
    hand = Toolbox(cast(Client, None)).acting(agent, job.job_id, progress, is_ours, until)
    return Context(None, hand, Channel(), NOW, progress)  # type: ignore[arg-type] # not used


async def until_true(claim: Callable[[], bool], within_s: float) -> None:
    """Wait until a claim about other processes is true.

    Raises:
        TimeoutError: it was not in time.
    """
    never = asyncio.Event()
    async with asyncio.timeout(within_s):
        while not claim():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await never.wait()
