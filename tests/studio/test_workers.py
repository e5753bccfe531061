"""Workers as real processes on one database: sharing, killed, frozen, by queue, on two hosts."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bookai.db import approvals, audit, jobs
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pg.home import Home
from bookai.db.pool import Pool, open_pool
from bookai.house import migrations_dir
from studio.engine import Procrastinate
from tests.conftest import execute
from tests.graphs.crew import ALL, NOW

# Each starts processes of its own: a minute is short for that on a machine under load.
pytestmark = pytest.mark.timeout(180)

PROGRAM = Path(__file__).with_name("worker_process.py")
ROOT = PROGRAM.parents[2]
# Short where a worker is to be found dead, so that the tests are; six beats all the same.
BEAT_S = 0.5
DEAD_AFTER_S = 3.0
# Elsewhere a machine under load must not look like a frozen one.
PATIENT_S = 60.0
BEFORE_APPROVAL = ALL - {"publish", "report"}


@dataclass(slots=True)
class Floor:
    """One database and the workers on it."""

    pool: Pool
    dsn: str
    folder: Path
    stack: AsyncExitStack
    engine: Procrastinate = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Procrastinate(self.dsn, self.pool)

    async def start(
        self,
        *queues: str,
        hold: Sequence[str] = (),
        dsn: str = "",
        before: Sequence[str] = (),
        dead_after_s: float = PATIENT_S,
        stop_s: float = 60.0,
    ) -> asyncio.subprocess.Process:
        """Start a worker and wait until it serves; `before` goes before its command line."""
        options = {
            "dsn": dsn or self.dsn,
            "queues": queues,
            "hold": hold,
            "folder": str(self.folder),
            "beat_s": BEAT_S,
            "dead_after_s": dead_after_s,
            "stop_s": stop_s,
        }
        worker = await asyncio.create_subprocess_exec(
            *before, sys.executable, str(PROGRAM), json.dumps(options),
            stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.stack.push_async_callback(end, worker)
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"
        return worker

    async def add(self, count: int = 1) -> list[int]:
        async with self.pool.acquire() as con, con.transaction():
            made = [
                await jobs.create(con, "a.md", "default", "operator:test") for _ in range(count)
            ]
            for job_id in made:
                await self.engine.enqueue(con, job_id)
        return made

    async def approve(self, job_id: int) -> None:
        approval_id = (await jobs.load(self.pool, job_id)).approval_id or 0
        await approvals.decide(
            self.pool, approval_id, True, "", "operator:test", NOW, on_decided=self.engine.enqueue
        )

    async def settled(self, wanted: str, made: Sequence[int]) -> None:
        async def all_so() -> bool:
            rows = [await jobs.get(self.pool, job_id) for job_id in made]
            assert not [row.reason for row in rows if row.status == "failed"]
            return all(row.status == wanted for row in rows)

        await until(all_so)

    async def begun(self, step: str, worker: asyncio.subprocess.Process) -> None:
        async def is_there() -> bool:
            return bool(list(self.folder.glob(f"{step}-*-{worker.pid}")))

        await until(is_there)

    def done_by(self, worker: asyncio.subprocess.Process) -> set[str]:
        """Return the steps that this process began."""
        return {path.name.split("-")[0] for path in self.folder.glob(f"*-{worker.pid}")}

    async def finished(self, job_id: int) -> dict[str, int]:
        """Return how often each step of a job was finished: what the rest of the house sees."""
        rows = await self.pool.fetch(
            "SELECT t.capability, count(*) AS n FROM task_executions e JOIN tasks t USING (task_id)"
            " WHERE t.job_id = $1 AND e.outcome = 'ok' GROUP BY t.capability",
            job_id,
        )
        return {row["capability"]: row["n"] for row in rows}


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Look again until it is so; the test's own time limit bounds it."""
    never = asyncio.Event()
    while not await so():
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await never.wait()


async def end(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


@asynccontextmanager
async def floor_on(pool: Pool, dsn: str, folder: Path) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        yield Floor(pool, dsn, folder, stack)


@pytest.fixture
async def floor(pool: Pool, dsn: str, tmp_path: Path) -> AsyncIterator[Floor]:
    async with floor_on(pool, dsn, tmp_path) as found:
        yield found


async def test_three_workers_share_many_jobs_and_do_each_once(floor: Floor) -> None:
    made = await floor.add(12)

    for _ in range(3):
        await floor.start()
    await floor.settled("waiting", made)

    for job_id in made:
        assert await floor.finished(job_id) == dict.fromkeys(BEFORE_APPROVAL, 1)
    assert await audit.search(floor.pool, kind="run.fenced") == ()


async def test_what_a_worker_killed_in_the_middle_had_another_takes_up(floor: Floor) -> None:
    first = await floor.start(hold=["render"])
    (job_id,) = await floor.add()
    await floor.begun("render", first)
    second = await floor.start(dead_after_s=DEAD_AFTER_S)

    first.kill()
    await floor.settled("waiting", [job_id])

    assert "write" not in floor.done_by(second)
    assert await floor.finished(job_id) == dict.fromkeys(BEFORE_APPROVAL, 1)


async def test_a_worker_that_is_told_to_stop_finishes_what_it_renders(floor: Floor) -> None:
    worker = await floor.start(hold=["render"])
    (job_id,) = await floor.add()
    await floor.begun("render", worker)

    worker.send_signal(signal.SIGTERM)
    (floor.folder / "go").touch()

    assert await worker.wait() == 0
    assert (await jobs.get(floor.pool, job_id)).status == "waiting"
    assert await floor.finished(job_id) == dict.fromkeys(BEFORE_APPROVAL, 1)


async def test_a_worker_that_cannot_finish_in_time_hands_its_job_back(floor: Floor) -> None:
    worker = await floor.start(hold=["render"], stop_s=0.5)
    (job_id,) = await floor.add()
    await floor.begun("render", worker)

    worker.send_signal(signal.SIGTERM)

    assert await worker.wait() == 0
    # At once, not when the first is found dead: that takes a minute here.
    await floor.start()
    async with asyncio.timeout(PATIENT_S / 2):
        await floor.settled("waiting", [job_id])
    assert await floor.finished(job_id) == dict.fromkeys(BEFORE_APPROVAL, 1)


async def test_a_worker_that_was_frozen_and_comes_back_does_no_harm(floor: Floor) -> None:
    frozen = await floor.start(hold=["write"])
    (job_id,) = await floor.add()
    await floor.begun("write", frozen)
    frozen.send_signal(signal.SIGSTOP)
    (floor.folder / "go").touch()
    other = await floor.start(dead_after_s=DEAD_AFTER_S)
    await floor.settled("waiting", [job_id])
    await floor.approve(job_id)
    await floor.settled("done", [job_id])
    record = await jobs.load(floor.pool, job_id)
    other.send_signal(signal.SIGTERM)
    await other.wait()

    frozen.send_signal(signal.SIGCONT)

    async def is_fenced() -> bool:
        return len(await audit.search(floor.pool, kind="run.fenced")) == 1

    await until(is_fenced)
    assert await floor.finished(job_id) == dict.fromkeys(ALL, 1)
    assert await jobs.load(floor.pool, job_id) == record
    # It has lost that job, not its mind: the next one it does to the end.
    (later,) = await floor.add()
    await floor.settled("waiting", [later])
    assert frozen.returncode is None
    assert len(await audit.search(floor.pool, kind="run.fenced")) == 1


async def test_workers_for_one_kind_of_work_hand_over_to_one_another(floor: Floor) -> None:
    thinking = await floor.start("graph")
    heavy = await floor.start("render", "publish")
    (job_id,) = await floor.add()

    await floor.settled("waiting", [job_id])
    await floor.approve(job_id)
    await floor.settled("done", [job_id])

    assert floor.done_by(heavy) == {"render", "check", "publish", "report"}
    assert floor.done_by(thinking) == ALL - floor.done_by(heavy)
    assert await floor.finished(job_id) == dict.fromkeys(ALL, 1)
    moves = [event.body for event in await audit.search(floor.pool, kind="job.handed_over")]
    assert [f'{{"from":"{a}","job_id":{job_id},"to":"{b}"}}' for a, b in (
        ("graph", "publish"), ("render", "graph"), ("graph", "render"),
    )] == moves  # fmt: skip


HOST = "10.213.7.1"
OTHER_HOST = "10.213.7.2"


@contextmanager
def second_host() -> Iterator[list[str]]:
    """Make a network of two hosts; yield what to put before a command that runs on the other."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("a second host is a network namespace: that needs root and `ip`")
    name, here, there = f"bk{os.getpid()}", f"bka{os.getpid()}"[:15], f"bkb{os.getpid()}"[:15]
    inside = ["ip", "netns", "exec", name]
    try:
        for command in (
            ["ip", "netns", "add", name],
            ["ip", "link", "add", here, "type", "veth", "peer", "name", there],
            ["ip", "link", "set", there, "netns", name],
            ["ip", "addr", "add", f"{HOST}/30", "dev", here],
            ["ip", "link", "set", here, "up"],
            [*inside, "ip", "addr", "add", f"{OTHER_HOST}/30", "dev", there],
            [*inside, "ip", "link", "set", there, "up"],
        ):
            made = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
            if made.returncode:
                pytest.skip(f"{' '.join(command[:3])} does not work here: {made.stderr.strip()}")
        yield inside
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20, check=False)
        subprocess.run(["ip", "link", "del", here], capture_output=True, timeout=20, check=False)


@contextmanager
def server_on_the_network() -> Iterator[EmbeddedPostgres]:
    """A Postgres that listens on this host's address of that network, passwords required."""
    folder = Path(tempfile.mkdtemp(prefix="bkn-"))
    home = Home(folder / "pg")
    server = EmbeddedPostgres(folder / "pg", home)
    folder.chmod(0o711)
    try:
        server.start()
        execute(server.dsn(), f"ALTER SYSTEM SET listen_addresses = '{HOST}'")
        with (home.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all bookai_app {OTHER_HOST}/32 scram-sha-256\n")
        server.stop()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_worker_on_a_second_host_does_the_rendering(tmp_path: Path) -> None:
    with second_host() as there, server_on_the_network() as server:
        await migrate(server.dsn(), migrations_dir(), server.role_passwords())
        password = server.role_passwords()["bookai_app"]
        remote = f"postgresql://bookai_app:{password}@{HOST}:5432/bookai"
        async with (
            open_pool(server.app_dsn(), size=4) as pool,
            floor_on(pool, server.app_dsn(), tmp_path) as floor,
        ):
            far = await floor.start("render", dsn=remote, before=there)
            near = await floor.start("graph", "publish")
            (job_id,) = await floor.add()

            await floor.settled("waiting", [job_id])
            addresses = await pool.fetch(
                "SELECT DISTINCT host(client_addr) AS host FROM pg_stat_activity "
                "WHERE client_addr IS NOT NULL"
            )

            assert [row["host"] for row in addresses] == [OTHER_HOST]
            assert floor.done_by(far) == {"render", "check"}
            assert floor.done_by(near) == BEFORE_APPROVAL - {"render", "check"}
