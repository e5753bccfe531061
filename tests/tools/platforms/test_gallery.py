import asyncio
import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Post, Publication
from tests.peers.tickets import ticket
from tools.base import ToolContext
from tools.platforms.base import Files, NotSent, Sent
from tools.platforms.gallery import Gallery
from tools.site import store

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
GALLERY = Gallery(lambda: NOW)


def files_of(made: Any) -> Files:
    return Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)


async def publish(made: Any, ctx: ToolContext, post: Post | None = None, key: str = "k1") -> Sent:
    return await GALLERY.send(post or made.post, files_of(made), ticket(key), ctx)


def receipt(sent: Sent) -> Publication:
    return Publication(
        post_id=1,
        platform="gallery",
        url=sent.url,
        external_id=sent.external_id,
        published_at=NOW,
    )


async def test_a_post_becomes_a_page_an_index_and_a_feed(made: Any, lend: Any) -> None:
    ctx = lend()

    sent = await publish(made, ctx)

    folder = ctx.gallery_dir / "v" / sent.external_id
    assert sent.external_id.startswith("clocks-that-agree-")
    assert sent.url == (folder / "index.html").as_uri()
    assert {path.name for path in folder.iterdir()} == {
        *("index.html", "video.mp4", "thumb.jpg", "captions.vtt", "post.json")
    }
    assert (folder / "video.mp4").read_bytes() == made.video.read_bytes()
    assert {path.name for path in ctx.gallery_dir.iterdir()} == {
        *("index.html", "feed.xml", "style.css", "v", ".gallery.lock")
    }
    kept = json.loads((folder / "post.json").read_text())
    assert (kept["key"], kept["digest"]) == ("k1", made.post.digest())
    assert sent.external_id in (ctx.gallery_dir / "index.html").read_text()


async def test_publishing_twice_makes_one_page(made: Any, lend: Any) -> None:
    ctx = lend()

    first = await publish(made, ctx)
    second = await publish(made, ctx)

    assert first == second
    assert len(list((ctx.gallery_dir / "v").iterdir())) == 1


async def test_a_published_post_is_found_by_its_key_and_the_index_mended(
    made: Any, lend: Any
) -> None:
    ctx = lend()
    sent = await publish(made, ctx)
    (ctx.gallery_dir / "index.html").unlink()

    assert await GALLERY.find(made.post, ticket("k1"), ctx) == sent
    assert await GALLERY.find(made.post, ticket("another"), ctx) is None
    assert sent.external_id in (ctx.gallery_dir / "index.html").read_text()


async def test_what_a_crash_left_half_written_is_not_listed_and_is_replaced(
    made: Any, lend: Any
) -> None:
    ctx = lend()
    sent = await publish(made, ctx)
    folder = ctx.gallery_dir / "v" / sent.external_id
    (folder / "post.json").write_text('{"key": "k1"')
    assert await GALLERY.find(made.post, ticket("k1"), ctx) is None

    assert await publish(made, ctx) == sent

    assert [entry.key for entry in store.entries(ctx.gallery_dir)] == ["k1"]


async def test_bytes_that_change_on_the_way_are_not_published(made: Any, lend: Any) -> None:
    ctx = lend()
    made.captions.write_bytes(b"WEBVTT\n\nsomething else")

    with pytest.raises(NotSent) as caught:
        await publish(made, ctx)

    assert isinstance(caught.value.cause, Refused)
    assert not list((ctx.gallery_dir).glob("**/video.mp4"))


async def test_two_publishers_at_once_lose_neither_page(made: Any, lend: Any) -> None:
    ctx = lend()

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(publish(made, ctx, key=f"k{number}"))

    feed = feedparser.parse((ctx.gallery_dir / "feed.xml").read_bytes())
    assert len(feed.entries) == len(store.entries(ctx.gallery_dir)) == 6


async def test_what_a_killed_publisher_left_half_made_is_gone_at_the_next_look(
    made: Any, lend: Any
) -> None:
    ctx = lend()
    left = ctx.gallery_dir / ".new-of-another-job-that-never-comes-back"
    left.mkdir(parents=True)
    (left / "video.mp4").write_bytes(b"half a film")

    with store.locked(ctx.gallery_dir):
        pass

    assert not left.exists()


def test_a_publisher_that_never_ends_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with (
        store.locked(tmp_path),
        pytest.raises(TryLater, match="another publisher"),
        store.locked(tmp_path, wait_s=0),
    ):
        pytest.fail("there are two in the gallery")


async def test_a_full_disk_is_certainly_not_sent_and_leaves_nothing(
    made: Any, lend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = lend()

    with full_disk(monkeypatch), pytest.raises(NotSent) as caught:
        await publish(made, ctx)

    assert isinstance(caught.value.cause, OperatorNeeded)
    assert "no space left" in str(caught.value.cause)
    assert "Free some space" in caught.value.cause.mend
    assert not list(ctx.gallery_dir.glob("**/*.mp4"))
    await publish(made, ctx)
    assert len(store.entries(ctx.gallery_dir)) == 1


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        yield


async def test_an_index_that_cannot_be_written_leaves_the_outcome_open(
    made: Any, lend: Any
) -> None:
    ctx = lend()
    (ctx.gallery_dir / "index.html").mkdir(parents=True)

    with pytest.raises(OperatorNeeded, match="the page is out"):
        await publish(made, ctx)

    (ctx.gallery_dir / "index.html").rmdir()
    assert await GALLERY.find(made.post, ticket("k1"), ctx) is not None


async def test_the_feed_has_the_media_and_its_order_is_newest_first(made: Any, lend: Any) -> None:
    ctx = lend(config={"gallery": {"name": "Clocks & Co", "base_url": "https://v.example/"}})
    older = Gallery(lambda: NOW - timedelta(days=1))
    await older.send(made.saying(title="Older"), files_of(made), ticket("k0"), ctx)
    sent = await publish(made, ctx, made.with_offer())

    raw = (ctx.gallery_dir / "feed.xml").read_bytes()
    feed = feedparser.parse(raw)

    assert not feed.bozo
    assert feed.feed.title == "Clocks & Co"
    first, second = feed.entries
    here = f"https://v.example/v/{sent.external_id}/"
    assert sent.url == first.link == f"{here}index.html"
    assert (first.title, second.title) == ("Clocks that agree", "Older")
    assert first.published_parsed[:5] == (2026, 11, 24, 9, 30)
    [media] = first.media_content
    assert media["url"] == f"{here}video.mp4"
    assert (media["medium"], media["type"], media["duration"]) == ("video", "video/mp4", "2")
    assert int(media["filesize"]) == made.video.stat().st_size
    assert first.media_thumbnail[0]["url"] == f"{here}thumb.jpg"
    assert first.enclosures[0]["href"] == f"{here}video.mp4"
    assert first.description.startswith(made.with_offer().disclosure)
    assert etree.fromstring(raw).find(".//{http://www.w3.org/2005/Atom}link") is not None


async def test_without_an_address_the_feed_links_beside_itself(made: Any, lend: Any) -> None:
    ctx = lend()

    sent = await publish(made, ctx)

    root = etree.parse(str(ctx.gallery_dir / "feed.xml")).getroot()
    assert root.findtext(".//item/link") == f"v/{sent.external_id}/index.html"


async def test_a_wrong_setting_is_named(made: Any, lend: Any) -> None:
    with pytest.raises(NotSent, match=r"\[plugins.gallery\]: base_url"):
        await publish(made, lend(config={"gallery": {"base_url": "ftp://x/"}}))


async def test_a_report_proves_that_the_very_video_is_still_there(made: Any, lend: Any) -> None:
    ctx = lend()

    report = await GALLERY.report(receipt(await publish(made, ctx)), ctx)

    assert report.views is None
    assert "counts no views" in report.note


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "video.mp4").write_bytes(b"other"), "another video"),
        (lambda folder: (folder / "video.mp4").unlink(), "not there any more"),
        (lambda folder: (folder / "index.html").unlink(), "not there any more"),
        (lambda folder: (folder / "post.json").write_text("{}"), "damaged"),
    ],
)
async def test_a_vanished_or_changed_page_is_named(
    spoil: Callable[[Path], object], said: str, made: Any, lend: Any
) -> None:
    ctx = lend()
    sent = await publish(made, ctx)
    spoil(ctx.gallery_dir / "v" / sent.external_id)

    with pytest.raises(ToolFailed, match=rf"{sent.external_id}.*{said}"):
        await GALLERY.report(receipt(sent), ctx)


async def test_a_receipt_does_not_lead_out_of_the_gallery(made: Any, lend: Any) -> None:
    ctx = lend()
    sent = await publish(made, ctx)
    stray = receipt(Sent(external_id=f"../../work/../gallery/v/../{sent.external_id}x", url="x"))

    with pytest.raises(ToolFailed, match="not there"):
        await GALLERY.report(stray, ctx)
