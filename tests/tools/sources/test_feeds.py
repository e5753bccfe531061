from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bookai.errors import Refused, TryLater
from bookai.models import FeedItem
from tests.peers.reading import tool_context
from tests.peers.web_server import Page, WebServer
from tools.base import ToolContext
from tools.net.gate import Gate
from tools.sources.intake.feeds import load_feed

FEEDS = Path(__file__).resolve().parents[2] / "data" / "feeds"
# A private collection of 156 feeds found in the wild; not part of the project.
WILD = Path(__file__).resolve().parents[4] / "shared" / "data" / "feeds"


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        for path in FEEDS.glob("*.xml"):
            server.pages[f"/{path.name}"] = Page(path.read_bytes(), "application/rss+xml")
        yield server


@pytest.fixture
def ctx(tmp_path: Path) -> ToolContext:
    return tool_context(tmp_path / "home", fetch=Gate(allow_private=("127.0.0.1",), timeout_s=5))


async def test_items_come_newest_first_with_points_and_without_markup(ctx: ToolContext) -> None:
    feed = await load_feed(ctx, str(FEEDS / "points.rss.xml"))

    assert feed.title == "Front page"
    assert feed.items == (
        FeedItem(
            title="Why small bridges sing in the wind",
            url="https://bridges.example/sing?utm_source=feed",
            summary="Points: 1,037",
            published_at=datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
            engagement=1037,
        ),
        FeedItem(
            title="A lighthouse keeper's log, read by a machine",
            url="https://harbour.example/log",
            summary="Comments: here Points: 420",
            published_at=datetime(2026, 11, 23, 20, 15, tzinfo=UTC),
            engagement=420,
        ),
        FeedItem(
            title="Undated tides", url="https://aggregator.example/tides", summary="No score yet"
        ),
    )


async def test_views_of_videos_are_their_engagement(ctx: ToolContext) -> None:
    feed = await load_feed(ctx, str(FEEDS / "views.atom.xml"))

    assert [(item.title, item.engagement) for item in feed.items] == [
        ("Sewing a delta 🪁", 977),
        ("Box kites in a gale", 48210),
    ]


async def test_an_old_rdf_feed_is_read_with_its_comments(ctx: ToolContext) -> None:
    feed = await load_feed(ctx, str(FEEDS / "old.rdf.xml"))

    assert [(item.title, item.engagement) for item in feed.items] == [("Crema, measured", 31)]


async def test_a_feed_over_the_network_resolves_its_links_there(
    ctx: ToolContext, web: WebServer
) -> None:
    feed = await load_feed(ctx, web.url("/points.rss.xml"))

    assert web.url("/tides") in [item.url for item in feed.items]
    assert feed.url == web.url("/points.rss.xml")


async def test_a_feed_leads_to_web_pages_only(ctx: ToolContext) -> None:
    feed = await load_feed(ctx, str(FEEDS / "points.rss.xml"))

    assert all(item.url.startswith("https://") for item in feed.items)


async def test_an_entity_bomb_stays_small_and_reads_no_file(ctx: ToolContext) -> None:
    try:
        feed = await load_feed(ctx, str(FEEDS / "bomb.xml"))
    except Refused:
        return

    assert len(feed.model_dump_json()) < 10_000
    assert "kaboom" not in feed.model_dump_json()


@pytest.mark.parametrize("path", ["/not-xml", "/nothing", "/picture", "/ok"])
async def test_what_is_no_feed_is_refused_by_its_address(
    ctx: ToolContext, web: WebServer, path: str
) -> None:
    with pytest.raises(Refused, match="is not a feed") as caught:
        await load_feed(ctx, web.url(path))

    assert web.url(path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "just text",
        "{}",
        "<html><body>no</body></html>",
    ],
)
async def test_a_file_that_is_no_feed_is_refused(
    ctx: ToolContext, tmp_path: Path, content: str
) -> None:
    source = tmp_path / "feed.xml"
    source.write_text(content)

    with pytest.raises(Refused):
        await load_feed(ctx, str(source))


async def test_a_file_whose_text_is_an_address_is_not_fetched(
    ctx: ToolContext, tmp_path: Path, web: WebServer
) -> None:
    source = tmp_path / "feed.xml"
    source.write_text(web.url("/points.rss.xml"))

    with pytest.raises(Refused, match="is not a feed"):
        await load_feed(ctx, str(source))

    assert web.seen == []


async def test_a_feed_without_items_is_an_empty_feed(ctx: ToolContext, tmp_path: Path) -> None:
    source = tmp_path / "feed.xml"
    source.write_text('<rss version="2.0"><channel><title>Quiet</title></channel></rss>')

    assert (await load_feed(ctx, str(source))).items == ()


async def test_two_hundred_items_are_enough(ctx: ToolContext, tmp_path: Path) -> None:
    items = "".join(
        f"<item><title>t{n}</title><link>https://x.example/{n}</link></item>" for n in range(300)
    )
    source = tmp_path / "feed.xml"
    source.write_text(f'<rss version="2.0"><channel>{items}</channel></rss>')

    assert len((await load_feed(ctx, str(source))).items) == 200


async def test_a_missing_feed_and_a_broken_server_are_told_apart(
    ctx: ToolContext, web: WebServer
) -> None:
    with pytest.raises(Refused, match="there is no page"):
        await load_feed(ctx, web.url("/404"))
    with pytest.raises(TryLater):
        await load_feed(ctx, web.url("/500"))


@pytest.mark.skipif(not WILD.is_dir(), reason="the collection of wild feeds is not on this machine")
async def test_every_wild_feed_is_read_or_refused(ctx: ToolContext) -> None:
    read = 0
    for path in WILD.rglob("*.xml"):
        try:
            feed = await load_feed(ctx, str(path))
        except Refused:
            continue
        read += 1
        assert all(item.title and item.url.startswith("http") for item in feed.items)

    assert read >= 150


async def test_half_a_character_in_a_title_is_a_refused_feed_and_no_defect(
    ctx: ToolContext, tmp_path: Path
) -> None:
    odd = tmp_path / "home" / "odd.xml"
    odd.parent.mkdir(exist_ok=True)
    item = "<item><title>a &#xD800;</title><link>https://x.example/1</link></item>"
    odd.write_text(f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>")

    with pytest.raises(Refused, match="cannot be read as a feed"):
        await load_feed(ctx, str(odd))
