"""The planner's tick against the database: slots, jobs and what frees them again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import audit, jobs
from bookai.db.pool import Pool
from bookai.models import Feed, FeedItem
from bookai.settings import Settings
from studio.office import Office, open_office
from studio.planning.tick import plan_channel

BY = "operator:anna"
SUBJECTS = (
    ("Lighthouse keepers find a sunken bell", "sea"),
    ("A glacier moved eleven metres overnight", "ice"),
    ("Bakers of Lyon bring back an old flour", "bread"),
    ("The last steam tram runs until March", "tram"),
    ("How owls hear a mouse under the snow", "owl"),
    ("Why bridges hum in a north wind", "wind"),
    ("Two students map every fountain of Rome", "map"),
    ("Salt batteries leave the laboratory", "salt"),
)
Change = Callable[..., Settings]


@pytest.fixture
def at() -> datetime:
    """The real hour: whatever the database itself writes is of today."""
    return datetime.now(UTC)


def hourly(at: datetime, count: int) -> tuple[str, ...]:
    """Return so many times of day, the first within the next hour."""
    first = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return tuple(f"{first + timedelta(hours=n):%H:%M}" for n in range(count))


def with_channel(settings: Settings, at: datetime, **changes: object) -> Settings:
    cadence = {
        "times": hourly(at, 4),
        "lead_hours": 4.5,
        "approvals_per_day": 100,
        **changes,
    }
    return Settings.model_validate(
        settings.model_dump()
        | {
            "channels": {"news": {"cadence": cadence}, "other": {}},
            "sources": [
                {"url": "https://feeds.example/a", "channel": "news", "niche": "sea"},
                {"url": "https://feeds.example/b", "channel": "news", "niche": "land"},
            ],
        }
    )


async def read_feeds(office: Office, at: datetime) -> None:
    """Let both feeds have shown half of the stories each."""
    halves = (SUBJECTS[:4], SUBJECTS[4:])
    await office.desk.claim_feeds({f"https://feeds.example/{name}": 60 for name in "ab"})
    for name, half in zip("ab", halves, strict=True):
        url = f"https://feeds.example/{name}"
        items = tuple(
            FeedItem(title=title, url=f"https://site.example/{page}", published_at=at)
            for title, page in half
        )
        await office.desk.note_feed(url, Feed(title=name, url=url, items=items))


async def slots(pool: Pool) -> list[tuple[datetime, int]]:
    rows = await pool.fetch("SELECT slot_at, job_id FROM publish_slots ORDER BY slot_at")
    return [(row["slot_at"], row["job_id"]) for row in rows]


async def test_each_free_slot_gets_one_video_of_a_story_of_its_own(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    async with open_office(with_channel(settings, at)) as office:
        await read_feeds(office, at)
        await office.desk.set_pause(True, None, "stop", BY)
        held = await plan_channel(office, "news", at)
        await office.desk.set_pause(False, None, "go", BY)

        first = await plan_channel(office, "news", at)
        again = await plan_channel(office, "news", at)

    assert held == f"0 of 4: the studio is paused by {BY}: stop"
    assert first == "started 4 of 4: each free slot gets its video"
    assert again.startswith("0 of 0: ")
    taken = await slots(pool)
    assert len({slot for slot, _ in taken}) == 4
    made = [await jobs.get(pool, job_id) for _, job_id in taken]
    assert {one.status for one in made} == {"queued"}
    pages = [one.source.rpartition("/")[2] for one in made]
    sea = {page for _, page in SUBJECTS[:4]}
    assert [page in sea for page in pages] in ([True, False] * 2, [False, True] * 2)
    assert len(set(pages)) == 4
    (event,) = await audit.search(pool, kind="slot.claimed", job_id=taken[0][1])
    assert "of 4 stories in" in event.body
    waiting = await pool.fetchval("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
    assert waiting == 4


async def test_planners_at_once_never_claim_a_slot_twice_or_pass_a_cap(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    async with open_office(with_channel(settings, at, waiting=3)) as office:
        await read_feeds(office, at)

        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(plan_channel(office, "news", at))

    taken = await slots(pool)
    assert len(taken) == 3
    assert await pool.fetchval("SELECT count(*) FROM video_jobs") == 3


async def test_a_slot_whose_job_came_to_nothing_is_given_to_another_story(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    async with open_office(with_channel(settings, at)) as office:
        await read_feeds(office, at)
        await plan_channel(office, "news", at)
        before = await slots(pool)
        gone = before[1][1]
        await office.desk.cancel_job(gone, "not this one", BY)

        told = await plan_channel(office, "news", at)

    assert "1 unused slots freed" in told
    after = await slots(pool)
    assert [slot for slot, _ in after] == [slot for slot, _ in before]
    assert gone not in {job_id for _, job_id in after}
    sources = await pool.fetch("SELECT source FROM video_jobs")
    assert len({row["source"] for row in sources}) == len(sources) == 5


async def test_a_channel_whose_stories_are_all_told_starts_nothing(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    async with open_office(with_channel(settings, at)) as office:
        await read_feeds(office, at)
        for page in SUBJECTS[1:]:
            await office.desk.create_job(f"http://www.site.example/{page[1]}/", "news", BY)
        configured = with_channel(settings, at, waiting=100)

        told = await plan_channel(office, "news", at, configured)

    assert told == "started 1 of 4: 1 stories of its 2 sources are left to tell"
    assert len(await slots(pool)) == 1


async def test_while_no_feed_was_read_the_scout_chooses(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    async with open_office(with_channel(settings, at)) as office:
        await plan_channel(office, "news", at)

    sources = [row["source"] for row in await pool.fetch("SELECT source FROM video_jobs")]
    assert sorted(sources) == ["https://feeds.example/a", "https://feeds.example/b"]


async def test_without_times_a_channel_goes_by_its_sources_as_before(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    configured = with_channel(settings, at, times=())
    async with open_office(configured) as office:
        first = await plan_channel(office, "news", at)
        again = await plan_channel(office, "news", at)

    assert (first[:9], again[:9]) == ("started 2", "started 0")
    assert await slots(pool) == []


async def test_what_was_not_approved_in_time_takes_the_next_slot_before_anything_new(
    settings: Settings, pool: Pool, at: datetime
) -> None:
    configured = with_channel(settings, at, times=hourly(at, 2), lead_hours=24.0)
    async with open_office(configured) as office:
        await read_feeds(office, at)
        await plan_channel(office, "news", at)
        (first, late), _ = await slots(pool)

        told = await plan_channel(office, "news", first + timedelta(minutes=1))

    assert "1 that were late got a later slot" in told
    assert (first + timedelta(days=1), late) in await slots(pool)


@pytest.mark.parametrize(
    ("part", "limit", "why"),
    [
        ("cadence", {"posts_per_day": 1}, "at most 1 posts a day"),
        ("cadence", {"waiting": 1}, "at most 1 may wait"),
        ("cadence", {"approvals_per_day": 1}, "operators decide 1 a day"),
        ("budget", {"videos_per_day": 1}, "at most 1 videos a day"),
        ("budget", {"cents_per_day": 1}, "cents are spent today"),
    ],
)
async def test_without_times_every_limit_still_holds(
    settings: Settings, pool: Pool, at: datetime, part: str, limit: dict[str, int], why: str
) -> None:
    configured = with_channel(settings, at, times=())
    values = configured.model_dump()
    values["channels"]["news"][part] |= limit
    configured = Settings.model_validate(values)
    async with open_office(configured) as office:
        first = await plan_channel(office, "news", at)
        again = await plan_channel(office, "news", at)

    assert first.startswith("started 1 of 2")
    assert why in first
    assert again.startswith("started 0 of 2")
    assert await pool.fetchval("SELECT count(*) FROM video_jobs") == 1
