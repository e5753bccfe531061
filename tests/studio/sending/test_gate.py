"""At the moment of sending: one account's posts one by one, the caps, and a rule that changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from bookai.db import audit, jobs, outbox, planning
from bookai.db.checkpoints import new_saver, open_checkpoint_pool
from bookai.db.planning import Claim
from bookai.db.pool import Pool
from bookai.errors import NotYet
from bookai.models import Capability, NotPosted, Record, VideoJob
from bookai.settings import Settings
from graphs.advance import Advance
from graphs.production import Production
from studio.autonomy import ladder_tick
from studio.engine import Procrastinate, lock_of
from studio.office import Office, open_office
from studio.planning.platform import day_cap
from tests.graphs.crew import POST, RESULTS, Hand, crew
from tests.studio.autonomy.test_tick import (
    ANN,
    GREEN,
    RULE,
    armed_of,
    asked,
    earned,
    level,
    state,
)
from tests.studio.test_engine import work_until
from tools.base import Armed

DAY = timedelta(days=1)
DONE = ("x", "https://p.example/x")
NAMED = {"platform": "tiktok", "account": "acme"}
MANY_JOBS = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, percent, record)
SELECT 'a.md', 'other', 'schedule', 'done', 'done', 100, '{}'
  FROM generate_series(1, $1)
"""
MANY_POSTS = """
INSERT INTO social_posts (job_id, platform, account, title, digest, state, sent_at, published_at,
                          external_id, url)
SELECT job_id, 'tiktok', 'acme', 'x', repeat('0', 64), 'posted', now(), now(), 'x', 'u'
  FROM video_jobs
 WHERE channel = 'other'
"""


class Sender(Hand):
    """Sends each post as the tool does, as far as the desk lets it."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office

    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        if capability == "package":
            return {"post": POST.model_copy(update={"title": f"Story {job.job_id}"})}
        if capability == "check":
            return {"check": GREEN}
        if capability == "publish":
            assert job.post is not None
            post = await self.office.desk.arm_post(job.job_id, job.post)
            await send(self.office, post)
            await self.office.desk.mark_posted(post.post_id, *DONE, post.attempt)
        return RESULTS[capability]


NOON = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
"""A zone in which it is about noon now: no day ends while a test runs."""


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    one = {"posts_per_day": 1}
    channels = {
        "news": {"cadence": one, "time_zone": NOON, "autonomy": {"after": 3, "per_day": 2}},
        "slots": {"cadence": one | {"times": ["08:00"]}, "time_zone": NOON},
        "free": {},
    }
    values = settings.model_dump() | {"channels": channels}
    async with open_office(Settings.model_validate(values)) as opened:
        yield opened


@pytest.fixture
async def owner(admin_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The database's owner, who has switched the triggers off: time passes by his hand."""
    con = await asyncpg.connect(admin_dsn)
    try:
        await con.execute("SET session_replication_role = replica")
        yield con
    finally:
        await con.close()


A_DAY = """
UPDATE social_posts
   SET sent_at = sent_at - interval '1 day', published_at = published_at - interval '1 day';
UPDATE video_jobs SET not_before = not_before - interval '1 day';
UPDATE publish_slots SET slot_at = slot_at - interval '1 day';
"""


async def late(office: Office, channel: str = "news", **changes: object) -> Armed:
    """A post that an operator approved when its time had come already."""
    approval_id = await asked(office, channel, **changes)
    await office.desk.decide_approval(approval_id, True, "", ANN)
    return await armed_of(office, approval_id)


async def send(office: Office, post: Armed) -> None:
    await office.desk.mark_sending(post.post_id, post.attempt, "me")


async def job_of(office: Office, post: Armed) -> jobs.JobRow:
    pool = office.database.pool
    return await jobs.get(pool, (await outbox.get(pool, post.post_id)).job_id)


async def ruled(office: Office) -> tuple[Armed, int]:
    """A post that the studio approved by rule, and that approval."""
    await earned(office)
    approval_id = await asked(office)
    await ladder_tick(office, "news", office.clock())
    assert await state(office, approval_id) == ("approved", RULE)
    return await armed_of(office, approval_id), approval_id


def change_passport(office: Office, banned: str = '["cheap"]') -> None:
    """The operator's file says something else than was granted; with no phrase, the same."""
    (office.settings.home / "studio.toml").write_text(
        f'''[channels.news]
banned_phrases = {banned}
time_zone = "{NOON}"
autonomy = {{ after = 3, per_day = 2 }}
'''
    )


@asynccontextmanager
async def line_of(office: Office, dsn: str, hand: Hand) -> AsyncIterator[Production]:
    """The main line, on the office's clock."""
    pool, ttl = office.database.pool, timedelta(hours=72)
    async with open_checkpoint_pool(dsn) as savers:
        yield Production(
            crew(pool, hand), pool, lambda fence: new_saver(savers, fence), ttl, office.clock
        )


async def begun(office: Office, main: Production, channel: str = "news", by: str = ANN) -> int:
    """A job that was made and approved, by a person or by the rule."""
    async with office.database.pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", channel, "schedule")
    assert await main.advance(job_id) == Advance("waiting")
    if by == ANN:
        await approve_now(office, job_id)
    else:
        await ladder_tick(office, channel, office.clock())
    return job_id


async def approve_now(office: Office, job_id: int) -> None:
    approval_id = (await jobs.get(office.database.pool, job_id)).approval_id
    assert approval_id is not None
    await office.desk.decide_approval(approval_id, True, "", ANN)


async def is_later(pool: Pool, job_id: int) -> bool:
    """Tell whether a job's entry waits for its time."""
    found = "SELECT scheduled_at > now() FROM procrastinate_jobs WHERE queueing_lock = $1"
    return bool(await pool.fetchval(found, lock_of(job_id)))


def midnight(days: int) -> datetime:
    zone = ZoneInfo(NOON)
    day = datetime.now(zone).date() + days * DAY
    return datetime.combine(day, time(), zone).astimezone(UTC)


async def test_what_was_approved_late_goes_out_one_a_day(
    office: Office, owner: asyncpg.Connection
) -> None:
    first, second, third = [await late(office) for _ in range(3)]

    await send(office, first)
    await office.desk.mark_posted(first.post_id, *DONE, first.attempt)
    for post, days in ((second, 1), (third, 2)):
        with pytest.raises(NotYet, match="posts_per_day is 1") as held:
            await send(office, post)
        row = await job_of(office, post)
        assert row.not_before == midnight(days)
        assert abs(held.value.after_s - (midnight(days) - datetime.now(UTC)).total_seconds()) < 30

    for post in (second, third):
        await owner.execute(A_DAY)
        await send(office, post)
        await office.desk.mark_posted(post.post_id, *DONE, post.attempt)
    (event, _) = await audit.search(office.database.pool, kind="post.held")
    assert json.loads(event.body)["post_id"] == third.post_id


async def test_what_may_be_out_counts_and_what_certainly_is_not_does_not(office: Office) -> None:
    first, second = await late(office), await late(office)
    await send(office, first)
    await office.desk.mark_unknown(first.post_id, 1, "the answer got lost")

    with pytest.raises(NotYet):
        await send(office, second)

    await office.desk.mark_not_posted(first.post_id, 1, NotPosted(reason="it is not there"))
    await send(office, second)


async def test_two_workers_at_once_send_one_post_of_the_account(office: Office, pool: Pool) -> None:
    posts = [await late(office), await late(office)]
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    async def try_to(post: Armed) -> bool:
        try:
            await send(office, post)
        except NotYet:
            return False
        return True

    async with (
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
        pool.acquire() as first,
        first.transaction(),
    ):
        await planning.lock(first, "free", "gallery/local")
        tries = [group.create_task(try_to(post)) for post in posts]
        while await pool.fetchval(waiting) < len(posts):
            pass

    assert sorted(one.result() for one in tries) == [False, True]
    states = [(await outbox.get(pool, post.post_id)).state for post in posts]
    assert sorted(states) == ["armed", "sending"]


async def test_a_late_job_gives_its_slot_up_for_the_next_free_one(
    office: Office, pool: Pool
) -> None:
    out, job = await late(office, "slots"), await late(office, "slots")
    was = midnight(0) + timedelta(hours=8)
    job_id = (await job_of(office, job)).job_id
    async with pool.acquire() as con, con.transaction():
        await planning.claim(con, Claim("slots", was, job_id), datetime.now(UTC), ())
    await send(office, out)

    with pytest.raises(NotYet):
        await send(office, job)

    rows = await pool.fetch("SELECT slot_at, job_id FROM publish_slots")
    assert [tuple(row) for row in rows] == [(was + DAY, job_id)]
    (moved,) = await audit.search(pool, kind="slot.moved", job_id=job_id)
    assert json.loads(moved.body)["why"].startswith("the channel's posts_per_day is 1")


async def test_the_platforms_cap_counts_other_channels_of_the_account(
    office: Office, owner: asyncpg.Connection
) -> None:
    cap = day_cap("tiktok")
    assert cap is not None
    mine = await late(office, "free", post=POST.model_copy(update=NAMED))
    await owner.execute(MANY_JOBS, cap.most)
    await owner.execute(MANY_POSTS)

    with pytest.raises(NotYet, match=f"tiktok takes {cap.most} posts in 24 hours"):
        await send(office, mine)

    await owner.execute("UPDATE social_posts SET account = 'other' WHERE state = 'posted'")
    await send(office, mine)


async def test_a_yes_by_rule_is_taken_back_when_its_passport_changed(
    office: Office, pool: Pool
) -> None:
    post, old = await ruled(office)
    change_passport(office)

    with pytest.raises(NotYet, match="other terms than were granted: banned_phrases") as held:
        await send(office, post)

    assert await state(office, old) == ("expired", RULE)
    job = await job_of(office, post)
    assert (job.status, job.stage, job.approval_id) == ("waiting", "approval", old + 1)
    assert str(held.value) == f"job {job.job_id} waits: {job.reason}."
    assert await level(office) == "manual"
    kinds = ("approval.expired", "approval.requested", "autonomy.locked")
    assert all([await audit.search(pool, kind=kind, actor="studio") for kind in kinds])
    await ladder_tick(office, "news", office.clock())
    assert await state(office, old + 1) == ("pending", None)

    await office.desk.decide_approval(old + 1, True, "", ANN)

    await send(office, post)


async def test_a_yes_by_rule_waits_while_nobody_knows_the_passport_and_goes_out_under_its_own(
    office: Office,
) -> None:
    post, old = await ruled(office)
    file = office.settings.home / "studio.toml"
    file.write_text("[channels.news\n")

    with pytest.raises(NotYet, match="nothing is published"):
        await send(office, post)

    assert (await outbox.get(office.database.pool, post.post_id)).state == "armed"
    assert await state(office, old) == ("approved", RULE)
    change_passport(office, banned="[]")
    await send(office, post)


async def test_a_job_that_is_held_waits_without_a_try_and_its_row_says_why(
    office: Office, pool: Pool, dsn: str, engine: Procrastinate
) -> None:
    hand = Sender(office)
    async with line_of(office, dsn, hand) as main:
        first, second = [await begun(office, main) for _ in range(2)]
        await main.advance(first)

        await work_until(engine, main.advance, lambda: is_later(pool, second))

        row = await jobs.get(pool, second)
        assert row.status == "queued"
        assert (row.reason or "").startswith(
            f"job {second} waits: the channel's posts_per_day is 1"
        )
        assert f"{midnight(1):%Y-%m-%d %H:%M} UTC" in (row.reason or "")
        assert await pool.fetchval("SELECT attempt FROM video_jobs WHERE job_id = $1", second) == 0
        assert hand.runs["publish"] == 2
        third = await begun(office, main, "free")
        assert await main.advance(third) == Advance("done"), "nobody rests for it"


async def test_a_job_whose_yes_was_taken_back_waits_for_a_person_and_then_goes_out(
    office: Office, pool: Pool, dsn: str
) -> None:
    await earned(office)
    hand = Sender(office)
    async with line_of(office, dsn, hand) as main:
        job_id = await begun(office, main, by=RULE)
        change_passport(office)

        assert await main.advance(job_id) == Advance("waiting")
        assert await main.advance(job_id) == Advance("waiting")
        assert (await jobs.get(pool, job_id)).status == "waiting"
        assert hand.runs["publish"] == 1
        await approve_now(office, job_id)

        assert await main.advance(job_id) == Advance("done")
    assert hand.runs["publish"] == 2
