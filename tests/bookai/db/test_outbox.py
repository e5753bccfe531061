import asyncio

import asyncpg
import pytest

from bookai.db import audit, outbox
from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import NotPosted
from tests.peers.approving import approve
from tests.peers.posting import ME, POST, begin

OTHER = POST.model_copy(update={"title": "Another title"})
OTHER_PROCESS = "host:2"
URL = "https://example.org/v1"


async def sent(pool: asyncpg.Pool, job_id: int, lease_s: float = 60) -> outbox.Claim:
    """Approve, arm and begin to send."""
    await approve(pool, job_id, POST)
    return await begin(pool, job_id, POST, lease_s)


async def fail(
    pool: asyncpg.Pool, claim: outbox.Claim, owner: str | None = ME, **why: object
) -> float | None:
    """Say that nothing went out: `owner` about his own send, the platform's witness without one."""
    said = NotPosted.model_validate({"reason": "the platform answered 503", **why})
    return await outbox.mark_not_posted(
        pool, claim.post_id, claim.attempt, said, owner=owner, chance=lambda: 0.5
    )


async def kinds(pool: asyncpg.Pool) -> list[str]:
    return [event.kind for event in reversed(await audit.search(pool, kind="post."))]


async def test_a_post_goes_out_once_and_its_receipt_stays(pool: asyncpg.Pool, job_id: int) -> None:
    claim = await sent(pool, job_id)
    assert (claim.state, claim.attempt, claim.publication) == ("armed", 1, None)

    receipt = await outbox.mark_posted(pool, claim.post_id, "v1", URL, attempt=1)

    assert (receipt.post_id, receipt.platform, receipt.external_id, receipt.url) == (
        *(claim.post_id, "gallery", "v1", URL),
    )
    assert await outbox.mark_posted(pool, claim.post_id, "v1", URL) == receipt
    again = await outbox.arm(pool, job_id, POST)
    assert again == claim.model_copy(update={"state": "posted", "publication": receipt})
    assert await kinds(pool) == ["post.armed", "post.sending", "post.posted"]


async def test_arming_again_before_sending_is_the_same_claim(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await outbox.arm(pool, job_id, POST)

    assert await outbox.arm(pool, job_id, POST) == first
    assert await kinds(pool) == ["post.armed"]


async def test_two_who_arm_at_once_have_one_claim_and_one_may_send(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await approve(pool, job_id, POST)
    async with asyncio.TaskGroup() as group:
        claims = [group.create_task(outbox.arm(pool, job_id, POST)) for _ in range(4)]
    (post_id,) = {claim.result().post_id for claim in claims}

    async def send(owner: str) -> str:
        try:
            await outbox.mark_sending(pool, post_id, 1, owner)
        except TryLater:
            return "later"
        return "sending"

    async with asyncio.TaskGroup() as group:
        outcomes = [group.create_task(send(f"host:{number}")) for number in range(4)]

    assert sorted(task.result() for task in outcomes) == ["later"] * 3 + ["sending"]


async def test_a_post_that_somebody_sends_right_now_is_left_to_him(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await sent(pool, job_id, lease_s=60)

    with pytest.raises(TryLater, match="being sent right now by host:1") as caught:
        await outbox.arm(pool, job_id, POST)

    assert 55 < caught.value.after_s <= 61
    (row,) = await outbox.list_(pool)
    assert (row.state, row.lease_owner) == ("sending", ME)


async def test_a_post_whose_sender_fell_silent_is_unknown_and_is_not_sent_again(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id, lease_s=0)

    found = await outbox.arm(pool, job_id, POST)

    assert (found.post_id, found.state, found.attempt) == (claim.post_id, "unknown", 1)
    assert (await outbox.arm(pool, job_id, POST)).state == "unknown"
    with pytest.raises(TryLater, match="is unknown at attempt 1 by now"):
        await outbox.mark_sending(pool, claim.post_id, 1, ME)
    assert await kinds(pool) == ["post.armed", "post.sending", "post.unknown"]


async def test_a_heartbeat_keeps_the_lease_and_what_the_next_attempt_needs(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id, lease_s=0)

    assert await outbox.keep_sending(pool, claim.post_id, 1, ME, handle="session 7", lease_s=60)
    with pytest.raises(TryLater):
        await outbox.arm(pool, job_id, POST)
    assert await outbox.keep_sending(pool, claim.post_id, 1, ME, lease_s=0)

    assert (await outbox.arm(pool, job_id, POST)).handle == "session 7"
    assert "session 7" not in "".join(event.body for event in await audit.search(pool))


async def test_a_thawed_sender_can_neither_send_nor_mark(pool: asyncpg.Pool, job_id: int) -> None:
    old = await sent(pool, job_id, lease_s=0)
    taken = await outbox.arm(pool, job_id, POST)
    await fail(pool, taken, None, reason="not there")
    new = await begin(pool, job_id, POST)
    assert (old.attempt, new.attempt) == (1, 2)

    assert not await outbox.keep_sending(pool, old.post_id, old.attempt, ME)
    assert not await outbox.keep_sending(pool, old.post_id, new.attempt, OTHER_PROCESS)
    with pytest.raises(TryLater, match="held attempt 1 has no say"):
        await outbox.mark_sending(pool, old.post_id, old.attempt, ME)
    with pytest.raises(TryLater, match="at attempt 2 by now"):
        await fail(pool, old)
    await outbox.mark_unknown(pool, old.post_id, old.attempt, "broke off")

    (row,) = await outbox.list_(pool)
    assert (row.state, row.attempt) == ("sending", 2)


async def test_a_late_receipt_of_an_older_attempt_is_taken_because_what_is_out_is_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    old = await sent(pool, job_id, lease_s=0)
    await fail(pool, await outbox.arm(pool, job_id, POST), None, reason="not there")
    new = await begin(pool, job_id, POST)

    await outbox.mark_posted(pool, old.post_id, "v1", URL, attempt=old.attempt)

    assert not await outbox.keep_sending(pool, new.post_id, new.attempt, ME)
    (event,) = await audit.search(pool, kind="post.posted")
    assert ('"attempt":2' in event.body, '"of_attempt":1' in event.body) == (True, True)
    with pytest.raises(OperatorNeeded, match="out twice"):
        await outbox.mark_posted(pool, new.post_id, "v2", "https://example.org/v2", attempt=2)
    (event,) = await audit.search(pool, kind="post.duplicate")
    assert '"second_id":"v2"' in event.body


async def test_an_unknown_post_that_the_platform_has_gets_its_receipt(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)
    await outbox.keep_sending(pool, claim.post_id, 1, ME, handle="session 7")
    await outbox.mark_unknown(pool, claim.post_id, claim.attempt, "the answer got lost")

    await outbox.mark_posted(pool, claim.post_id, "v1", URL)

    out = await outbox.arm(pool, job_id, POST)
    assert (out.state, out.handle) == ("posted", None)


async def test_a_post_that_certainly_failed_is_armed_again_under_the_same_key(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await sent(pool, job_id)
    await outbox.keep_sending(pool, first.post_id, 1, ME, handle="session 7")
    await fail(pool, first)
    (failed,) = await outbox.list_(pool)
    await fail(pool, first, reason="called twice")

    second = await outbox.arm(pool, job_id, POST)

    assert (failed.state, failed.reason) == ("failed", "the platform answered 503")
    assert second == first.model_copy(update={"attempt": 2, "handle": "session 7"})
    (row,) = await outbox.list_(pool)
    assert (row.state, row.attempt, row.reason) == ("armed", 2, None)
    assert await kinds(pool) == ["post.armed", "post.sending", "post.failed", "post.armed"]


@pytest.mark.parametrize(("asked_s", "tries", "wanted_s"), [(0, 1, 33), (500, 1, 550), (0, 3, 132)])
async def test_a_retry_waits_as_long_as_the_platform_says_and_longer_each_time(
    asked_s: float, tries: int, wanted_s: float, pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)
    for _ in range(tries - 1):
        await fail(pool, claim)
        claim = await begin(pool, job_id, POST)

    after_s = await fail(pool, claim, again="later", after_s=asked_s)

    assert after_s == pytest.approx(wanted_s)
    with pytest.raises(TryLater, match="before it is tried again: the platform answered") as caught:
        await outbox.arm(pool, job_id, POST)
    assert wanted_s - 5 < caught.value.after_s <= wanted_s


async def test_what_the_platform_refused_for_good_is_a_dead_letter_until_it_is_replayed(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)

    assert await fail(pool, claim, reason="invalidTitle", again="never") is None

    with pytest.raises(OperatorNeeded, match="is a dead letter") as caught:
        await outbox.arm(pool, job_id, POST)
    assert caught.value.mend.endswith(f"bookai outbox replay {claim.post_id}")
    with pytest.raises(Refused, match="only an operator may"):
        await outbox.replay(pool, claim.post_id, "agent:publisher")
    row = await outbox.replay(pool, claim.post_id, "operator:ann")
    assert (row.state, row.attempt, row.tries) == ("armed", 2, 0)
    with pytest.raises(Refused, match="is armed; only a dead letter is replayed"):
        await outbox.replay(pool, claim.post_id, "operator:ann")
    (event,) = await audit.search(pool, kind="post.replayed")
    assert event.actor == "operator:ann"
    assert "post.dead" in await kinds(pool)


async def test_a_post_that_failed_too_often_is_a_dead_letter(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)
    for _ in range(outbox.MAX_TRIES - 1):
        assert await fail(pool, claim) == 0
        claim = await begin(pool, job_id, POST)

    assert await fail(pool, claim) is None

    (row,) = await outbox.list_(pool, "dead")
    assert (row.tries, row.reason) == (outbox.MAX_TRIES, "the platform answered 503")


async def test_an_operator_settles_what_nobody_else_can_know(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id, lease_s=60)
    with pytest.raises(TryLater):
        await outbox.resolve_not_posted(pool, claim.post_id, "operator:ann", "I looked")
    await outbox.keep_sending(pool, claim.post_id, 1, ME, lease_s=0)
    with pytest.raises(Refused, match="only an operator may"):
        await outbox.resolve_not_posted(pool, claim.post_id, "agent:publisher", "trust me")

    row = await outbox.resolve_not_posted(pool, claim.post_id, "operator:ann", "I looked")

    assert (row.state, row.reason) == ("failed", "I looked")
    claim = await begin(pool, job_id, POST)
    await outbox.mark_unknown(pool, claim.post_id, claim.attempt, "the answer got lost")
    receipt = await outbox.resolve_posted(
        pool, claim.post_id, "operator:bob", external_id="v1", url=URL
    )
    assert (receipt.external_id, receipt.url) == ("v1", URL)
    with pytest.raises(Refused, match=r"is posted \(https://.*only an unknown outcome"):
        await outbox.resolve_not_posted(pool, claim.post_id, "operator:ann", "I looked")
    settled = [e.actor for e in await audit.search(pool, kind="post.") if "settled" in e.body]
    assert settled == ["operator:bob", "operator:ann"]


async def test_a_changed_post_that_was_not_sent_takes_the_claim_over(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await outbox.arm(pool, job_id, POST)

    second = await outbox.arm(pool, job_id, OTHER)

    assert second == first.model_copy(update={"attempt": 2})
    (row,) = await outbox.list_(pool)
    assert (row.title, row.digest) == (OTHER.title, OTHER.digest())
    await approve(pool, job_id, OTHER)
    with pytest.raises(TryLater, match="held attempt 1 has no say"):
        await outbox.mark_sending(pool, first.post_id, first.attempt, ME)


async def test_what_another_post_began_is_not_resumed_by_this_one(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)
    await outbox.keep_sending(pool, claim.post_id, 1, ME, handle="half of the old video")
    await fail(pool, claim)

    assert (await outbox.arm(pool, job_id, OTHER)).handle is None


async def test_a_changed_post_is_not_sent_after_the_first_one_is_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await sent(pool, job_id)
    await outbox.mark_posted(pool, claim.post_id, "v1", URL)

    with pytest.raises(OperatorNeeded, match="as another post than this one"):
        await outbox.arm(pool, job_id, OTHER)

    (row,) = await outbox.list_(pool)
    assert row.digest == POST.digest()


async def test_each_target_has_a_post_of_its_own(pool: asyncpg.Pool, job_id: int) -> None:
    targets = [POST, POST.model_copy(update={"account": "b"})]
    targets.append(POST.model_copy(update={"platform": "youtube"}))

    claims = [await outbox.arm(pool, job_id, post) for post in targets]

    assert len({claim.post_id for claim in claims}) == len({claim.key for claim in claims}) == 3
    assert [row.post_id for row in await outbox.list_(pool)] == [
        claim.post_id for claim in reversed(claims)
    ]
    assert len(await outbox.list_(pool, "armed", 2)) == 2
    assert await outbox.list_(pool, "posted") == ()


async def test_a_claim_is_undone_with_the_callers_transaction(
    pool: asyncpg.Pool, job_id: int
) -> None:
    async with pool.acquire() as con:
        attempt = con.transaction()
        await attempt.start()
        await outbox.arm(con, job_id, POST)
        await attempt.rollback()

    assert await outbox.list_(pool) == ()
    assert await kinds(pool) == []


async def test_a_receipt_without_id_or_address_is_refused(pool: asyncpg.Pool, job_id: int) -> None:
    claim = await sent(pool, job_id)

    for external_id, url in (("", "u"), ("v", ""), ("v" * 501, "u")):
        with pytest.raises(Refused, match="a receipt needs"):
            await outbox.mark_posted(pool, claim.post_id, external_id, url)


async def test_what_was_never_sent_has_no_receipt_and_what_is_out_has_not_failed(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await outbox.arm(pool, job_id, POST)
    with pytest.raises(Refused, match="was never sent"):
        await outbox.mark_posted(pool, claim.post_id, "v1", URL)
    claim = await sent(pool, job_id)
    await outbox.mark_posted(pool, claim.post_id, "v1", URL)

    with pytest.raises(TryLater, match=f"is posted: {URL} by now"):
        await fail(pool, claim)


async def test_a_target_name_that_postgres_cannot_hold_is_refused(
    pool: asyncpg.Pool, job_id: int
) -> None:
    for account in ("a\0b", "", "x" * 201):
        with pytest.raises(Refused, match="account"):
            await outbox.arm(pool, job_id, POST.model_copy(update={"account": account}))


async def test_there_is_no_marking_a_post_that_nobody_armed(pool: asyncpg.Pool) -> None:
    for mark in (
        outbox.mark_sending(pool, 99, 1, ME),
        outbox.mark_posted(pool, 99, "v", "u"),
        outbox.mark_unknown(pool, 99, 1, "?"),
        outbox.mark_not_posted(pool, 99, 1, NotPosted(reason="no")),
        outbox.replay(pool, 99, "operator:ann"),
        outbox.get(pool, 99),
    ):
        with pytest.raises(Refused, match="no post 99"):
            await mark
