"""Two processes on one database: what one learns the other knows, and who is on duty where."""

import asyncio
from datetime import UTC, datetime
from random import Random

from bookai.db import executions
from bookai.db.pool import Pool
from bookai.db.runs.fence import take
from bookai.errors import ToolFailed
from bookai.models import Capability, Record, VideoJob
from graphs.members import Members
from graphs.steps import Crew, Step
from studio.crew.duty import open_members
from tests.graphs.crew import RESULTS, Hand, no_context
from tests.graphs.test_production import new_job

WRITE: frozenset[Capability] = frozenset({"write"})


class Clumsy(Hand):
    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        if self.name == "bad":
            raise ToolFailed("no ink")
        return RESULTS[capability]


def now() -> datetime:
    return datetime.now(UTC)


def hands() -> list[Hand]:
    return [Clumsy("bad", WRITE), Clumsy("good", WRITE)]


async def write(pool: Pool, members: Members) -> None:
    crew = Crew(members, pool, no_context)
    await crew.do(Step(await take(pool, await new_job(pool)), "write"))


def skill(members: Members, name: str) -> float:
    scores = members.router.explain("write", members.clock())
    return next(score.success for score in scores if score.name == name)


async def knows(pool: Pool, members: Members, name: str, as_in: Members) -> None:
    """Return when one process thinks of an agent as the other does."""
    while abs(skill(members, name) - skill(as_in, name)) > 0.01:
        await pool.fetchval("SELECT 1")  # what is waited for comes from there as well


async def test_what_one_process_learns_another_knows_within_two_seconds(
    dsn: str, pool: Pool
) -> None:
    async with (
        open_members(dsn, pool, hands(), now, Random(1)) as one,
        open_members(dsn, pool, hands(), now, Random(2)) as other,
    ):
        fresh = skill(other, "good")
        for _ in range(3):
            await write(pool, one)

        async with asyncio.timeout(2):
            await knows(pool, other, "good", as_in=one)

        assert skill(other, "good") > fresh


async def test_a_process_that_starts_knows_what_all_have_learned(dsn: str, pool: Pool) -> None:
    async with open_members(dsn, pool, hands(), now, Random(1)) as one:
        for _ in range(5):
            await write(pool, one)

        async with open_members(dsn, pool, hands(), now, Random(2)) as fresh:
            for name in ("bad", "good"):
                assert abs(skill(fresh, name) - skill(one, name)) < 0.01


async def test_an_agent_that_joins_later_brings_its_past(dsn: str, pool: Pool) -> None:
    async with open_members(dsn, pool, hands(), now, Random(1)) as one:
        for _ in range(5):
            await write(pool, one)
        async with open_members(dsn, pool, [], now, Random(2)) as fresh:
            for hand in hands():
                fresh.join(hand, kind="remote")

            assert abs(skill(fresh, "good") - skill(one, "good")) < 0.01


async def test_who_is_on_duty_is_seen_and_leaves_with_its_process(dsn: str, pool: Pool) -> None:
    async with (
        open_members(dsn, pool, hands(), now, Random(1)) as one,
        open_members(dsn, pool, hands()[:1], now, Random(2)) as other,
    ):
        places = {r.name: r.places for r in await executions.track_records(pool)}
        assert places == {
            "bad": tuple(sorted((one.place, other.place))),
            "good": (one.place,),
        }

    assert [r.places for r in await executions.track_records(pool)] == [(), ()]
