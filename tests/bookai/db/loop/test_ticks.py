"""A slot is settled once, whoever leads, and none is lost while nobody does."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.db import loop
from bookai.db.loop.schedules import after, covered
from bookai.db.pool import Pool

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = loop.Planned("plan", "news", 60.0)
SELECT_TICKS = """
SELECT slot, until, covered, epoch, tries, state, note
  FROM loop_ticks
 WHERE name = $1 AND scope = $2
 ORDER BY slot
"""


async def begin(pool: Pool, *wanted: loop.Planned) -> int:
    epoch: int = await pool.fetchval(
        "INSERT INTO loop_epochs (holder) VALUES ('a:1') RETURNING epoch"
    )
    await loop.sync(pool, wanted, AT)
    return epoch


async def next_epoch(pool: Pool) -> int:
    await pool.execute("UPDATE loop_epochs SET ended_at = now() WHERE ended_at IS NULL")
    epoch: int = await pool.fetchval(
        "INSERT INTO loop_epochs (holder) VALUES ('b:2') RETURNING epoch"
    )
    return epoch


@given(
    every_s=st.floats(min_value=0.05, max_value=2_592_000),
    scope=st.text(max_size=20),
    passed_s=st.floats(min_value=0, max_value=1e9),
)
def test_the_grid_of_a_schedule_never_stands_still_and_never_skips(
    every_s: float, scope: str, passed_s: float
) -> None:
    at = AT + timedelta(seconds=passed_s)

    first = after("watch", scope, every_s, at)
    second = after("watch", scope, every_s, first)

    assert at < first <= at + timedelta(seconds=every_s, microseconds=2)
    assert abs((second - first).total_seconds() - every_s) < 1e-3
    assert covered(every_s, first, second) == 1


async def test_what_is_new_is_due_at_once_and_then_on_its_grid(pool: Pool) -> None:
    epoch = await begin(pool, PLAN)

    first = await loop.claim(pool, "plan", "news", AT, epoch)
    again = await loop.claim(pool, "plan", "news", AT, epoch)

    assert first is not None
    assert first.slot == AT
    assert again is None
    assert await loop.next_slot(pool) == first.until == after("plan", "news", 60, AT)


async def test_of_many_that_claim_a_slot_at_once_one_gets_it(pool: Pool) -> None:
    epoch = await begin(pool, PLAN)

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(loop.claim(pool, "plan", "news", AT, epoch)) for _ in range(8)]

    assert len([one for one in tries if one.result() is not None]) == 1


async def test_slots_of_an_hour_without_a_leader_are_settled_by_one_tick(pool: Pool) -> None:
    epoch = await begin(pool, PLAN)
    first = await loop.claim(pool, "plan", "news", AT, epoch)
    late = await loop.claim(pool, "plan", "news", AT + timedelta(hours=1), epoch)

    rows = await pool.fetch(SELECT_TICKS, "plan", "news")

    assert first is not None
    assert late is not None
    assert late.slot == first.until
    assert [row["covered"] for row in rows] == [1, 60]
    assert rows[0]["until"] == rows[1]["slot"]


async def test_who_was_deposed_can_neither_claim_nor_settle(pool: Pool) -> None:
    old = await begin(pool, PLAN)
    tick = await loop.claim(pool, "plan", "news", AT, old)
    new = await next_epoch(pool)
    assert tick is not None

    with pytest.raises(loop.Deposed):
        await loop.claim(pool, "plan", "news", AT + timedelta(minutes=5), old)
    left = await loop.take_left(pool, new, AT)
    with pytest.raises(loop.Deposed):
        await loop.finish(pool, tick, old, "done", AT, "too late")
    await loop.finish(pool, left[0], new, "done", AT, "done again")

    (row,) = await pool.fetch(SELECT_TICKS, "plan", "news")
    assert (row["epoch"], row["tries"], row["state"], row["note"]) == (new, 2, "done", "done again")


async def test_what_fails_and_would_wait_for_a_day_is_tried_again_three_times(pool: Pool) -> None:
    epoch = await begin(pool, loop.Planned("links", "", 86_400.0), PLAN)
    at, tries = AT, 0
    for name, scope in (("links", ""), ("plan", "news")):
        tick = await loop.claim(pool, name, scope, at, epoch)
        assert tick is not None
        await loop.finish(pool, tick, epoch, "failed", at, "no network")
    # Whatever its grid gives, there is room for five more minutes.
    assert (await loop.next_slot(pool) or AT) > AT

    for _ in range(5):
        at += timedelta(seconds=61)
        for tick in await loop.take_failed(pool, epoch, at):
            assert tick.name == "links"
            tries = tick.tries
            await loop.finish(pool, tick, epoch, "failed", at, "no network")

    assert tries == 3


async def test_a_slot_that_has_its_tick_cannot_come_again(pool: Pool, admin_dsn: str) -> None:
    epoch = await begin(pool, PLAN)
    await loop.claim(pool, "plan", "news", AT, epoch)
    owner = await asyncpg.connect(admin_dsn)
    try:
        with pytest.raises(asyncpg.CheckViolationError, match="cannot come again"):
            await owner.execute("UPDATE loop_schedules SET next_slot = since")
    finally:
        await owner.close()


async def test_a_schedule_made_more_frequent_does_not_sleep_on(pool: Pool) -> None:
    epoch = await begin(pool, loop.Planned("plan", "news", 86_400.0))
    tick = await loop.claim(pool, "plan", "news", AT, epoch)
    assert tick is not None
    await loop.finish(pool, tick, epoch, "done", AT, "")

    await loop.sync(pool, [PLAN], AT + timedelta(minutes=1))

    assert await loop.claim(pool, "plan", "news", AT + timedelta(minutes=3), epoch) is not None


async def test_a_clock_that_was_set_back_stops_nothing_and_settles_no_slot_again(
    pool: Pool,
) -> None:
    epoch = await begin(pool, PLAN)
    tick = await loop.claim(pool, "plan", "news", AT, epoch)
    assert tick is not None
    await loop.finish(pool, tick, epoch, "done", AT, "")

    back = AT - timedelta(minutes=10)
    await loop.sync(pool, [PLAN, loop.Planned("disk", "", 30.0)], back)

    assert await loop.claim(pool, "plan", "news", back, epoch) is None
    assert await loop.claim(pool, "disk", "", back, epoch) is not None
    following = await loop.claim(pool, "plan", "news", tick.until, epoch)
    assert following is not None
    assert following.slot == tick.until


async def test_what_is_no_longer_wanted_sleeps_and_its_half_done_tick_is_ended(pool: Pool) -> None:
    old = await begin(pool, PLAN)
    await loop.claim(pool, "plan", "news", AT, old)

    await loop.sync(pool, [], AT)
    left = await loop.take_left(pool, await next_epoch(pool), AT)

    (row,) = await pool.fetch(SELECT_TICKS, "plan", "news")
    assert left == ()
    assert row["state"] == "failed"
    assert await loop.next_slot(pool) is None


def test_a_late_first_tick_counts_the_slot_off_the_grid_and_each_on_it() -> None:
    since = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)
    slots = [since]
    for _ in range(4):
        slots.append(after("plan", "news", 5.0, slots[-1]))

    assert [covered(5.0, since, until) for until in slots[1:]] == [1, 2, 3, 4]
    assert [covered(5.0, slots[1], until) for until in slots[2:]] == [1, 2, 3]
