import asyncio
import json
from typing import Any

import asyncpg
import pytest

from bookai.db import audit, jobs, outbox
from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import Flags, Post, Publication
from studio.engine import Inline
from studio.posts import PostDesk
from tests.peers.approving import approve
from tests.peers.crashing import Killed
from tools.base import ToolContext
from tools.publish_video import TOOL, publish_video
from tools.site import store


class OutboxDesk(PostDesk):
    """The desk's outbox on the real tables; it may die once, before it writes a receipt."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool, Inline(pool))
        for name, value in (("dies", False), ("has_expired", False), ("before_send", None)):
            object.__setattr__(self, name, value)

    dies: bool
    has_expired: bool

    async def check_approved(self, job_id: int, digest: str) -> None:
        if self.has_expired:
            raise Refused(f"the approval of job {job_id} expired")

    async def mark_posted(
        self, post_id: int, external_id: str, url: str, attempt: int | None = None
    ) -> Publication:
        if self.dies:
            self.set(dies=False)
            raise Killed
        return await super().mark_posted(post_id, external_id, url, attempt)

    def set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@pytest.fixture
async def desk(pool: asyncpg.Pool, made: Any) -> OutboxDesk:
    async with pool.acquire() as con, con.transaction():
        for _ in range(7):
            await jobs.create(con, "a.md", "default", "operator:ann")
    await approve(pool, 7, made.post)
    return OutboxDesk(pool)


async def publish(
    made: Any, ctx: ToolContext, post: Post | None = None, **paths: str
) -> Publication:
    wanted = {
        "video_path": str(made.video),
        "thumbnail_path": str(made.thumbnail),
        "captions_path": str(made.captions),
        **paths,
    }
    return await publish_video(ctx, 7, post or made.post, **wanted)


def pages(ctx: ToolContext) -> list[str]:
    return [entry.folder for entry in store.entries(ctx.gallery_dir)]


async def silence(desk: OutboxDesk) -> None:
    """Let the time pass after which a sender that says nothing counts as dead."""
    await desk.pool.execute("UPDATE social_posts SET lease_until = now() WHERE state = 'sending'")


async def reasons(desk: OutboxDesk) -> list[str]:
    events = await audit.search(desk.pool, kind="post.failed")
    return [json.loads(event.body)["reason"] for event in reversed(events)]


async def states(desk: OutboxDesk) -> list[tuple[str, int]]:
    return [(row.state, row.attempt) for row in await outbox.list_(desk.pool)]


async def test_an_approved_video_is_published_and_its_receipt_returned(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)

    receipt = await publish(made, ctx)

    assert (receipt.platform, [receipt.external_id]) == ("gallery", pages(ctx))
    assert await states(desk) == [("posted", 1)]


async def test_publishing_again_returns_the_first_receipt(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)

    first = await publish(made, ctx)
    second = await publish(made, ctx)

    assert first == second
    assert len(pages(ctx)) == 1


async def test_a_crash_before_the_receipt_is_found_and_not_sent_again(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    desk.set(dies=True)
    with pytest.raises(Killed):
        await publish(made, ctx)
    assert await states(desk) == [("sending", 1)]
    await silence(desk)
    [page] = pages(ctx)
    written_at = (ctx.gallery_dir / "v" / page / "index.html").stat().st_mtime_ns

    receipt = await publish(made, ctx)

    assert [receipt.external_id] == pages(ctx) == [page]
    assert (ctx.gallery_dir / "v" / page / "index.html").stat().st_mtime_ns == written_at
    assert await states(desk) == [("posted", 1)]


async def test_a_crash_before_the_page_is_sent_once_more(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    armed = await desk.arm_post(7, made.post)
    await desk.mark_sending(armed.post_id, armed.attempt, "a process that died")
    await silence(desk)

    receipt = await publish(made, ctx)

    assert [receipt.external_id] == pages(ctx)
    assert await states(desk) == [("posted", 2)]
    assert await reasons(desk) == ["gallery knows nothing of it"]


async def test_an_expired_approval_allows_the_receipt_but_no_new_send(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    desk.set(dies=True)
    with pytest.raises(Killed):
        await publish(made, ctx)
    await silence(desk)
    desk.set(has_expired=True)

    receipt = await publish(made, ctx)

    assert [receipt.external_id] == pages(ctx)
    assert await states(desk) == [("posted", 1)]


async def test_an_expired_approval_sends_nothing_that_was_not_out(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    armed = await desk.arm_post(7, made.post)
    await desk.mark_sending(armed.post_id, armed.attempt, "a process that died")
    await silence(desk)
    desk.set(has_expired=True)

    with pytest.raises(Refused, match="expired"):
        await publish(made, ctx)

    assert pages(ctx) == []
    assert await states(desk) == [("failed", 1)]


async def test_what_certainly_did_not_go_out_may_be_tried_again(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    ctx.gallery_dir.write_text("a file where the gallery should be")

    with pytest.raises(OperatorNeeded, match="nothing was published"):
        await publish(made, ctx)

    assert await states(desk) == [("failed", 1)]
    ctx.gallery_dir.unlink()
    await publish(made, ctx)
    assert await states(desk) == [("posted", 2)]


async def test_an_open_outcome_stays_open_until_the_platform_is_asked(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    (ctx.gallery_dir / "index.html").mkdir(parents=True)
    with pytest.raises(OperatorNeeded, match="the page is out"):
        await publish(made, ctx)
    assert await states(desk) == [("unknown", 1)]
    (ctx.gallery_dir / "index.html").rmdir()

    await publish(made, ctx)

    assert (await states(desk), len(pages(ctx))) == ([("posted", 1)], 1)


@pytest.mark.parametrize("name", ["video", "thumbnail", "captions"])
async def test_bytes_that_changed_after_the_approval_are_refused(
    name: str, made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)
    path = getattr(made, name)
    path.write_bytes(path.read_bytes() + b".")

    with pytest.raises(Refused, match=f"{path.name} of job 7 changed after it was approved"):
        await publish(made, ctx)

    assert (pages(ctx), await states(desk)) == ([], [("failed", 1)])


async def test_a_file_that_is_gone_is_named(made: Any, lend: Any, desk: OutboxDesk) -> None:
    made.captions.unlink()

    with pytest.raises(Refused, match=r"captions\.vtt cannot be read"):
        await publish(made, lend(desk))


@pytest.mark.parametrize("path", ["/etc/passwd", "../8/video.mp4", "x/../../secret"])
async def test_only_the_jobs_own_files_are_published(
    path: str, made: Any, lend: Any, desk: OutboxDesk
) -> None:
    with pytest.raises(Refused, match="not in the folder of job 7"):
        await publish(made, lend(desk), video_path=path)


async def test_a_link_out_of_the_jobs_folder_is_not_followed(
    made: Any, lend: Any, desk: OutboxDesk, tmp_path: Any
) -> None:
    (tmp_path / "elsewhere.mp4").write_bytes(made.video.read_bytes())
    made.video.unlink()
    made.video.symlink_to(tmp_path / "elsewhere.mp4")

    with pytest.raises(Refused, match="not in the folder of job 7"):
        await publish(made, lend(desk))


async def test_an_unknown_platform_is_refused_with_those_that_exist(
    made: Any, lend: Any, desk: OutboxDesk
) -> None:
    with pytest.raises(Refused, match=r"there is no platform 'tube'; known: .*gallery"):
        await publish(made, lend(desk), made.saying(platform="tube"))


@pytest.mark.parametrize(
    "change", [{"disclosure": " "}, {"flags": Flags(paid_promotion=False)}, {"disclosure": ""}]
)
async def test_an_offer_that_does_not_say_it_is_an_ad_is_refused(
    change: dict[str, Any], made: Any, lend: Any, desk: OutboxDesk
) -> None:
    ctx = lend(desk)

    with pytest.raises(Refused, match="without saying that this is an ad"):
        await publish(made, ctx, made.with_offer(**change))

    assert pages(ctx) == []


async def test_of_two_calls_at_once_one_page_comes(made: Any, lend: Any, desk: OutboxDesk) -> None:
    ctx = lend(desk)

    outcomes = await asyncio.gather(
        publish(made, ctx), publish(made, ctx), publish(made, ctx), return_exceptions=True
    )

    assert len(pages(ctx)) == 1
    assert all(isinstance(one, Publication | Refused | TryLater) for one in outcomes)
    assert [(await publish(made, ctx)).external_id] == pages(ctx)


def test_it_is_behind_an_approval() -> None:
    assert (TOOL.needs_approval, TOOL.destructive, TOOL.scope) == (True, True, "agent")
