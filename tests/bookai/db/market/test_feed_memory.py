"""Feeds over time: read by one at a time, remembered item by item, forgotten when long gone."""

import asyncio
from datetime import UTC, datetime, timedelta

from bookai.db.market import trends
from bookai.db.pool import Pool
from bookai.market import FeedState
from bookai.models import Feed, FeedItem

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "https://feeds.example/rss"
EARLY = NOW - timedelta(days=30)


def feed(*items: FeedItem) -> Feed:
    return Feed(title="News", url=URL, items=items)


def shown(n: int, engagement: int | None = None, title: str = "Kites") -> FeedItem:
    return FeedItem(title=title, url=f"https://a.example/{n}", engagement=engagement)


async def test_of_many_processes_one_reads_a_feed_and_only_when_it_is_due(pool: Pool) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(trends.claim(pool, {URL: 600}, NOW)) for _ in range(8)]

    assert sorted(task.result() for task in asked) == [(), (), (), (), (), (), (), (URL,)]
    assert await trends.claim(pool, {URL: 600}, NOW + timedelta(seconds=599)) == ()
    assert await trends.claim(pool, {URL: 600}, NOW + timedelta(seconds=600)) == (URL,)


async def test_an_item_is_one_item_however_often_it_is_shown(pool: Pool) -> None:
    await trends.claim(pool, {URL: 600}, NOW)
    await trends.note(pool, URL, feed(shown(1, 10), shown(1, 10)), NOW)
    later = NOW + timedelta(hours=2)
    await trends.note(pool, URL, feed(shown(1, 70, "Kites, corrected"), shown(2)), later)

    items = {one.url: one for one in await trends.seen_since(pool, [URL], EARLY, EARLY)}

    grown, new = items["https://a.example/1"], items["https://a.example/2"]
    assert (grown.title, grown.feed, grown.dated) == ("Kites, corrected", "News", False)
    assert (grown.then, grown.then_at, grown.engagement, grown.engagement_at) == (
        *(10, NOW),
        *(70, later),
    )
    assert (grown.appeared_at, new.appeared_at, new.engagement) == (NOW, later, None)


async def test_a_date_yet_to_come_counts_as_when_it_was_seen(pool: Pool) -> None:
    await trends.claim(pool, {URL: 600}, NOW)
    ahead = shown(1).model_copy(update={"published_at": NOW + timedelta(days=9)})
    await trends.note(pool, URL, feed(ahead), NOW)

    [one] = await trends.seen_since(pool, [URL], EARLY, EARLY)

    assert one.appeared_at == NOW


async def test_marks_close_together_are_one(pool: Pool) -> None:
    await trends.claim(pool, {URL: 600}, NOW)
    for minute in (0, 1, 2):
        await trends.note(pool, URL, feed(shown(1, minute)), NOW + timedelta(minutes=minute))

    assert await pool.fetchval("SELECT count(*) FROM trend_marks") == 1


async def test_a_feed_that_fails_keeps_what_it_showed_and_tells_no_secret(pool: Pool) -> None:
    secret = "https://ann:hunter2@feeds.example/rss?key=hunter2"
    await trends.claim(pool, {secret: 600}, NOW)
    await trends.note(pool, secret, feed(shown(1)), NOW)
    await trends.note_failure(pool, secret, f"{secret} does not answer")

    [state] = await trends.feed_states(pool, [secret])

    assert state == FeedState(
        feed="News",
        read_at=NOW,
        watched_since=NOW,
        error="https://feeds.example/rss?… does not answer",
    )
    assert len(await trends.seen_since(pool, [secret], EARLY, EARLY)) == 1


async def test_a_feed_that_was_never_read_is_known_as_such(pool: Pool) -> None:
    assert await trends.feed_states(pool, [URL]) == (FeedState(feed=URL),)


async def test_only_the_feeds_asked_for_are_told(pool: Pool) -> None:
    other = "https://other.example/rss"
    await trends.claim(pool, {URL: 600, other: 600}, NOW)
    await trends.note(pool, other, feed(shown(1)), NOW)

    assert await trends.seen_since(pool, [URL], EARLY, EARLY) == ()


async def test_what_postgres_cannot_keep_is_made_fit(pool: Pool) -> None:
    odd = (
        FeedItem(title="a\0b", url="https://a.example/\ud800"),
        FeedItem(title="x" * 9000, url="https://a.example/2", summary="y" * 9000),
        FeedItem(title="many", url="https://a.example/3", engagement=10**30),
        FeedItem(title="negative", url="https://a.example/4", engagement=-5),
        FeedItem(title="too long", url="https://a.example/" + "z" * 2000),
    )
    await trends.claim(pool, {URL: 600}, NOW)
    await trends.note(pool, URL, feed(*odd), NOW)

    assert len(await trends.seen_since(pool, [URL], EARLY, EARLY)) == 4


async def test_what_no_feed_shows_any_more_is_forgotten_in_the_end(pool: Pool) -> None:
    await trends.claim(pool, {URL: 600}, NOW)
    await trends.note(pool, URL, feed(shown(1, 4)), NOW)
    await trends.note(pool, URL, feed(shown(2, 4)), NOW + timedelta(days=40))

    await trends.forget_old(pool, NOW + timedelta(days=50))

    assert [one.url for one in await trends.seen_since(pool, [URL], EARLY, EARLY)] == [
        "https://a.example/2"
    ]
    assert await pool.fetchval("SELECT count(*) FROM trend_marks") == 0
