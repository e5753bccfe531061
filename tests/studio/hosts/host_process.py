"""A host of scripted agents as a process of its own, for tests that kill, freeze and restart it.

    python host_process.py '{"name": "writer", "port": 0, "mode": "good", "folder": …}'

A line "ready URL" says that it serves. Each run's effect is kept once for each job: a file that is
made exclusively under the job's number, as the house's own effects have their idempotency key.
`mode` is what the agent does; a file `mode` in `folder`/`name` changes it while it runs.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.base import Agent, Channel, Context
from bookai.errors import ToolFailed
from bookai.models import Capability, Line, Script, VideoJob
from mcp_server.serve import serve_http
from studio.hosts.desk import Desk, Progress, build_host
from studio.hosts.door import HostDoor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCRIPT = Script(
    title="A title",
    lines=(Line(text="Hear.", kind="cta"),),
    language="en",
    draft_kind="extractive",
    writer="test",
    seconds_est=20,
)
HOST = "127.0.0.1"


def effect(folder: Path, job_id: int, name: str) -> bool:
    """Do what must be done once for each job; return whether it was done now.

    The key is claimed first, then the effect is added to the agent's own list of effects: a death
    in between would lose it, which the counts tell apart from doing it twice.
    """
    try:
        handle = os.open(folder / f"{job_id}.effect", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        _note(folder / f"{name}.withheld", job_id)
        return False
    with os.fdopen(handle, "w") as file:
        file.write(name)
    _note(folder / f"{name}.effects", job_id)
    return True


def _note(path: Path, job_id: int) -> None:
    with path.open("a") as file:
        file.write(f"{job_id}\n")


class Scripted(Agent):
    """Writes a script, or does what its mode says instead."""

    capabilities: frozenset[Capability] = frozenset({"write"})
    capacity = 16

    def __init__(self, name: str, mode: str, folder: Path, seconds: float = 0.01) -> None:
        self.name = name
        self.mode = mode
        self.folder = folder
        self.seconds = seconds

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        """Start, work, have an effect, answer: with the fault of the mode at its place."""
        (self.folder / f"{job.job_id}.{self.name}.{os.getpid()}.started").touch()
        mode = self._mode()
        await ctx.progress(0.1, "begun")
        if mode == "hang":
            try:
                await asyncio.Event().wait()
            finally:
                (self.folder / f"{job.job_id}.{self.name}.cancelled").touch()
        await asyncio.sleep(self.seconds)
        if mode == "fail":
            raise ToolFailed("no ink")
        if effect(self.folder, job.job_id, self.name) and mode == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return _answer(mode, job)

    def _mode(self) -> str:
        with suppress(OSError):
            return (self.folder / f"{self.name}.mode").read_text()
        return self.mode


def _answer(mode: str, job: VideoJob) -> VideoJob:
    match mode:
        case "other_job":
            return job.model_copy(update={"job_id": job.job_id + 1, "script": SCRIPT})
        case "approved":
            return job.model_copy(update={"approval_id": 7, "script": SCRIPT})
        case "nothing":
            return job
        case _:
            return job.model_copy(update={"script": SCRIPT})


def context(
    agent: str, job: VideoJob, channel: Channel, progress: Progress, until: float
) -> Context:
    """For agents that use neither tools nor models."""
    del agent, job, until
    return Context(None, None, channel, NOW, progress)  # type: ignore[arg-type] # not used


async def serve(options: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    agent = Scripted(
        options["name"],
        options.get("mode", "good"),
        Path(options["folder"]),
        options.get("s", 0.01),
    )
    door = HostDoor(build_host(Desk([agent], context)), HOST, options.get("token", ""))

    def ready(url: str) -> None:
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    await serve_http(door, host=HOST, port=options.get("port", 0), stop=stop, on_ready=ready)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
