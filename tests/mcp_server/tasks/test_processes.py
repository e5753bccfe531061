"""Two real processes: the one that renders, and this one, which cancels or finds the other dead."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from bookai.db import audit
from bookai.db.pool import Pool
from bookai.mcp_tasks.client import Became, Patient, Task, cancel_task, get_task
from mcp_server.auth import principal_of
from tests.mcp_server.doubles import Studio
from tests.mcp_server.tasks.orders import JOB, order
from tests.mcp_server.tasks.shop import LIMIT_S, patient, reached, shop

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
ALICE = principal_of(Studio().tokens["of-operator"])


@dataclass
class Other:
    """The other process; it is started when it is first asked for, and again after its death."""

    work_dir: Path
    process: "subprocess.Popen[str] | None" = None
    at: str = ""

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def url(self, dsn: str) -> str:
        if self.process is None:
            program = Path(__file__).with_name("shop_process.py")
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(program), dsn, str(self.work_dir)],
                stdout=subprocess.PIPE,
                env={"PYTHONPATH": str(program.parents[3])},
                text=True,
            )
            assert self.process.stdout is not None
            self.at = self.process.stdout.readline().strip()
        return self.at

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    started = Other(tmp_path_factory.mktemp("work"))
    yield started
    started.kill()


async def over_http(stack: AsyncExitStack, url: str, token: str) -> Client:
    headers = {"Authorization": f"Bearer {token}"}
    http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers))
    client = Client(streamable_http_client(url, http_client=http), extensions=[Patient()])
    return await stack.enter_async_context(client)


async def rendering(client: Client, work_dir: Path) -> Became:
    """Start a render and return its task once frames are drawn."""
    task = await client.session.call_tool("render_video", order(work_dir), allow_claimed=True)
    assert isinstance(task, Became), task
    async with asyncio.timeout(LIMIT_S):
        while True:
            now: Task = await get_task(client.session, task.task_id)
            assert now.status == "working", now
            if now.status_message and not now.status_message.startswith("0%"):
                return task


def descendants(pid: int) -> set[int]:
    """Return every process below `pid`."""
    found: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found |= {child} | descendants(child)
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _state(pid) not in ("", "Z")}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@needs_proc
async def test_a_render_in_another_process_stops_within_two_seconds_and_leaves_nothing(
    pool: Pool, dsn: str, other: Other
) -> None:
    """Point 22: cancel ends the render's process group and its half-made files within 2 s."""
    here = shop(pool, dsn)
    async with AsyncExitStack() as stack:
        client = await over_http(stack, other.url(dsn), "of-operator")
        elsewhere = await stack.enter_async_context(patient(here.server(ALICE)))
        task = await rendering(client, other.work_dir)
        workers = descendants(other.pid)

        started = time.monotonic()
        await cancel_task(elsewhere.session, task.task_id)
        await reached(elsewhere, task.task_id, "cancelled")
        took_s = time.monotonic() - started
        left = alive(workers)

    assert workers
    assert not left
    assert took_s < 2
    assert [path.name for path in (other.work_dir / str(JOB)).iterdir()] == ["voice.wav"]


async def test_the_tasks_of_a_killed_process_end_as_failed_and_are_audited(
    pool: Pool, dsn: str, other: Other
) -> None:
    """Point 23: what a crash left working is reconciled at the next start, by whoever lives."""
    async with AsyncExitStack() as stack:
        client = await over_http(stack, other.url(dsn), "of-operator")
        task = await client.session.call_tool("work_long", {}, allow_claimed=True)
        assert isinstance(task, Became), task
        other.kill()

        async with patient(shop(pool, dsn).server(ALICE)) as restarted:
            ended = await reached(restarted, task.task_id, "failed")
        rows = await audit.search(pool, kind="task.lost", limit=5)

    assert ended.error is not None
    assert "ended before it was done" in ended.error["message"]
    assert [row.actor for row in rows if task.task_id in row.body] == [ALICE.name]
