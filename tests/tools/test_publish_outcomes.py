"""How a send may end, on a platform that does what the test says; the outbox is the real one."""

import asyncio
from typing import Any

import asyncpg
import pytest

from bookai.db import jobs, outbox
from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Flags, NotPosted, Post, Publication
from studio.engine import Inline
from studio.posts import PostDesk
from tests.peers.approving import approve
from tests.peers.scripted_platform import ScriptedPlatform
from tools import publish_video as module
from tools.base import ToolContext
from tools.platforms.base import LeaseLost, NotSent, Resend, Ticket


class ApprovedDesk(PostDesk):
    """The outbox alone: whether an approval counts is the database's own business here."""

    async def check_approved(self, job_id: int, digest: str) -> None:
        """Leave it to the trigger."""


class Studio:
    """A desk on the real tables and one scripted platform."""

    def __init__(self, pool: asyncpg.Pool, made: Any, ctx: ToolContext) -> None:
        self.pool, self.made, self.ctx = pool, made, ctx
        self.platform = ScriptedPlatform()
        self.post: Post = made.saying(platform="scripted")

    async def publish(self, post: Post | None = None) -> Publication:
        made = self.made
        paths = (str(made.video), str(made.thumbnail), str(made.captions))
        return await module.publish_video(self.ctx, 7, post or self.post, *paths)

    async def row(self) -> outbox.OutboxRow:
        (row,) = await outbox.list_(self.pool)
        return row

    async def silence(self) -> None:
        """Let the time pass after which a sender that says nothing counts as dead."""
        await self.pool.execute(
            "UPDATE social_posts SET lease_until = now() WHERE state = 'sending'"
        )

    async def is_silent(self) -> bool:
        row = await self.row()
        return row.lease_until is None or row.lease_until <= row.updated_at

    async def patience(self) -> None:
        """Let the time pass until a retry may send."""
        await self.pool.execute("UPDATE social_posts SET not_before = now()")


@pytest.fixture
async def studio(
    pool: asyncpg.Pool, made: Any, lend: Any, monkeypatch: pytest.MonkeyPatch
) -> Studio:
    async with pool.acquire() as con, con.transaction():
        for _ in range(7):
            await jobs.create(con, "a.md", "default", "operator:ann")
    found = Studio(pool, made, lend(ApprovedDesk(pool, Inline(pool))))
    await approve(pool, 7, found.post)
    monkeypatch.setattr(module, "platforms", lambda: {"scripted": found.platform})
    return found


def fails(error: Exception) -> Any:
    async def fail(_ticket: Ticket) -> None:
        raise error

    return fail


async def test_a_second_process_leaves_a_post_alone_that_is_being_sent(studio: Studio) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_ticket: Ticket) -> None:
        begun.set()
        await go_on.wait()

    studio.platform.on_send = slowly
    async with asyncio.TaskGroup() as group:
        first = group.create_task(studio.publish())
        await begun.wait()
        with pytest.raises(TryLater, match="is being sent right now"):
            await studio.publish()
        go_on.set()

    assert (await studio.publish()) == first.result()
    assert len(studio.platform.out) == 1


async def test_a_frozen_sender_that_was_overtaken_stops_before_the_effect(studio: Studio) -> None:
    async def freeze_and_be_overtaken(_ticket: Ticket) -> None:
        studio.platform.on_send = None
        await studio.silence()
        await studio.publish()

    studio.platform.on_send = freeze_and_be_overtaken

    with pytest.raises(LeaseLost, match="attempt 1 stopped"):
        await studio.publish()

    assert len(studio.platform.out) == 1
    assert ((await studio.row()).state, (await studio.row()).attempt) == ("posted", 2)


async def test_a_heartbeat_that_finds_the_lease_lost_stops_a_long_upload(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.01)

    async def upload_for_ever(_ticket: Ticket) -> None:
        await studio.pool.execute(
            "UPDATE social_posts   SET state = 'unknown', lease_owner = NULL, lease_until = NULL"
        )
        await asyncio.Event().wait()

    studio.platform.on_send = upload_for_ever

    with pytest.raises(LeaseLost):
        await studio.publish()

    assert studio.platform.stopped.is_set()
    assert studio.platform.out == []


async def test_heartbeats_keep_a_long_upload_alive(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.01)

    async def upload(_ticket: Ticket) -> None:
        await studio.silence()
        async with asyncio.timeout(10):
            while await studio.is_silent():
                pass  # each look lets the heart beat

    studio.platform.on_send = upload

    assert (await studio.publish()).platform == "scripted"


@pytest.mark.parametrize("resend", ["same_key_is_same_post", "ask_witness"])
async def test_an_unknown_outcome_is_looked_up_and_sent_only_when_nothing_is_there(
    resend: Resend, studio: Studio
) -> None:
    studio.platform.resend = resend  # type: ignore[misc]  # as the double says
    studio.platform.on_send = fails(ToolFailed("the answer got lost"))
    with pytest.raises(ToolFailed):
        await studio.publish()
    row = await studio.row()
    assert (row.state, row.reason) == ("unknown", "the answer got lost")
    studio.platform.on_send = None

    await studio.publish()

    assert (studio.platform.asked, len(studio.platform.out)) == (1, 1)


async def test_a_lost_answer_after_the_commit_is_found_and_not_sent_again(studio: Studio) -> None:
    async def lose() -> None:
        raise TryLater("the answer got lost")

    studio.platform.after_send = lose
    with pytest.raises(TryLater):
        await studio.publish()

    await studio.publish()

    assert (studio.platform.asked, len(studio.platform.out)) == (1, 1)
    assert ((await studio.row()).state, (await studio.row()).attempt) == ("posted", 1)


async def test_where_nobody_can_look_an_unknown_post_goes_before_the_operator(
    studio: Studio,
) -> None:
    studio.platform.resend = "ask_operator"  # type: ignore[misc]  # as the double says
    studio.platform.on_send = fails(TryLater("the answer got lost"))
    with pytest.raises(TryLater):
        await studio.publish()
    studio.platform.on_send = None
    post_id = (await studio.row()).post_id

    for _ in range(2):
        with pytest.raises(OperatorNeeded, match="It is not sent again") as caught:
            await studio.publish()

    assert f"bookai outbox resolve {post_id} --not-posted" in caught.value.mend
    assert (studio.platform.out, studio.platform.asked) == ([], 0)
    await outbox.resolve_not_posted(studio.pool, post_id, "operator:ann", "I looked")
    await studio.publish()
    assert len(studio.platform.out) == 1


@pytest.mark.parametrize(
    "error", [asyncpg.ConnectionDoesNotExistError("gone"), OSError(5, "I/O error"), OverflowError()]
)
async def test_whatever_breaks_while_it_is_sent_the_outcome_is_open_and_the_job_waits(
    error: Exception, studio: Studio
) -> None:
    studio.platform.on_send = fails(error)

    with pytest.raises(TryLater, match=f"broke off .{type(error).__name__}"):
        await studio.publish()

    row = await studio.row()
    assert (row.state, row.reason) == (
        *("unknown", f"sending post {row.post_id} broke off ({type(error).__name__})"),
    )
    studio.platform.on_send = None
    await studio.publish()
    assert (studio.platform.asked, len(studio.platform.out)) == (1, 1)


async def test_who_cannot_read_his_files_leaves_the_post_to_him_who_sends_it(
    studio: Studio,
) -> None:
    async def look_in_vain(_ticket: Ticket) -> None:
        with pytest.raises(TryLater, match="is sending at attempt 1 by now"):
            await studio.ctx.desk.mark_not_posted(1, 1, NotPosted(reason="no file"), "host:2")

    studio.platform.on_send = look_in_vain

    assert (await studio.publish()).platform == "scripted"


async def test_what_is_found_out_there_as_another_post_goes_before_the_operator(
    studio: Studio,
) -> None:
    async def lose() -> None:
        raise TryLater("the answer got lost")

    studio.platform.after_send = lose
    with pytest.raises(TryLater):
        await studio.publish()
    other = studio.post.model_copy(update={"title": "Another title"})
    await approve(studio.pool, 7, other)

    for _ in range(2):
        with pytest.raises(OperatorNeeded, match="as another post than this one"):
            await studio.publish(other)

    row = await studio.row()
    assert (row.state, row.digest) == ("posted", studio.post.digest())
    assert len(studio.platform.out) == 1


async def test_a_busy_platform_is_asked_again_when_it_said(studio: Studio) -> None:
    studio.platform.on_send = fails(NotSent(TryLater("429", after_s=600)))

    with pytest.raises(TryLater) as caught:
        await studio.publish()

    assert 600 <= caught.value.after_s <= 720
    studio.platform.on_send = None
    with pytest.raises(TryLater, match="waits for"):
        await studio.publish()
    await studio.patience()
    assert (await studio.publish()).platform == "scripted"


async def test_a_refusal_for_good_is_a_dead_letter(studio: Studio) -> None:
    studio.platform.on_send = fails(NotSent(Refused("invalidTitle")))
    with pytest.raises(Refused, match="invalidTitle"):
        await studio.publish()
    studio.platform.on_send = None

    with pytest.raises(OperatorNeeded, match="dead letter"):
        await studio.publish()

    assert (await studio.row()).state == "dead"
    await outbox.replay(studio.pool, (await studio.row()).post_id, "operator:ann")
    await studio.publish()
    assert len(studio.platform.out) == 1


async def test_a_platform_that_is_down_for_long_ends_before_the_operator(studio: Studio) -> None:
    studio.platform.on_send = fails(NotSent(TryLater("503")))
    for _ in range(outbox.MAX_TRIES - 1):
        with pytest.raises(TryLater):
            await studio.publish()
        await studio.patience()

    with pytest.raises(OperatorNeeded, match="tried too often: 503"):
        await studio.publish()

    assert (await studio.row()).state == "dead"


async def test_what_an_operator_mends_waits_for_him_and_is_no_dead_letter(studio: Studio) -> None:
    studio.platform.on_send = fails(NotSent(OperatorNeeded("no key", mend="Put it there.")))
    with pytest.raises(OperatorNeeded, match="Put it there"):
        await studio.publish()
    studio.platform.on_send = None

    assert (await studio.publish()).platform == "scripted"


async def test_an_alarm_reaches_the_operator_after_the_receipt_is_kept(studio: Studio) -> None:
    studio.platform.alarm = "it is public although private was asked for."

    with pytest.raises(OperatorNeeded, match=r"is out at .* it is public"):
        await studio.publish()

    assert (await studio.row()).state == "posted"
    assert (await studio.publish()).platform == "scripted"


async def test_a_fact_that_the_platform_cannot_tell_its_viewers_is_refused(studio: Studio) -> None:
    post = studio.post.model_copy(update={"flags": Flags(paid_promotion=True)})

    with pytest.raises(Refused, match="no way to tell viewers 'paid promotion'"):
        await studio.publish(post)

    assert await outbox.list_(studio.pool) == ()


@pytest.mark.parametrize("viewers", [{"visibility": "private"}, {"made_for_kids": True}])
async def test_what_would_be_seen_by_others_than_was_approved_is_refused(
    viewers: dict[str, object], studio: Studio
) -> None:
    post = studio.post.model_copy(update=viewers)
    assert post.digest() != studio.post.digest()

    with pytest.raises(Refused, match="nothing goes there"):
        await studio.publish(post)

    assert await outbox.list_(studio.pool) == ()


async def test_a_cancelled_send_stays_open_until_its_lease_ends(studio: Studio) -> None:
    begun = asyncio.Event()

    async def hang(_ticket: Ticket) -> None:
        begun.set()
        await asyncio.Event().wait()

    studio.platform.on_send = hang
    task = asyncio.create_task(studio.publish())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    studio.platform.on_send = None

    assert (studio.platform.stopped.is_set(), (await studio.row()).state) == (True, "sending")
    await studio.silence()
    await studio.publish()
    assert len(studio.platform.out) == 1
