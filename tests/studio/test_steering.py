"""What an operator holds back or ends: pauses, cancelled jobs, and jobs that go on later."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import approvals, audit, control, jobs
from bookai.db.pool import Pool
from bookai.db.runs.fence import Fence
from bookai.errors import Refused, TryLater
from bookai.models import Queue
from bookai.settings import Settings
from graphs.advance import Advance
from studio.approvals import ApprovalDesk
from studio.engine import Procrastinate
from studio.office import open_office
from tests.conftest import execute
from tests.graphs.crew import Hand
from tests.graphs.test_production import line
from tests.mcp_server.doubles import POST
from tests.studio.test_engine import new_job, serve_until, work_until

BY = "operator:anna"


async def test_a_cancelled_job_is_taken_from_whoever_runs_it(
    pool: Pool, engine: Procrastinate
) -> None:
    """The step that is running ends by cancellation, so a tool ends its program too."""
    job_id, running, ended = await new_job(pool, engine), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    times: dict[str, float] = {}

    async def advance(_one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            times["ended"] = loop.time()
            ended.set()
        raise AssertionError("nothing ends this wait")

    async def cancel() -> None:
        await running.wait()
        times["asked"] = loop.time()
        assert await control.cancel(pool, job_id, "made twice", BY)

    async with asyncio.TaskGroup() as group:
        group.create_task(cancel())
        group.create_task(serve_until(engine, advance, ended))

    row = await jobs.get(pool, job_id)
    assert (row.status, row.reason) == ("cancelled", "made twice")
    assert times["ended"] - times["asked"] < 10  # two seconds on a machine of one's own
    assert not await control.cancel(pool, job_id, "again", BY)
    events = await audit.search(pool, kind="job.status", job_id=job_id)
    assert [event.actor for event in events if '"cancelled"' in event.body] == [BY]


async def test_a_cancelled_job_has_no_open_approval_and_does_not_go_on(
    pool: Pool, dsn: str, engine: Procrastinate
) -> None:
    hand, job_id = Hand(), await new_job(pool, engine)

    async def waits() -> bool:
        return (await jobs.get(pool, job_id)).status == "waiting"

    async with line(pool, dsn, hand) as main:
        await work_until(engine, main.advance, waits)
        await control.cancel(pool, job_id, "not this one", BY)

    (approval,) = await approvals.list_(pool)
    assert approval.state == "void"
    with pytest.raises(Refused, match="is cancelled already"):
        async with pool.acquire() as con, con.transaction():
            await control.put_off(con, job_id, None, datetime.now(UTC), BY)


# The row as a sender leaves it, without all that leads there.
SENDING = """
ALTER TABLE social_posts DISABLE TRIGGER USER;
INSERT INTO social_accounts (platform, account) VALUES ('gallery', 'local');
INSERT INTO social_posts (job_id, platform, account, digest, title, state, sent_at,
                          lease_owner, lease_until)
SELECT job_id, 'gallery', 'local', repeat('0', 64), 'Rain', 'sending', now(),
       'a sender', now() + interval '1 hour'
  FROM video_jobs
"""


async def test_what_is_or_may_be_out_cannot_be_cancelled(pool: Pool, admin_dsn: str) -> None:
    job_id = await new_job(pool)
    execute(admin_dsn, SENDING)

    with pytest.raises(Refused, match="is 'sending'"):
        await control.cancel(pool, job_id, "too late", BY)

    assert (await jobs.get(pool, job_id)).status == "queued"


async def test_a_pause_holds_jobs_back_over_restarts_and_a_resume_lets_them_go(
    settings: Settings, pool: Pool, engine: Procrastinate
) -> None:
    calls, called = list[int](), asyncio.Event()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        called.set()
        return Advance("waiting")

    async def is_held() -> bool:
        return "paused by" in ((await jobs.get(pool, job_id)).reason or "")

    async with open_office(settings) as office:
        await office.desk.set_pause(True, "default", "the account is checked", BY)
        job_id = (await office.desk.create_job("a.md", "default", BY)).job_id
        assert await office.desk.create_due_job("feed.xml", "default", 60) is None
    await work_until(engine, advance, is_held)
    assert calls == []
    row = await jobs.get(pool, job_id)
    assert row.status == "queued"
    assert row.reason == f"channel 'default' is paused by {BY}: the account is checked"
    async with open_office(settings) as office:
        (pause,) = (await office.desk.status()).paused
        assert (pause.channel, pause.paused_by) == ("default", BY)
        assert await office.desk.set_pause(False, "default", "", BY) == ()
    await serve_until(engine, advance, called)

    assert calls == [job_id]


async def test_nothing_is_published_while_the_studio_is_paused(
    settings: Settings, pool: Pool, engine: Procrastinate
) -> None:
    async with open_office(settings) as office:
        job_id = (await office.desk.create_job("a.md", "default", BY)).job_id
        await office.desk.set_pause(True, None, "stop", BY)

        with pytest.raises(TryLater, match="the studio is paused by operator:anna: stop"):
            await office.desk.arm_post(job_id, POST)


async def test_a_job_that_is_put_off_waits_for_its_time(
    settings: Settings, pool: Pool, engine: Procrastinate
) -> None:
    calls, called = list[int](), asyncio.Event()

    async def advance(one: int, _fence: Fence, _queues: frozenset[Queue]) -> Advance:
        calls.append(one)
        called.set()
        return Advance("waiting")

    async def is_held() -> bool:
        return "put off until" in ((await jobs.get(pool, job_id)).reason or "")

    async with open_office(settings) as office:
        job_id = (await office.desk.create_job("a.md", "default", BY)).job_id
        await office.desk.put_off_job(job_id, datetime.now(UTC) + timedelta(hours=1), BY)
        with pytest.raises(Refused, match="more than 90 days"):
            await office.desk.put_off_job(job_id, datetime.now(UTC) + timedelta(days=91), BY)
    await work_until(engine, advance, is_held)
    assert calls == []
    async with open_office(settings) as office:
        await office.desk.put_off_job(job_id, None, BY)
    await serve_until(engine, advance, called)

    assert calls == [job_id]


async def test_a_cancel_that_was_cut_short_leaves_nothing_to_approve(
    settings: Settings, pool: Pool, dsn: str, engine: Procrastinate
) -> None:
    """As when the process died between the job's end and its approval's."""
    hand, job_id = Hand(), await new_job(pool, engine)

    async def waits() -> bool:
        return (await jobs.get(pool, job_id)).status == "waiting"

    async with line(pool, dsn, hand) as main:
        await work_until(engine, main.advance, waits)
    async with pool.acquire() as con, con.transaction():
        await jobs.set_status(con, job_id, "cancelled", reason="made twice", actor=BY)
    (left,) = await approvals.list_(pool)
    waking = ApprovalDesk(pool, engine, now=lambda: left.requested_at)._waking(BY)

    assert left.state == "pending"
    with pytest.raises(Refused, match="is cancelled"):
        async with pool.acquire() as con, con.transaction():
            await waking(con, job_id)
    assert not await control.cancel(pool, job_id, "again", BY)
    assert (await approvals.get(pool, left.approval_id)).state == "void"


async def test_a_cancelled_job_is_not_carried_on(settings: Settings, pool: Pool) -> None:
    async with open_office(settings) as office:
        job_id = (await office.desk.create_job("a.md", "default", BY)).job_id
        await office.desk.cancel_job(job_id, "made twice", BY)

        with pytest.raises(Refused, match="cancelled for good"):
            await office.desk.resume_job(job_id, BY)
