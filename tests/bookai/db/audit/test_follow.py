"""Following the log: each event once, also those that were committed after later ones."""

from datetime import UTC, datetime, timedelta

import asyncpg

from bookai.db import audit


def numbers(events: tuple[audit.Event, ...]) -> list[int]:
    return [event.event_id for event in events]


async def test_the_latest_come_first_then_what_is_new(pool: asyncpg.Pool) -> None:
    old = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(4)]
    steps = audit.follow(pool, audit.Wanted(), latest=2)

    assert numbers(await anext(steps)) == old[-2:]
    assert numbers(await anext(steps)) == []
    new = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(3)]
    assert numbers(await anext(steps)) == new
    assert numbers(await anext(steps)) == []


async def test_an_event_committed_after_a_later_one_is_not_missed(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as slow:
        running = slow.transaction()
        await running.start()
        first = await audit.append(slow, "slow", "studio", {})
        second = await audit.append(pool, "fast", "studio", {})
        steps = audit.follow(pool, audit.Wanted(), latest=10)
        assert numbers(await anext(steps)) == [second]
        assert numbers(await anext(steps)) == []

        await running.commit()

    assert numbers(await anext(steps)) == [first]
    assert numbers(await anext(steps)) == []


async def test_only_what_is_wanted_is_followed(pool: asyncpg.Pool) -> None:
    steps = audit.follow(pool, audit.Wanted(kind="post.", actor="studio", job_id=7), latest=5)
    await anext(steps)

    await audit.append(pool, "post.armed", "studio", {"job_id": 8})
    await audit.append(pool, "tick", "studio", {"job_id": 7})
    await audit.append(pool, "post.armed", "agent:x", {"job_id": 7})
    mine = await audit.append(pool, "post.armed", "studio", {"job_id": 7})

    assert numbers(await anext(steps)) == [mine]


async def test_many_at_once_come_in_pages_without_a_gap(pool: asyncpg.Pool) -> None:
    steps = audit.follow(pool, audit.Wanted(), latest=5)
    await anext(steps)

    ids = await audit.append_many(
        pool, [audit.NewEvent("tick", "s", {"n": n}) for n in range(1200)]
    )

    seen: list[int] = []
    while page := numbers(await anext(steps)):
        seen += page
    assert seen == ids


async def test_a_search_narrows_by_time(pool: asyncpg.Pool) -> None:
    await audit.append(pool, "tick", "studio", {})
    (event,) = await audit.search(pool)
    moment = event.at

    assert len(await audit.search(pool, since=moment)) == 1
    assert len(await audit.search(pool, until=moment)) == 0
    assert len(await audit.search(pool, until=moment + timedelta(microseconds=1))) == 1
    assert len(await audit.search(pool, since=datetime.now(UTC) + timedelta(days=1))) == 0
