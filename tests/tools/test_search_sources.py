from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import MadeVideo
from tests.peers.reading import NOW, tool_context
from tests.peers.web_server import WebServer
from tools.base import ToolContext
from tools.list_made import list_made
from tools.net.gate import Gate
from tools.search_sources import search_sources

FEEDS = Path(__file__).resolve().parents[1] / "data" / "feeds"
POINTS, VIEWS = str(FEEDS / "points.rss.xml"), str(FEEDS / "views.atom.xml")


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        yield server


def configured(home: Path, *sources: object) -> ToolContext:
    gate = Gate(allow_private=("127.0.0.1",), timeout_s=5)
    return tool_context(home, fetch=gate, config={"sources": list(sources)})


async def test_items_on_the_topic_are_found_across_feeds(tmp_path: Path) -> None:
    found = await search_sources(configured(tmp_path, POINTS, {"url": VIEWS}), "the lighthouses")

    assert [one.item.url for one in found.matches] == ["https://harbour.example/log"]
    assert (found.feeds, found.read, found.matches[0].feed) == (2, 5, "Front page")
    assert 0.6 <= (found.matches[0].match or 0) <= 1


async def test_letters_alone_are_no_match(tmp_path: Path) -> None:
    assert (await search_sources(configured(tmp_path, POINTS), "light")).matches == ()


async def test_one_word_of_many_is_no_match(tmp_path: Path) -> None:
    found = await search_sources(configured(tmp_path, VIEWS), "kites in ancient Chinese warfare")

    assert found.matches == ()


async def test_a_feed_that_cannot_be_read_is_named_and_the_others_are_searched(
    tmp_path: Path, web: WebServer
) -> None:
    ctx = configured(tmp_path, web.url("/404"), VIEWS)

    found = await search_sources(ctx, "box kites")

    assert [one.item.title for one in found.matches] == ["Box kites in a gale"]
    assert [(one.check, one.ok) for one in found.failed] == [(web.url("/404"), False)]
    assert "there is no page" in found.failed[0].detail


async def test_when_no_feed_can_be_read_the_kindest_error_counts(
    tmp_path: Path, web: WebServer
) -> None:
    with pytest.raises(Refused, match="none of the 1 configured feeds"):
        await search_sources(configured(tmp_path, web.url("/404")), "kites")
    with pytest.raises(TryLater) as caught:
        await search_sources(configured(tmp_path, web.url("/404"), web.url("/busy")), "kites")

    assert caught.value.after_s == 7


async def test_without_a_configured_feed_the_operator_is_told_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded) as caught:
        await search_sources(tool_context(tmp_path), "kites")

    assert "[[sources]]" in caught.value.mend


async def test_what_was_made_is_listed_up_to_the_limit(tmp_path: Path) -> None:
    made = [MadeVideo(title=f"v{n}", url="https://x.example", created_at=NOW) for n in range(3)]

    listed = await list_made(tool_context(tmp_path, made=made), "default", 2)

    assert listed.videos == tuple(made[:2])


async def test_one_feed_is_read_whole_or_searched_without_any_configured(tmp_path: Path) -> None:
    ctx = tool_context(tmp_path)

    whole = await search_sources(ctx, feed=VIEWS)
    kites = await search_sources(ctx, "box kites", feed=VIEWS)

    assert [(one.item.title, one.item.engagement, one.match) for one in whole.matches] == [
        ("Sewing a delta 🪁", 977, None),
        ("Box kites in a gale", 48210, None),
    ]
    assert (whole.topic, whole.read, kites.read) == (None, 2, 2)
    assert [one.item.title for one in kites.matches] == ["Box kites in a gale"]


async def test_neither_topic_nor_feed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Give one of them, or both"):
        await search_sources(tool_context(tmp_path))


async def test_one_feed_that_cannot_be_read_is_an_error(tmp_path: Path, web: WebServer) -> None:
    with pytest.raises(Refused, match="is not a feed"):
        await search_sources(configured(tmp_path), feed=web.url("/ok"))
