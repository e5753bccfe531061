"""What processes learn of each other's agents, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bookai.db import executions, memory
from bookai.db.executions import Begun, Ended
from bookai.db.memory import Beat, Heard, Memory
from bookai.db.pool import Pool
from bookai.router import Outcome
from tests.bookai.db.conftest import NewJob

SOON_S = 2.0
"""What the house promises: an outcome is known everywhere within two seconds."""


class Ear:
    """Collects what it is told."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._news = asyncio.Event()

    def __call__(self, outcomes: Sequence[Heard]) -> None:
        self.heard.extend(outcomes)
        self._news.set()

    async def until(self, count: int, within_s: float = SOON_S) -> list[Heard]:
        """Wait for so many; one more than that is a failure as well."""
        async with asyncio.timeout(within_s):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard


async def ends(
    pool: Pool,
    task_id: int,
    outcome: Outcome = "ok",
    *,
    agent: str = "writer",
    place: str = "b",
    seconds: float = 2.0,
) -> int:
    """Let one attempt begin and end at a place."""
    async with pool.acquire() as con, con.transaction():
        begun = Begun(agent, "write", (), place)
        execution_id = await executions.start(con, task_id, begun)
        await executions.finish(con, execution_id, Ended(outcome, None, seconds))
    return execution_id


@pytest.fixture
async def task_id(pool: Pool, new_job: NewJob) -> int:
    async with pool.acquire() as con:
        return (await executions.open_task(con, await new_job(), "write", 0))[0]


@asynccontextmanager
async def following(dsn: str, pool: Pool, place: str, **how: float) -> AsyncIterator[Ear]:
    ear, past = Ear(), Memory(dsn, pool, place)
    ear(await past.recall())
    task = asyncio.create_task(past.follow(ear, **how))
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_fresh_process_starts_with_the_past_of_all(
    dsn: str, pool: Pool, task_id: int
) -> None:
    outcomes: tuple[Outcome, ...] = ("ok", "quality", "infra", "timeout", "busy", "refused")
    for outcome in outcomes:
        await ends(pool, task_id, outcome)

    past = await Memory(dsn, pool, "new").recall()

    assert [(one.agent, one.capability, one.outcome, one.seconds) for one in past] == [
        ("writer", "write", outcome, 2.0) for outcome in outcomes
    ]


async def test_what_an_older_studio_wrote_down_is_read(dsn: str, pool: Pool, task_id: int) -> None:
    await ends(pool, task_id, "quality")
    await pool.execute("UPDATE task_executions SET fault = NULL, place = NULL")

    (one,) = await Memory(dsn, pool, "new").recall()

    assert one.outcome == "quality"


async def test_the_newest_attempts_of_each_are_read_and_nothing_of_last_month(
    dsn: str, pool: Pool, task_id: int
) -> None:
    for _ in range(memory.outcomes.NEWEST + 3):
        await ends(pool, task_id)
    await ends(pool, task_id, agent="other")
    old = await ends(pool, task_id, "infra", agent="other")
    await pool.execute(
        "UPDATE task_executions SET finished_at = now() - $1::interval WHERE execution_id = $2",
        timedelta(days=30),
        old,
    )

    past = await Memory(dsn, pool, "new").recall()

    names = [one.agent for one in past]
    assert (names.count("writer"), names.count("other")) == (memory.outcomes.NEWEST, 1)


async def test_others_outcomes_are_heard_soon_and_ones_own_never(
    dsn: str, pool: Pool, task_id: int
) -> None:
    async with following(dsn, pool, "a", poll_s=60) as a, following(dsn, pool, "b", poll_s=60) as b:
        theirs = await ends(pool, task_id, "infra", place="a")
        ours = await ends(pool, task_id, "ok", place="b")

        assert [one.execution_id for one in await a.until(1)] == [ours]
        assert [(one.execution_id, one.outcome) for one in await b.until(1)] == [(theirs, "infra")]


async def test_a_line_that_is_cut_costs_no_outcome(dsn: str, pool: Pool, task_id: int) -> None:
    async with following(dsn, pool, "a", poll_s=60) as ear:
        await ends(pool, task_id, "ok")
        await ear.until(1)
        # The listener's own connection is the one that waits after LISTEN.
        cut = await pool.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE query ILIKE 'LISTEN %' AND datname = current_database()"
        )
        assert cut == 1

        await ends(pool, task_id, "infra")

        heard = await ear.until(2)
    assert [one.outcome for one in heard] == ["ok", "infra"]


async def test_every_connection_lost_at_once_costs_no_outcome(
    dsn: str, pool: Pool, task_id: int
) -> None:
    """As a restart of Postgres looks from here."""
    async with following(dsn, pool, "a", poll_s=60) as ear:
        await ends(pool, task_id, "ok")
        await ear.until(1)
        async with pool.acquire() as con:
            await con.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        await ends(pool, task_id, "timeout")

        heard = await ear.until(2, within_s=30)
    assert [one.outcome for one in heard] == ["ok", "timeout"]


async def test_a_transaction_that_commits_late_is_heard_and_once(
    dsn: str, pool: Pool, task_id: int
) -> None:
    await memory.beat(pool, "b", [hand()])
    async with following(dsn, pool, "a", poll_s=60) as ear:
        async with pool.acquire() as con, con.transaction():
            late = await executions.start(con, task_id, Begun("writer", "write", (), "b"))
            await executions.finish(con, late, Ended("ok", None, 1.0))
            younger = await ends(pool, task_id)
            assert [one.execution_id for one in await ear.until(1)] == [younger]

        heard = await ear.until(2)
    assert [one.execution_id for one in heard] == [younger, late]


def hand(name: str = "writer", **changed: object) -> Beat:
    values = {"capabilities": ("write",), "kind": "local", "capacity": 2, "in_flight": 1}
    return Beat(agent=name, breaker="closed", **(values | changed))  # type: ignore[arg-type] # as asked


async def test_an_agent_is_on_duty_wherever_it_beats(pool: Pool) -> None:
    await memory.beat(pool, "a", [hand()])
    await memory.beat(pool, "b", [hand(in_flight=0, capacity=3)])

    (record,) = await executions.track_records(pool)

    assert (record.places, record.capacity, record.in_flight) == (("a", "b"), 5, 1)


async def test_an_agent_is_off_duty_after_three_missed_beats(pool: Pool) -> None:
    await memory.beat(pool, "a", [hand()])
    await pool.execute(
        "UPDATE agent_beats SET beat_at = now() - make_interval(secs => $1)",
        memory.DEAD_AFTER_S + 0.1,
    )

    (record,) = await executions.track_records(pool)

    assert (record.places, record.capacity) == ((), 0)


async def test_a_process_that_ends_in_order_is_off_duty_at_once(pool: Pool) -> None:
    await memory.beat(pool, "a", [hand()])
    await memory.beat(pool, "b", [hand()])

    await memory.leave(pool, "a")

    (record,) = await executions.track_records(pool)
    assert record.places == ("b",)


async def test_what_is_long_gone_is_forgotten_and_its_past_is_not(pool: Pool, task_id: int) -> None:
    await memory.beat(pool, "a", [hand()])
    await memory.beat(pool, "b", [hand(age_s=memory.beats.FORGET_S + 1)])
    await ends(pool, task_id)

    await memory.forget_silent(pool)

    assert await pool.fetchval("SELECT array_agg(place) FROM agent_beats") == ["a"]
    (record,) = await executions.track_records(pool)
    assert (record.tries, record.wins) == (1, 1)


async def test_an_agent_of_last_month_is_not_listed(pool: Pool) -> None:
    await memory.beat(pool, "a", [hand(age_s=31 * 86400.0)])

    assert await executions.track_records(pool) == ()


async def test_faults_of_others_do_not_count_against_an_agent(pool: Pool, task_id: int) -> None:
    outcomes: tuple[Outcome, ...] = ("ok", "busy", "client", "cancelled", "lost", "quality")
    for outcome in outcomes:
        await ends(pool, task_id, outcome)

    (record,) = await executions.track_records(pool)

    assert (record.tries, record.wins) == (2, 1)
