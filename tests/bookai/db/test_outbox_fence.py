"""Several hold the same attempt, or an old one: who may say what of a post, and whose it is."""

import asyncpg
import pytest

from bookai.db import audit, outbox
from bookai.errors import OperatorNeeded, Refused, TryLater
from tests.bookai.db.test_outbox import OTHER, OTHER_PROCESS, URL, fail, sent
from tests.peers.approving import approve
from tests.peers.posting import ME, POST


async def late(pool: asyncpg.Pool, job_id: int) -> outbox.Claim:
    """A sender froze, his post was found not to be out, and another one was armed."""
    old = await sent(pool, job_id, lease_s=0)
    await fail(pool, await outbox.arm(pool, job_id, POST), None, reason="not there")
    await approve(pool, job_id, OTHER)
    await outbox.arm(pool, job_id, OTHER)
    return old


async def test_who_holds_the_same_attempt_does_not_give_up_what_another_sends(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await approve(pool, job_id, POST)
    mine, his = await outbox.arm(pool, job_id, POST), await outbox.arm(pool, job_id, POST)
    assert mine == his
    await outbox.mark_sending(pool, his.post_id, his.attempt, OTHER_PROCESS)

    for owner in (ME, None):
        with pytest.raises(TryLater, match="is sending at attempt 1 by now") as caught:
            await fail(pool, mine, owner, reason="the video cannot be read any more")

    assert 10 < caught.value.after_s <= outbox.LEASE_S + 1
    with pytest.raises(TryLater, match="is sending at attempt 1 by now"):
        await outbox.mark_sending(pool, mine.post_id, mine.attempt, ME)
    assert await outbox.keep_sending(pool, his.post_id, his.attempt, OTHER_PROCESS)
    assert await fail(pool, his, OTHER_PROCESS) == 0


async def test_of_what_is_unknown_only_the_platforms_witness_may_say_that_it_is_not_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id, lease_s=0)
    await outbox.arm(pool, job_id, POST)

    with pytest.raises(TryLater, match="is unknown at attempt 1 by now"):
        await fail(pool, claim, OTHER_PROCESS)

    assert await fail(pool, claim, None) == 0


async def test_a_late_receipt_names_what_its_own_attempt_sent(
    pool: asyncpg.Pool, job_id: int
) -> None:
    old = await late(pool, job_id)

    with pytest.raises(OperatorNeeded, match="as attempt 1 sent it") as caught:
        await outbox.mark_posted(pool, old.post_id, "v1", URL, attempt=1)

    assert caught.value.mend
    (row,) = await outbox.list_(pool)
    assert (row.state, row.digest, row.title) == ("posted", POST.digest(), POST.title)
    (event,) = await audit.search(pool, kind="post.posted")
    assert f'"digest":"{POST.digest()}"' in event.body
    assert f'"instead_of":"{OTHER.digest()}"' in event.body
    with pytest.raises(OperatorNeeded, match="as another post than this one"):
        await outbox.arm(pool, job_id, OTHER)
    assert (await outbox.arm(pool, job_id, POST)).state == "posted"


async def test_two_attempts_that_wrote_different_content_to_one_place_raise_an_alarm(
    pool: asyncpg.Pool, job_id: int
) -> None:
    old = await late(pool, job_id)
    await outbox.mark_sending(pool, old.post_id, 2, OTHER_PROCESS)
    await outbox.mark_posted(pool, old.post_id, "v1", URL, attempt=2)

    with pytest.raises(OperatorNeeded, match="with different content wrote"):
        await outbox.mark_posted(pool, old.post_id, "v1", URL, attempt=1)

    (event,) = await audit.search(pool, kind="post.duplicate")
    assert f'"second_digest":"{POST.digest()}"' in event.body


async def test_the_program_cannot_say_what_was_sent_or_receive_what_was_not(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await sent(pool, job_id)

    for change in (
        "UPDATE social_sends SET digest = repeat('0', 64)",
        "DELETE FROM social_sends",
        "INSERT INTO social_sends (post_id, attempt, digest, title) VALUES (1, 9, 'x', 'x')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(change)
    with pytest.raises(asyncpg.CheckViolationError, match="an attempt number of its own"):
        await pool.execute(
            "UPDATE social_posts SET state = 'posted', digest = repeat('0', 64), url = 'u',"
            " external_id = 'v', published_at = now(), lease_owner = NULL, lease_until = NULL"
        )


async def test_a_post_whose_sender_is_long_silent_is_shown_to_the_operator(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id, lease_s=-outbox.SILENT_S + 5)
    assert await outbox.note_silent(pool) == 0
    await outbox.keep_sending(pool, claim.post_id, 1, ME, lease_s=-outbox.SILENT_S - 1)

    assert await outbox.note_silent(pool) == 1

    (row,) = await outbox.list_(pool, "unknown")
    assert row.reason == "the process ended after it began to send"
    (event,) = await audit.search(pool, kind="post.unknown")
    assert f'"post_id":{row.post_id}' in event.body
    assert await outbox.note_silent(pool) == 0
    await outbox.mark_posted(pool, claim.post_id, "v1", URL, attempt=1)


async def test_giving_up_needs_a_reason(pool: asyncpg.Pool, job_id: int) -> None:
    claim = await sent(pool, job_id)

    with pytest.raises(Refused, match="needs a reason"):
        await fail(pool, claim, reason="  ")
