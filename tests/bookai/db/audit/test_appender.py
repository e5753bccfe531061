"""The appender: many writers, one flush, and each of them hears what became of its event."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from bookai.db import audit
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.pool import open_pool
from bookai.errors import BookAIError, OperatorNeeded, Refused, TryLater


async def kinds(pool: asyncpg.Pool) -> list[str]:
    return sorted(event.kind for event in await audit.search(pool, limit=5000))


async def test_an_event_is_there_when_append_returns(pool: asyncpg.Pool) -> None:
    async with audit.open_appender(pool) as appender:
        await appender.append("tool.called", "agent:writer", {"b": 1, "job_id": 7})

        (event,) = await audit.search(pool)
    assert (event.kind, event.actor, event.job_id) == ("tool.called", "agent:writer", 7)
    assert event.body == '{"b":1,"job_id":7}'


async def test_a_thousand_at_once_are_all_written_once(pool: asyncpg.Pool) -> None:
    async with (
        audit.open_appender(pool, limit=100, group=30) as appender,
        asyncio.TaskGroup() as tasks,
    ):
        for number in range(1000):
            tasks.create_task(appender.append("tick", "studio", {"n": number}))

    bodies = {event.body for event in await audit.search(pool, limit=5000)}
    assert len(bodies) == 1000
    assert await audit.totals(pool) == audit.Totals(events=1000, unsealed=1000)


async def test_those_who_wait_together_share_a_transaction(pool: asyncpg.Pool) -> None:
    async with audit.open_appender(pool) as appender, asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(appender.append("tick", "studio", {"n": number}))

    assert await pool.fetchval("SELECT count(DISTINCT xid) FROM audit_log") == 1


async def test_an_event_that_cannot_be_written_down_is_refused_to_its_caller_alone(
    pool: asyncpg.Pool,
) -> None:
    async with audit.open_appender(pool) as appender:
        results = await asyncio.gather(
            appender.append("fine", "studio", {}),
            appender.append("Not a kind", "studio", {}),
            appender.append("too.far", "studio", {}, job_id=2**70),
            appender.append("fine", "studio", {}),
            return_exceptions=True,
        )

    assert [type(result) for result in results][::3] == [type(None), type(None)]
    assert isinstance(results[1], Refused)
    assert isinstance(results[2], asyncpg.DataError | OverflowError)
    assert await kinds(pool) == ["fine", "fine"]


async def test_what_the_database_alone_refuses_does_not_sink_its_neighbours(
    pool: asyncpg.Pool, admin_dsn: str
) -> None:
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute("ALTER TABLE audit_log ADD CHECK (kind <> 'bad')")

    async with audit.open_appender(pool) as appender:
        kinds_in = [*["good"] * 20, "bad", *["good"] * 20, "bad"]
        results = await asyncio.gather(
            *(appender.append(kind, "studio", {}) for kind in kinds_in), return_exceptions=True
        )

    failed = [kind for kind, result in zip(kinds_in, results, strict=True) if result is not None]
    assert failed == ["bad", "bad"]
    assert await kinds(pool) == ["good"] * 40


async def test_closing_writes_what_waits_and_takes_no_more(pool: asyncpg.Pool) -> None:
    async with (
        asyncio.TaskGroup() as tasks,
        audit.open_appender(pool, limit=10, group=3) as appender,
    ):
        waiting = [
            tasks.create_task(appender.append("tick", "studio", {"n": n})) for n in range(10)
        ]
        await asyncio.sleep(0)

    assert all(task.exception() is None for task in waiting)
    assert len(await kinds(pool)) == 10
    with pytest.raises(TryLater, match="stopping"):
        await appender.append("tick", "studio", {})


async def test_a_caller_that_is_cancelled_before_its_turn_leaves_no_event(
    pool: asyncpg.Pool,
) -> None:
    async with audit.open_appender(pool) as appender:
        gone = asyncio.ensure_future(appender.append("gone", "studio", {}))
        await asyncio.sleep(0)
        gone.cancel()
        await appender.append("stayed", "studio", {})

        with pytest.raises(asyncio.CancelledError):
            await gone
    assert await kinds(pool) == ["stayed"]


async def test_a_cancelled_place_in_the_queue_is_free_again(pool: asyncpg.Pool) -> None:
    async with audit.open_appender(pool, limit=1) as appender:
        for _ in range(5):
            gone = asyncio.ensure_future(appender.append("gone", "studio", {}))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])

        async with asyncio.timeout(10):
            await appender.append("stayed", "studio", {})

    assert "stayed" in await kinds(pool)


@pytest.fixture
async def mortal() -> AsyncIterator[EmbeddedPostgres]:
    """A server of our own that a test may stop."""
    place = tempfile.mkdtemp(prefix="bka-")
    os.chmod(place, 0o711)
    server = EmbeddedPostgres(Path(place, "pg"))
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)
    shutil.rmtree(place, ignore_errors=True)


async def test_when_postgres_goes_away_every_caller_is_told(mortal: EmbeddedPostgres) -> None:
    async with open_pool(mortal.dsn(), size=2) as pool, audit.open_appender(pool) as appender:
        await pool.execute(
            "CREATE TABLE audit_log (kind text, actor text, job_id bigint, body text)"
        )
        await appender.append("before", "studio", {})
        await asyncio.to_thread(mortal.stop)

        results = await asyncio.gather(
            *(appender.append("after", "studio", {"n": n}) for n in range(20)),
            return_exceptions=True,
        )

        assert {type(result) for result in results} == {OperatorNeeded}
        await asyncio.to_thread(mortal.start)
        try:
            await appender.append("again", "studio", {})
        except BookAIError:  # the pool met its dead connection first, and now has a new one
            await appender.append("again", "studio", {})
        rows = await pool.fetch("SELECT kind FROM audit_log ORDER BY kind")
    assert [row["kind"] for row in rows] == ["again", "before"]


async def test_many_in_one_statement_keep_their_order(pool: asyncpg.Pool) -> None:
    events = [audit.NewEvent("tick", "studio", {"n": n}, job_id=n % 3 or None) for n in range(200)]

    ids = await audit.append_many(pool, events)

    assert ids == sorted(ids)
    found = await audit.search(pool, limit=1000, after_id=0)
    assert [event.event_id for event in found] == ids
    assert [event.body for event in found] == [f'{{"n":{n}}}' for n in range(200)]
    assert [event.job_id for event in found[:4]] == [None, 1, 2, None]
    assert await audit.append_many(pool, []) == []


async def test_one_bad_event_keeps_a_batch_out(pool: asyncpg.Pool) -> None:
    with pytest.raises(Refused):
        await audit.append_many(
            pool,
            [audit.NewEvent("tick", "studio", {}), audit.NewEvent("tick", "studio", {"a": b""})],
        )

    assert await audit.search(pool) == ()
