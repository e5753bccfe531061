"""Word of changes, and the numbers that a reader may type, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from bookai.db import approvals, audit, outbox, rooms
from bookai.db.pool import Pool
from bookai.db.rooms import news
from bookai.errors import Refused
from bookai.models import Change
from tests.bookai.db.approvals.asked import ANN, NOW, POST, ask
from tests.bookai.db.conftest import NewJob

SOON_S = 2.0
PING = 999
STRANGE = ("", "job 1", "job 0 1", "job 1 1 secret", "script 1 1", "job 9999999999999999999 1")


class Ear:
    """Collects what it hears."""

    def __init__(self) -> None:
        self.heard: list[Change] = []
        self._more = asyncio.Event()

    def __call__(self, change: Change) -> None:
        self.heard.append(change)
        self._more.set()

    async def until(self, change: Change, within_s: float = SOON_S) -> list[Change]:
        """Wait until it has heard of this; return all that was heard so far, and forget it."""
        async with asyncio.timeout(within_s):
            while change not in self.heard:
                self._more.clear()
                await self._more.wait()
        heard, self.heard = self.heard, []
        return heard


@asynccontextmanager
async def listening(dsn: str, pool: Pool) -> AsyncIterator[Ear]:
    """Lend an ear whose line is certainly open."""
    ear = Ear()
    async with rooms.open_news(dsn) as lent:
        end = lent.subscribe(ear)
        async with asyncio.timeout(SOON_S):
            while Change(what="job", number=PING, job_id=PING) not in ear.heard:
                await pool.execute("SELECT pg_notify($1, 'job 999 999')", news.CHANNEL)
        ear.heard.clear()
        yield ear
        end()


async def test_whoever_listens_hears_of_jobs_approvals_votes_and_posts(
    dsn: str, pool: Pool, new_job: NewJob
) -> None:
    async with listening(dsn, pool) as ear:
        job_id = await new_job()
        await ear.until(Change(what="job", number=job_id, job_id=job_id, content=True))
        await pool.execute("UPDATE video_jobs SET percent = 7 WHERE job_id = $1", job_id)
        await ear.until(Change(what="job", number=job_id, job_id=job_id))
        approval_id = await ask(pool, job_id)
        approval = Change(what="approval", number=approval_id, job_id=job_id)
        await ear.until(approval)
        await approvals.decide(pool, approval_id, True, "", ANN, NOW)
        await ear.until(approval)
        claim = await outbox.arm(pool, job_id, POST)
        await ear.until(Change(what="post", number=claim.post_id, job_id=job_id))


async def test_a_listener_that_breaks_makes_no_other_deaf(
    dsn: str, pool: Pool, new_job: NewJob, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(change: Change) -> None:
        raise RuntimeError(f"cannot hear of {change.number}")

    async with rooms.open_news(dsn) as lent:
        lent.subscribe(broken)
        ear = Ear()
        lent.subscribe(ear)
        job_id = await new_job()
        await ear.until(Change(what="job", number=job_id, job_id=job_id, content=True))

    assert f"cannot hear of {job_id}" in caplog.text


async def test_a_beat_of_a_run_is_no_news(dsn: str, pool: Pool, new_job: NewJob) -> None:
    job_id = await new_job()
    async with listening(dsn, pool) as ear:
        await pool.execute("UPDATE video_jobs SET updated_at = now() WHERE job_id = $1", job_id)
        other = await new_job()
        heard = await ear.until(Change(what="job", number=other, job_id=other, content=True))

    assert {change.number for change in heard} - {PING} == {other}


async def test_a_broken_line_is_made_anew_and_what_changed_meanwhile_is_told(
    dsn: str, admin_dsn: str, pool: Pool, new_job: NewJob
) -> None:
    owner = await asyncpg.connect(admin_dsn)
    job_id = await new_job()
    try:
        async with listening(dsn, pool) as ear:
            await owner.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                "   AND application_name <> 'bookai'"
            )
            await pool.execute("UPDATE video_jobs SET status = 'failed', updated_at = now()")
            await ear.until(Change(what="job", number=job_id, job_id=job_id, content=True), 5)
    finally:
        await owner.close()


async def test_nobody_who_listens_costs_no_connection(dsn: str, pool: Pool) -> None:
    lines = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name <> 'bookai'"
    )
    async with rooms.open_news(dsn) as lent:
        before = await pool.fetchval(lines)
        ends = [lent.subscribe(Ear()) for _ in range(3)]
        async with asyncio.timeout(SOON_S):
            while await pool.fetchval(lines) != before + 1:
                pass
        for end in ends:
            end()
        async with asyncio.timeout(SOON_S):
            while await pool.fetchval(lines) != before:
                pass

    assert before == 0


async def test_what_nobody_of_ours_rings_is_not_heard(dsn: str, pool: Pool) -> None:
    async with listening(dsn, pool) as ear:
        for payload in STRANGE:
            await pool.execute("SELECT pg_notify($1, $2)", news.CHANNEL, payload)
        await pool.execute("SELECT pg_notify($1, 'job 5 5')", news.CHANNEL)
        heard = await ear.until(Change(what="job", number=5, job_id=5))

    assert {change.number for change in heard} - {PING} == {5}


async def test_numbers_are_found_by_how_they_begin_newest_first(
    pool: Pool, new_job: NewJob
) -> None:
    for _ in range(12):
        await new_job()

    found = [
        await rooms.newest(pool, "job", prefix, 3) for prefix in ("", "1", "12", "7", "13", "01")
    ]

    assert found == [(12, 11, 10), (12, 11, 10), (12,), (7,), (), ()]
    for odd in ("-1", "1' OR true", "٣", "9" * 18, "9" * 19):
        assert await rooms.newest(pool, "event", odd, 3) == ()


async def test_one_event_is_found_by_its_number_or_refused(pool: Pool) -> None:
    async with pool.acquire() as con, con.transaction():
        await audit.append(con, "job.created", ANN, {"source": "a.md"})
    [event] = await audit.search(pool)

    found = await rooms.get_event(pool, event.event_id)

    assert found == event
    with pytest.raises(Refused, match="there is no audit event 999"):
        await rooms.get_event(pool, 999)
