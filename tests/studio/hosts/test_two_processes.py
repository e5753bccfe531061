"""Agents in a second process: candidates like all, out when it dies, back when it answers."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from bookai.db import executions, jobs
from bookai.db.pool import Pool
from bookai.db.runs.fence import take
from bookai.models import Capability, VideoJob
from graphs.chain import Limit
from graphs.members import Members, on_duty
from graphs.steps import Crew, Step
from studio.hosts.reach import HostAddress, reach_hosts
from tests.graphs.crew import GREEDY, Hand
from tests.graphs.test_production import new_job
from tests.studio.hosts.processes import HostProcess, hosts, until_only, until_true

WRITE: frozenset[Capability] = frozenset({"write"})
BEAT_S = 0.4
DEAD_AFTER_S = 3 * BEAT_S
TOKEN = "a-token-of-sixteen"


@asynccontextmanager
async def reached(pool: Pool, work: Path, *there: HostProcess) -> AsyncIterator[Crew]:
    """A crew with the agents of these hosts; the local writer is the worse one."""
    local = Hand("writer", WRITE)
    local.proficiency = 0.5
    members = on_duty([local], time.time, Random(0), params=replace(GREEDY, stale_s=DEAD_AFTER_S))
    addresses = [
        HostAddress(one.name + "s", one.url, one.options.get("token", "")) for one in there
    ]
    async with reach_hosts(members, addresses, work, beat_s=BEAT_S, dead_after_s=DEAD_AFTER_S):
        names = {f"{one.name}_at_{one.name}s" for one in there}
        await until_true(lambda: names <= members.agents.keys(), 10)
        yield Crew(members, pool, until_only)


async def write(crew: Crew, pool: Pool) -> VideoJob:
    return await crew.do(Step(await take(pool, await new_job(pool)), "write"))


def is_out(members: Members, name: str) -> bool:
    scores = members.router.explain("write", members.clock())
    return next(score.excluded for score in scores if score.name == name) is not None


async def test_an_agent_in_another_process_does_the_step_and_no_more(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.steps.LIMITS", {"write": Limit(2, 10)})
    there = {"name": "poet", "folder": str(tmp_path), "token": TOKEN}
    async with hosts(there) as (host,):
        async with reached(pool, tmp_path, host) as crew:
            job = await write(crew, pool)
        (attempt,) = await executions.attempts(pool, job.job_id, "write")
        assert (attempt.agent, attempt.outcome) == ("poet_at_poets", "ok")

        for mode in ("other_job", "approved", "nothing", "fail", "hang"):
            (tmp_path / "poet.mode").write_text(mode)
            async with reached(pool, tmp_path, host) as crew:  # a router that knows nobody
                saved = await jobs.load(pool, (await write(crew, pool)).job_id)
            assert saved.approval_id is None
            assert [note.wanted for note in saved.fallbacks] == ["poet_at_poets"]

        # Its time was up: it was cancelled there, too.
        await until_true((tmp_path / f"{saved.job_id}.poet.cancelled").exists, 2)


async def test_a_killed_host_is_stood_in_for_and_out_within_three_beats(
    pool: Pool, tmp_path: Path
) -> None:
    there = {"name": "poet", "folder": str(tmp_path), "mode": "hang"}
    async with hosts(there) as (host,), reached(pool, tmp_path, host) as crew:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write(crew, pool))
            await until_true(lambda: any(tmp_path.glob("*.started")), 10)
            await host.kill()

        (note,) = writing.result().fallbacks
        assert (note.wanted, note.used) == ("poet_at_poets", "writer")
        assert note.why.startswith("poets broke off")
        await until_true(lambda: is_out(crew.members, "poet_at_poets"), DEAD_AFTER_S + 1)

        (tmp_path / "poet.mode").write_text("good")
        await host.start()
        await until_true(lambda: not is_out(crew.members, "poet_at_poets"), 10)


async def test_steps_of_a_frozen_host_are_let_go_after_three_beats(
    pool: Pool, tmp_path: Path
) -> None:
    there = {"name": "poet", "folder": str(tmp_path), "mode": "hang"}
    async with hosts(there) as (host,), reached(pool, tmp_path, host) as crew:
        writing = asyncio.ensure_future(write(crew, pool))
        await until_true(lambda: any(tmp_path.glob("*.started")), 10)
        await host.kill(signal.SIGSTOP)
        async with asyncio.timeout(10):
            job = await writing

    (note,) = job.fallbacks
    assert note.why == "poets did not answer for three beats"
