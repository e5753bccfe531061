from datetime import UTC, datetime
from typing import Any

import pytest

from bookai.errors import ToolFailed
from bookai.models import Publication, Report
from tests.peers.tickets import ticket
from tools.platforms.base import Files
from tools.platforms.gallery import PLATFORM
from tools.read_stats import TOOL, read_stats


@pytest.fixture
async def publication(made: Any, lend: Any) -> Publication:
    files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
    sent = await PLATFORM.send(made.post, files, ticket(), lend())
    return Publication(
        post_id=1,
        platform="gallery",
        url=sent.url,
        external_id=sent.external_id,
        published_at=datetime.now(UTC),
    )


async def test_the_gallery_says_that_it_counts_nothing(lend: Any, publication: Publication) -> None:
    report = await read_stats(lend(), 7, publication)

    assert report == Report(
        views=None, note="the page and its video are there; the local gallery counts no views"
    )


async def test_a_vanished_page_is_named(lend: Any, publication: Publication) -> None:
    ctx = lend()
    page = ctx.gallery_dir / "v" / publication.external_id / "index.html"
    page.unlink()

    with pytest.raises(ToolFailed, match=str(page)):
        await read_stats(ctx, 7, publication)


async def test_a_platform_that_is_gone_is_named(lend: Any, publication: Publication) -> None:
    with pytest.raises(ToolFailed, match="'tube' is not installed"):
        await read_stats(lend(), 7, publication.model_copy(update={"platform": "tube"}))


def test_it_only_reads() -> None:
    assert TOOL.read_only
