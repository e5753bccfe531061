"""Real steps through real processes that are killed, frozen, and answer nonsense meanwhile.

What is counted: how each step ended, how long after its deadline, and its effect by the step's key.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from bookai.db import executions
from bookai.db.pool import Pool
from bookai.db.runs.fence import take
from bookai.errors import BookAIError
from graphs.chain import LIMITS
from graphs.members import on_duty
from graphs.steps import Crew, Step
from studio.hosts.reach import HostAddress, reach_hosts
from tests.graphs.crew import GREEDY
from tests.graphs.test_production import new_job
from tests.studio.hosts.host_process import Scripted
from tests.studio.hosts.processes import HostProcess, hosts, until_only, until_true

NAMES = ("poet", "scribe", "bard")
BEAT_S = 0.5
DEAD_AFTER_S = 3 * BEAT_S
LATE_S = 2.0
"""What writing down the end of a step may take after its deadline, on a busy machine."""

FAULTS = ("kill", "kill", "die", "hang", "other_job", "approved", "nothing", "fail", "freeze")


@dataclass
class Tally:
    """What came of the steps; `late` and `defects` must stay empty."""

    ok: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    without_effect: int = 0
    twice: int = 0
    withheld: int = 0
    unclear: int = 0


@asynccontextmanager
async def troubled(
    pool: Pool, folder: Path, rng: Random, tally: Tally, calm_s: float
) -> AsyncIterator[Crew]:
    """Lend a crew of three hosts in trouble and one slow healthy agent of this process."""
    local = Scripted("writer", "good", folder, seconds=0.1)
    local.proficiency, local.capacity = 0.5, 4
    params = replace(GREEDY, stale_s=DEAD_AFTER_S)
    members = on_duty([local], time.time, rng, params=params)
    async with hosts(
        *({"name": name, "folder": str(folder), "quiet": True} for name in NAMES)
    ) as there:
        addresses = [HostAddress(f"{one.name}s", one.url) for one in there]
        async with reach_hosts(
            members, addresses, folder, beat_s=BEAT_S, dead_after_s=DEAD_AFTER_S
        ):
            await until_true(lambda: len(members.agents) == 1 + len(NAMES), 20)
            async with asyncio.TaskGroup() as group:
                makers = [
                    group.create_task(_trouble(one, folder, Random(rng.random()), tally, calm_s))
                    for one in there
                ]
                try:
                    yield Crew(members, pool, until_only)
                finally:
                    for maker in makers:
                        maker.cancel()


async def _trouble(
    host: HostProcess, folder: Path, rng: Random, tally: Tally, calm_s: float
) -> None:
    """Let a host be well for a while, then not; for ever."""
    mode = folder / f"{host.name}.mode"
    while True:
        mode.write_text("good")
        if host.is_dead:
            await host.kill()
            await host.start()
        await _pause(rng.uniform(0.5, 1.5) * calm_s)
        fault = rng.choice(FAULTS)
        tally.faults[fault] += 1
        match fault:
            case "kill":
                await host.kill()
            case "freeze":
                await host.kill(signal.SIGSTOP)
            case _:
                mode.write_text(fault)
        await _pause(rng.uniform(0.5, 1.5) * calm_s)
        if fault == "freeze":
            await host.kill(signal.SIGCONT)


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def work(crew: Crew, tasks: int, at_once: int, tally: Tally) -> list[int]:
    """Do so many steps, `at_once` at a time; return their jobs."""
    left, done = iter(range(tasks)), list[int]()

    async def hand() -> None:
        for _ in left:
            job_id = await new_job(crew.pool)
            done.append(job_id)
            await _one(crew, job_id, tally)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(hand())
    return done


async def _one(crew: Crew, job_id: int, tally: Tally) -> None:
    began, limit_s = time.monotonic(), LIMITS["write"].step_s
    try:
        job = await crew.do(Step(await take(crew.pool, job_id), "write"))
    except BookAIError as error:
        tally.errors[type(error).__name__] += 1
        tally.unclear += not str(error).strip() or "\n" in str(error)
    except Exception as error:  # noqa: BLE001  # a door: what gets here is counted as a defect
        tally.defects[f"{type(error).__name__}: {error}"[:200]] += 1
    else:
        tally.ok += job.script is not None
    took = time.monotonic() - began
    tally.seconds.append(took)
    if took > limit_s + LATE_S:
        tally.late.append(took)


async def audit(pool: Pool, folder: Path, done: list[int], tally: Tally) -> None:
    """Count attempts and effects: what is written down must agree with what was done."""
    effects = Counter(await asyncio.to_thread(_noted, folder, "*.effects"))
    for job_id in done:
        attempts = await executions.attempts(pool, job_id, "write")
        tally.attempts.update(one.outcome for one in attempts)
        good = [one for one in attempts if one.outcome == "ok"]
        tally.elsewhere += any("_at_" in one.agent for one in good)
        tally.twice += len(good) > 1 or effects[str(job_id)] > 1
        tally.without_effect += len(good) == 1 and effects[str(job_id)] == 0
    tally.withheld = len(await asyncio.to_thread(_noted, folder, "*.withheld"))


def _noted(folder: Path, pattern: str) -> list[str]:
    return [line for path in folder.glob(pattern) for line in path.read_text().split()]
