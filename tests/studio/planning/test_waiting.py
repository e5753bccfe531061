"""What is approved early goes out at its slot, unless an operator gives it another time."""

from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import approvals, audit, control, jobs, planning
from bookai.db.planning import Claim
from bookai.db.pool import Pool
from bookai.errors import TryLater
from bookai.settings import Settings
from studio.engine import Procrastinate
from studio.office import open_office
from tests.graphs.crew import POST, Hand
from tests.graphs.test_production import decide, line
from tests.studio.test_engine import entries, new_job, work_until

BY = "operator:anna"


@pytest.fixture
def slot() -> datetime:
    """An hour from now, by the database's clock."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


async def planned(pool: Pool, engine: Procrastinate, slot: datetime) -> int:
    job_id = await new_job(pool, engine)
    async with pool.acquire() as con, con.transaction():
        assert await planning.claim(con, Claim("default", slot, job_id), datetime.now(UTC), ())
    return job_id


async def not_before(pool: Pool, job_id: int) -> datetime | None:
    return (await jobs.get(pool, job_id)).not_before


async def test_it_is_made_at_once_and_published_at_its_slot_or_when_an_operator_says(
    settings: Settings, pool: Pool, dsn: str, engine: Procrastinate, slot: datetime
) -> None:
    hand, job_id = Hand(), await planned(pool, engine, slot)

    async def has(status: str) -> bool:
        return (await jobs.get(pool, job_id)).status == status

    async with line(pool, dsn, hand) as main:
        await work_until(engine, main.advance, lambda: has("waiting"))
        assert await not_before(pool, job_id) is None
        await decide(pool, job_id, approve=True)
        async with pool.acquire() as con, con.transaction():
            await engine.enqueue(con, job_id)
        await work_until(engine, main.advance, lambda: has("queued"))

        assert hand.runs["publish"] == 0
        assert await entries(pool) == [("todo", True)]
        row = await jobs.get(pool, job_id)
        assert (row.not_before, row.reason) == (slot, f"put off until {slot:%Y-%m-%d %H:%M} UTC")
        async with open_office(settings) as office:
            with pytest.raises(TryLater, match="put off until"):
                await office.desk.arm_post(job_id, POST)
            await office.desk.put_off_job(job_id, None, BY)
        await work_until(engine, main.advance, lambda: has("done"))

    assert hand.runs["publish"] == 1
    assert await pool.fetchval("SELECT count(*) FROM publish_slots") == 0
    (freed,) = await audit.search(pool, kind="slot.freed", job_id=job_id)
    assert freed.actor == BY


async def test_an_operators_own_time_is_kept_and_frees_the_slot(
    pool: Pool, dsn: str, engine: Procrastinate, slot: datetime
) -> None:
    job_id, own = await planned(pool, engine, slot), slot + timedelta(days=1)
    async with line(pool, dsn, Hand()) as main:
        await main.advance(job_id)
        async with pool.acquire() as con, con.transaction():
            await control.put_off(con, job_id, own, datetime.now(UTC), BY)

        await decide(pool, job_id, approve=True)

    assert await not_before(pool, job_id) == own
    assert await pool.fetchval("SELECT count(*) FROM publish_slots") == 0


async def test_what_is_rejected_or_withdrawn_waits_for_no_slot(
    pool: Pool, dsn: str, engine: Procrastinate, slot: datetime
) -> None:
    rejected, withdrawn = (
        await planned(pool, engine, slot),
        await planned(pool, engine, slot + timedelta(hours=1)),
    )
    async with line(pool, dsn, Hand()) as main:
        await main.advance(rejected)
        await main.advance(withdrawn)
        await decide(pool, rejected, approve=False, reason="no")
        await decide(pool, withdrawn, approve=True)
        assert await not_before(pool, withdrawn) is not None

        async with pool.acquire() as con, con.transaction():
            await approvals.void_of(con, withdrawn, BY)

    assert await not_before(pool, rejected) is None
    assert await not_before(pool, withdrawn) is None


async def test_what_is_approved_after_its_slot_goes_out_at_once(
    pool: Pool, dsn: str, engine: Procrastinate, slot: datetime
) -> None:
    hand, job_id = Hand(), await planned(pool, engine, slot - timedelta(hours=2))
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        await decide(pool, job_id, approve=True)

        await main.advance(job_id)

    assert hand.runs["publish"] == 1
