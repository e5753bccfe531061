"""What is counted before a video is started, from rows that the studio itself wrote."""

from datetime import UTC, datetime, timedelta

from bookai.db import approvals, jobs, planning
from bookai.db.approvals import Rules
from bookai.db.planning import Claim, Counts, Ended, Underway
from bookai.db.pool import Pool
from bookai.settings import Settings
from studio.planning.asked import asked_of
from tests.graphs.crew import POST

BY = "operator:anna"
# 23:30 on Thursday in Auckland, where the day began at 11:00 UTC on Wednesday.
AT = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)


def channels(settings: Settings, **more: object) -> Settings:
    base = {"time_zone": "Pacific/Auckland", "platform": "bluesky", "account": "ours", **more}
    others = {"news": base, "twin": base, "stranger": {**base, "account": "theirs"}}
    return Settings.model_validate(settings.model_dump() | {"channels": others})


async def new_job(pool: Pool, channel: str = "news") -> int:
    async with pool.acquire() as con, con.transaction():
        return await jobs.create(con, "a.md", channel, "schedule")


async def decided(pool: Pool, at: datetime) -> int:
    job_id = await new_job(pool)
    asked = at - timedelta(minutes=5)
    async with pool.acquire() as con, con.transaction():
        found = await approvals.request(
            con, job_id, POST, "/v.mp4", asked, timedelta(hours=2), Rules()
        )
        await jobs.set_status(con, job_id, "waiting")
    await approvals.decide(pool, found, False, "no", BY, at)
    return job_id


async def count(pool: Pool, settings: Settings) -> Counts:
    return await planning.count(pool, asked_of(channels(settings), "news", AT))


async def test_decisions_are_counted_by_the_channels_own_days(
    settings: Settings, pool: Pool
) -> None:
    day_began = datetime(2026, 11, 25, 11, tzinfo=UTC)
    for before in (
        timedelta(minutes=-30),  # today
        timedelta(minutes=1),  # yesterday, twice
        timedelta(hours=20),
        timedelta(days=6, hours=20),  # a week ago
        timedelta(days=7, minutes=1),  # longer ago
    ):
        await decided(pool, day_began - before)

    found = await count(pool, settings)

    assert (found.decided_today, found.ruled_today, found.decided_days) == (1, 0, (1, 2))


async def test_channels_that_share_an_account_are_counted_together(
    settings: Settings, pool: Pool
) -> None:
    slot = AT + timedelta(hours=1)
    made = {name: await new_job(pool, name) for name in ("news", "twin", "stranger")}
    async with pool.acquire() as con, con.transaction():
        for name, job_id in made.items():
            await planning.claim(con, Claim(name, slot, job_id), AT, ())

    found = await count(pool, settings)

    assert (found.taken, found.others) == ((slot,), (slot,))


async def test_what_is_under_way_or_ended_without_a_post_is_told_with_its_slot(
    settings: Settings, pool: Pool
) -> None:
    slot, gone_slot = AT + timedelta(hours=1), AT + timedelta(hours=2)
    planned, loose, gone = await new_job(pool), await new_job(pool), await new_job(pool)
    async with pool.acquire() as con, con.transaction():
        await planning.claim(con, Claim("news", slot, planned), AT, ())
        found = await approvals.request(
            con, planned, POST, "/v.mp4", AT, timedelta(hours=2), Rules()
        )
        job = await jobs.load(con, planned)
        await jobs.save(con, job.model_copy(update={"approval_id": found}))
        await jobs.set_status(con, planned, "waiting")
        await planning.claim(con, Claim("news", gone_slot, gone), AT, ())
        await jobs.set_status(con, gone, "failed", reason="no voice")

    counts = await count(pool, settings)

    ends = AT + timedelta(hours=2)
    assert counts.alive == (
        Underway(planned, "waiting", slot_at=slot, approval="pending", expires_at=ends),
        Underway(loose, "queued"),
    )
    assert (counts.taken, counts.unused) == ((slot,), (gone_slot,))
    ended = counts.last[0]
    assert ended == Ended(gone, "failed", ended.updated_at, "no voice", decided=False)
    async with pool.acquire() as con, con.transaction():
        assert await planning.give_up(con, "news", (slot, gone_slot)) == 1
    assert (await count(pool, settings)).unused == ()
