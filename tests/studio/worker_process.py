"""A worker as a process of its own, with quick agents, for tests that kill and freeze it.

    python worker_process.py '{"dsn": …, "queues": ["render"], "hold": ["write"], "folder": …}'

It holds each step named in `hold` until a file `go` stands in `folder`, having left a file
`<step>-<job>-<pid>` there. A line "ready" says that it serves; SIGTERM ends it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import studio.engine
from agents.base import Agent
from bookai.db.checkpoints import new_saver, open_checkpoint_pool
from bookai.db.pool import open_pool
from bookai.models import Capability, Record, VideoJob
from graphs.production import Production
from studio.engine import Procrastinate
from studio.recovery import recover
from tests.graphs.crew import NOW, RESULTS, Hand, crew


class Slow(Hand):
    """Leaves a mark at each step and, at some, waits for leave to go on."""

    def __init__(self, folder: Path, hold: frozenset[str]) -> None:
        super().__init__()
        self.folder = folder
        self.hold = hold

    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        (self.folder / f"{capability}-{job.job_id}-{os.getpid()}").touch()
        never = asyncio.Event()
        while capability in self.hold and not (self.folder / "go").exists():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await never.wait()
        return RESULTS[capability]


async def serve(options: dict[str, Any], stop: asyncio.Event) -> None:
    dsn = options["dsn"]
    hand: Agent = Slow(Path(options["folder"]), frozenset(options.get("hold", ())))
    async with open_pool(dsn, size=4) as pool, open_checkpoint_pool(dsn, size=2) as savers:
        production = Production(
            crew(pool, hand),
            pool,
            lambda fence: new_saver(savers, fence),
            timedelta(days=36500),
            lambda: NOW,
        )
        engine = Procrastinate(dsn, pool, beat_s=options["beat_s"])

        async def care() -> None:
            while not stop.is_set():
                await recover(pool, engine, options["dead_after_s"])
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(options["beat_s"]):
                        await stop.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(care())
            group.create_task(
                engine.serve(
                    production.advance,
                    options.get("concurrency", 2),
                    stop,
                    queues=options.get("queues", ()),
                )
            )
            sys.stdout.write("ready\n")
            sys.stdout.flush()


async def main() -> None:
    options = json.loads(sys.argv[1])
    studio.engine.STOP_S = options.get("stop_s", studio.engine.STOP_S)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(options, stop)


if __name__ == "__main__":
    asyncio.run(main())
