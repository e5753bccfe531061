from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import escape

import pytest

from agents.base import Channel, Context
from agents.trend_scout import AGENT
from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import MadeVideo, VideoJob
from tests.peers.reading import NOW, direct_tools, no_progress, tool_context
from tests.peers.web_server import Page, WebServer, article
from tools.net.gate import Gate

TITLES = ("Harbour trams return at night", "A comb on the wing of an owl", "Kites in a gale")
ENGLISH = (
    "The board decided on Friday that the line will open again in the first week of December.",
    "It was closed in 2011 because fewer than forty people used it on a normal night.",
)
GERMAN = (
    "Der Rat hat am Freitag beschlossen, dass die Linie im Dezember wieder geöffnet werden soll.",
    "Sie wurde geschlossen, weil nachts weniger als vierzig Menschen damit gefahren sind.",
)


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        yield server


def serve_feed(web: WebServer, rows: Sequence[tuple[str, str, float | None, int | None]]) -> str:
    """Serve a feed of (title, path, age in hours, points) and return its address."""
    items = ""
    for title, path, age_h, points in rows:
        at = "" if age_h is None else format_datetime(NOW - timedelta(hours=age_h))
        items += f"<item><title>{escape(title)}</title><link>{web.url(path)}</link>"
        items += f"<pubDate>{at}</pubDate>" if at else ""
        items += f"<description>Points: {points}</description>" if points is not None else ""
        items += "</item>"
        if path not in web.pages:
            web.pages[path] = Page(article(title, *ENGLISH))
    body = f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
    web.pages["/news"] = Page(body.encode(), "application/rss+xml")
    return web.url("/news")


async def scout(
    home: Path,
    source: str,
    *,
    made: Sequence[MadeVideo] = (),
    skipped: tuple[str, ...] = (),
    feeds: Sequence[str] = (),
) -> VideoJob:
    gate = Gate(allow_private=("127.0.0.1",), timeout_s=5)
    ctx = tool_context(home, fetch=gate, made=made, config={"sources": list(feeds)})
    job = VideoJob(job_id=1, source=source, requested_by="test", skipped=skipped)
    context = Context(
        ask=cast(Any, None),
        tools=direct_tools(ctx),
        channel=Channel(),
        now=NOW,
        progress=no_progress,
    )
    return await AGENT.run("scout", job, context)


def made_video(title: str, url: str = "https://x.example/1") -> MadeVideo:
    return MadeVideo(title=title, url=url, created_at=datetime(2026, 11, 20, tzinfo=UTC))


async def test_the_freshest_and_most_liked_item_is_chosen_with_reasons(
    tmp_path: Path, web: WebServer
) -> None:
    feed = serve_feed(
        web,
        [(TITLES[0], "/a", 70, 900), (TITLES[1], "/b", 3, 420), (TITLES[2], "/c", 3, 7)],
    )

    job = await scout(tmp_path, feed, made=[made_video("Something else entirely here")])

    assert job.trend is not None
    assert job.article is not None
    assert (job.trend.title, job.trend.url) == (TITLES[1], web.url("/b"))
    assert job.trend.considered == 3
    assert job.trend.reasons == (
        "published 3 h ago",
        "420 points or views, number 2 of 3",
        "nothing like it among the last 1 videos",
    )
    assert 0 < job.trend.score < 1
    assert job.article.url == web.url("/b")
    assert job.fallbacks == ()


async def test_what_was_made_already_is_left_out_and_said(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(title, f"/{n}", n, None) for n, title in enumerate(TITLES)])

    job = await scout(
        tmp_path,
        feed,
        made=[
            made_video("Harbour trams to return at night"),
            made_video("Another title", f"{web.url('/1')}/?utm_source=x"),
        ],
    )

    assert job.trend is not None
    assert job.trend.title == TITLES[2]
    assert "2 left out: made already or skipped" in job.trend.reasons


async def test_a_short_title_does_not_swallow_longer_ones(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [("Rain on Mars seen again", "/a", 1, None)])

    job = await scout(tmp_path, feed, made=[made_video("Mars")])

    assert job.trend is not None


async def test_a_skipped_item_is_not_chosen_again(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(TITLES[0], "/a", 1, None), (TITLES[1], "/b", 2, None)])

    job = await scout(tmp_path, feed, skipped=(web.url("/a"),))

    assert job.trend is not None
    assert job.trend.url == web.url("/b")


async def test_when_all_was_made_there_is_nothing_to_choose(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(TITLES[0], "/a", 1, None)])

    with pytest.raises(Refused, match="nothing new in the feed 'News'"):
        await scout(tmp_path, feed, made=[made_video(TITLES[0])])


async def test_an_item_without_a_date_is_neither_new_nor_old(
    tmp_path: Path, web: WebServer
) -> None:
    feed = serve_feed(
        web,
        [(TITLES[0], "/a", None, None), (TITLES[1], "/b", 1, None), (TITLES[2], "/c", 99, None)],
    )

    first = await scout(tmp_path, feed)
    second = await scout(tmp_path, feed, skipped=(web.url("/b"),))

    assert first.trend is not None
    assert first.trend.title == TITLES[1]
    assert second.trend is not None
    assert second.trend.reasons[0] == "its date is not known"


async def test_an_item_that_cannot_be_read_gives_way_to_the_next_with_the_reason(
    tmp_path: Path, web: WebServer
) -> None:
    web.pages["/german"] = Page(article("Linie", *GERMAN))
    feed = serve_feed(
        web,
        [(TITLES[0], "/404", 1, None), (TITLES[1], "/german", 2, None), (TITLES[2], "/c", 3, None)],
    )

    job = await scout(tmp_path, feed)

    assert job.trend is not None
    assert job.trend.title == TITLES[2]
    assert [(one.wanted, one.used) for one in job.fallbacks] == [
        (TITLES[0], TITLES[2]),
        (TITLES[1], TITLES[2]),
    ]
    assert "there is no page" in job.fallbacks[0].why
    assert "the channel speaks 'en'" in job.fallbacks[1].why


async def test_after_three_unreadable_items_the_job_is_refused_with_every_reason(
    tmp_path: Path, web: WebServer
) -> None:
    rows = [
        (TITLES[0], "/404", 1.0, None),
        (TITLES[1], "/gone", 2, None),
        (TITLES[2], "/nothing", 3, None),
    ]
    feed = serve_feed(web, rows)

    with pytest.raises(Refused) as caught:
        await scout(tmp_path, feed)

    assert all(title in str(caught.value) for title in TITLES)


async def test_a_server_that_is_busy_makes_the_job_wait(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(TITLES[0], "/busy", 1, None), (TITLES[1], "/404", 2, None)])

    with pytest.raises(TryLater) as caught:
        await scout(tmp_path, feed)

    assert caught.value.after_s == 7


async def test_one_article_is_taken_because_the_operator_chose_it(tmp_path: Path) -> None:
    source = tmp_path / "trams.txt"
    source.write_text("Night trams\n\n" + "\n\n".join(ENGLISH))

    job = await scout(tmp_path / "home", str(source))

    assert job.trend is not None
    assert job.article is not None
    assert (job.trend.title, job.trend.reasons, job.trend.considered) == (
        "Night trams",
        ("you chose it",),
        1,
    )
    assert job.trend.url == job.article.url


async def test_an_article_made_before_is_taken_and_the_reason_says_so(
    tmp_path: Path, web: WebServer
) -> None:
    web.pages["/a"] = Page(article(TITLES[0], *ENGLISH))

    job = await scout(tmp_path, web.url("/a"), made=[made_video("Trams", web.url("/a"))])

    assert job.trend is not None
    assert job.trend.reasons == ("you chose it", "made before, on 2026-11-20: 'Trams'")


@pytest.mark.parametrize("path", ["/feed.xml", "/rss/world", "/page"])
async def test_a_page_under_any_name_is_read_for_what_it_is(
    tmp_path: Path, web: WebServer, path: str
) -> None:
    web.pages[path] = Page(article(TITLES[0], *ENGLISH))

    job = await scout(tmp_path, web.url(path))

    assert job.article is not None
    assert job.article.title == TITLES[0]


async def test_a_topic_is_looked_for_in_every_feed(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(title, f"/{n}", 1, None) for n, title in enumerate(TITLES)])

    job = await scout(tmp_path, '"owl wings"', feeds=[feed, web.url("/404")])

    assert job.trend is not None
    assert job.trend.title == TITLES[1]
    assert job.trend.considered == 3
    assert job.trend.reasons[0].startswith("fits the topic by ")
    assert [(one.what, one.wanted, one.used) for one in job.fallbacks] == [
        ("feeds", "2 feeds", "1 feeds")
    ]


async def test_a_topic_with_a_slash_is_a_topic_when_there_is_no_such_file(
    tmp_path: Path, web: WebServer
) -> None:
    feed = serve_feed(web, [("AC/DC plays in the harbour tonight", "/a", 1, None)])

    job = await scout(tmp_path, "AC/DC", feeds=[feed])

    assert job.trend is not None


async def test_a_topic_nobody_writes_about_is_refused(tmp_path: Path, web: WebServer) -> None:
    feed = serve_feed(web, [(TITLES[0], "/a", 1, None)])

    with pytest.raises(Refused, match="nothing was found in the feeds on 'gravel'"):
        await scout(tmp_path, "gravel", feeds=[feed])


async def test_a_topic_without_feeds_needs_the_operator(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded):
        await scout(tmp_path, "gravel")


@pytest.mark.parametrize("source", ["x", "''", "a whole text " * 30])
async def test_what_is_too_short_or_long_for_a_topic_is_refused(
    tmp_path: Path, source: str
) -> None:
    with pytest.raises(Refused, match="a topic has 2 to 200 characters"):
        await scout(tmp_path, source)


@pytest.mark.parametrize("source", ["missing.txt", "/no/such/article", "./a", "feed.xml"])
async def test_a_missing_file_is_a_missing_file_and_no_topic(tmp_path: Path, source: str) -> None:
    with pytest.raises(Refused, match="there is no file"):
        await scout(tmp_path, source)


async def test_a_private_address_is_refused_through_the_scout_too(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the studio does not fetch those"):
        await scout(tmp_path, "http://10.0.0.5/feed")
