"""What rises: stories across feeds, explained scores, and silence where nothing is known."""

import random
import time
from datetime import UTC, datetime, timedelta

from bookai.market import FeedState, SeenItem, Watched
from tools.market.rising import rank
from tools.market.stories import group, publisher

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=20)


def item(
    title: str,
    url: str = "https://a.example/1",
    *,
    feed: str = "News",
    age_h: float = 5,
    per_hour: float | None = None,
    dated: bool = True,
) -> SeenItem:
    seen = SeenItem(
        url=url,
        title=title,
        summary="",
        feed=feed,
        dated=dated,
        appeared_at=NOW - timedelta(hours=age_h),
    )
    if per_hour is None:
        return seen
    grown = {
        "then": 10,
        "then_at": NOW - timedelta(hours=2),
        "engagement": 10 + int(2 * per_hour),
        "engagement_at": NOW,
    }
    return seen.model_copy(update=grown)


def watched(
    *items: SeenItem, since: datetime | None = LONG_AGO, error: str | None = None
) -> Watched:
    state = FeedState(feed="News", read_at=NOW if since else None, watched_since=since, error=error)
    return Watched(now=NOW, feeds=(state,), items=items)


def test_a_story_told_by_three_publishers_comes_before_one_told_by_one() -> None:
    found = rank(
        watched(
            item("Tax allowance rises for savers", "https://www.one.example/a", feed="One"),
            item("Savers: tax allowance rises again", "https://two.example/b", feed="Two"),
            item("The tax allowance rises for all savers", "https://three.example/c", feed="Three"),
            item("A new bank opens in the harbour", "https://one.example/d", feed="One"),
        ),
        None,
        72,
        10,
    )

    assert [(one.publishers, len(one.sources)) for one in found.trends] == [(3, 3), (1, 1)]
    assert "3 independent publishers in 3 feeds" in found.trends[0].reasons[0]
    assert "one publisher only: one.example" in found.trends[1].reasons[0]


def test_two_feeds_of_one_house_are_one_publisher() -> None:
    found = rank(
        watched(
            item("Tax allowance rises for savers", "https://money.one.example/a", feed="Money"),
            item("Tax allowance rises for savers", "https://news.one.example/a", feed="News"),
        ),
        None,
        72,
        10,
    )

    assert [one.publishers for one in found.trends] == [1]


def test_a_publisher_is_known_by_its_domain() -> None:
    told = [
        publisher(url)
        for url in (
            "https://www.one.example/a",
            "https://blog.one.example/",
            "https://news.bbc.co.uk/x",
            "https://10.0.0.1/",
            "notes.txt",
        )
    ]

    assert told == ["one.example", "one.example", "bbc.co.uk", "0.1", "notes.txt"]


def test_stories_that_share_common_words_only_stay_apart() -> None:
    stories = group(
        [
            item("Bank cuts its mortgage rates", "https://a.example/1"),
            item("Mortgage rates and you: a guide to bank fees", "https://b.example/1"),
            item("A short history of the spoon", "https://c.example/1"),
        ]
    )

    assert len(stories) == 3


def test_growth_is_a_place_among_what_the_same_feed_shows() -> None:
    fast, slow = item("Fast", "https://a.example/f", per_hour=90), item("Slow", per_hour=1)
    between = item("Steady", "https://a.example/s", per_hour=5)

    found = rank(watched(slow, between, fast), None, 72, 10)

    assert [one.title for one in found.trends] == ["Fast", "Steady", "Slow"]
    assert found.trends[0].reasons[1] == (
        "+90.0 an hour, number 1 of 3 in 'News' (1.00, weight 0.35)"
    )


def test_a_growth_that_nobody_saw_is_not_made_up() -> None:
    once = item("Seen once", per_hour=50).model_copy(update={"then_at": NOW})

    [trend] = rank(watched(once), None, 72, 10).trends

    assert trend.reasons[1] == "growth not known: no feed tells points or views at two moments"


def test_a_growth_without_peers_is_not_compared() -> None:
    [trend] = rank(watched(item("Alone", per_hour=50)), None, 72, 10).trends

    assert "growth not comparable: only 1 items of 'News' have one" in trend.reasons


def test_only_the_topic_and_only_the_asked_hours_count() -> None:
    found = rank(
        watched(
            item("Kites in a gale"),
            item("Old kites", "https://a.example/2", age_h=80),
            item("Bridges", "https://a.example/3"),
        ),
        "kite",
        72,
        10,
    )

    assert [one.title for one in found.trends] == ["Kites in a gale"]
    assert (found.considered, found.left_out) == (1, 0)


def test_nothing_on_the_topic_is_said_and_not_filled() -> None:
    found = rank(watched(item("Bridges")), "kites", 24, 10)

    assert found.trends == ()
    assert found.note == "Nothing on 'kites' appeared in the feeds within 24 h."


def test_feeds_that_were_never_read_are_said_to_be_unknown() -> None:
    found = rank(watched(since=None, error="the host is away"), "kites", 24, 10)

    assert "nothing is known" in found.note
    assert "1 of 1 feeds could not be read last time." in found.note
    assert found.pace == "not known: no feed was read yet"


def test_a_pace_compares_the_last_day_with_those_before() -> None:
    today = [item(f"Kites {n}", f"https://a.example/{n}", age_h=3) for n in range(6)]
    before = [item(f"Kite {n}", f"https://b.example/{n}", age_h=30 + 20 * n) for n in range(7)]
    undated = item("Kites undated", "https://c.example/", dated=False)

    found = rank(watched(*today, *before, undated), "kites", 72, 3)

    assert found.pace == "6 items in the last 24 h, 1.0 a day in the 7 days before (n = 13)"
    assert len(found.trends) == 3


def test_a_pace_needs_days_to_compare_with() -> None:
    found = rank(watched(item("Kites"), since=NOW - timedelta(days=2)), "kites", 72, 3)

    assert found.pace == "not known yet: watched for 2.0 days, 4 are needed"


def test_five_thousand_items_are_ranked_within_the_time_of_a_call() -> None:
    rng = random.Random(5)
    vocabulary = [f"word{n}" for n in range(3000)]
    items = [
        item(
            " ".join(rng.choices(vocabulary, k=9)),
            f"https://site{n % 200}.example/{n}",
            feed=f"feed {n % 40}",
            age_h=rng.uniform(0, 190),
            per_hour=rng.uniform(0, 9),
        )
        for n in range(5000)
    ]

    begun = time.process_time()
    found = rank(watched(*items), None, 190, 10)

    assert len(found.trends) == 10
    assert time.process_time() - begun < 2
