import asyncio

import asyncpg
import pytest

from bookai.db import audit, outbox
from bookai.errors import OperatorNeeded, Refused
from bookai.models import Flags, Post

POST = Post(
    platform="gallery",
    account="local",
    title="A bridge for toads",
    caption="",
    hashtags=(),
    flags=Flags(),
    source_url="https://example.org/toads",
    source_credit="Source: Wikinews",
    language="en",
    video_sha256="a" * 64,
    thumbnail_sha256="b" * 64,
    captions_sha256="c" * 64,
    transcript="Toads cross.",
)
OTHER = POST.model_copy(update={"title": "Another title"})


async def sent(pool: asyncpg.Pool, job_id: int) -> int:
    claim = await outbox.arm(pool, job_id, POST)
    await outbox.mark_sending(pool, claim.post_id)
    return claim.post_id


async def kinds(pool: asyncpg.Pool) -> list[str]:
    return [event.kind for event in reversed(await audit.search(pool, kind="post."))]


async def test_a_post_goes_out_once_and_its_receipt_stays(pool: asyncpg.Pool, job_id: int) -> None:
    claim = await outbox.arm(pool, job_id, POST)
    assert (claim.state, claim.publication) == ("armed", None)
    await outbox.mark_sending(pool, claim.post_id)

    receipt = await outbox.mark_posted(pool, claim.post_id, "v1", "https://example.org/v1")

    assert (receipt.post_id, receipt.platform, receipt.external_id, receipt.url) == (
        claim.post_id,
        "gallery",
        "v1",
        "https://example.org/v1",
    )
    assert await outbox.mark_posted(pool, claim.post_id, "v1", "https://example.org/v1") == receipt
    again = await outbox.arm(pool, job_id, POST)
    assert again == outbox.Claim(
        post_id=claim.post_id, key=claim.key, state="posted", publication=receipt
    )
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
    async with asyncio.TaskGroup() as group:
        claims = [group.create_task(outbox.arm(pool, job_id, POST)) for _ in range(4)]
    (post_id,) = {claim.result().post_id for claim in claims}

    async def send() -> str:
        try:
            await outbox.mark_sending(pool, post_id)
        except Refused:
            return "refused"
        return "sending"

    async with asyncio.TaskGroup() as group:
        outcomes = [group.create_task(send()) for _ in range(4)]

    assert sorted(task.result() for task in outcomes) == ["refused"] * 3 + ["sending"]


async def test_a_post_found_half_sent_is_unknown_and_is_not_sent_again(
    pool: asyncpg.Pool, job_id: int
) -> None:
    post_id = await sent(pool, job_id)

    claim = await outbox.arm(pool, job_id, POST)

    assert (claim.post_id, claim.state) == (post_id, "unknown")
    assert (await outbox.arm(pool, job_id, POST)).state == "unknown"
    with pytest.raises(Refused, match="is unknown, so it is not sent"):
        await outbox.mark_sending(pool, post_id)
    assert await kinds(pool) == ["post.armed", "post.sending", "post.unknown"]


async def test_an_unknown_post_that_the_platform_has_gets_its_receipt(
    pool: asyncpg.Pool, job_id: int
) -> None:
    post_id = await sent(pool, job_id)
    await outbox.arm(pool, job_id, POST)

    await outbox.mark_posted(pool, post_id, "v1", "https://example.org/v1")

    assert (await outbox.arm(pool, job_id, POST)).state == "posted"


async def test_a_post_that_certainly_failed_is_armed_again_under_the_same_key(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await outbox.arm(pool, job_id, POST)
    await outbox.mark_sending(pool, first.post_id)
    await outbox.mark_not_posted(pool, first.post_id, "the platform answered 503")
    (failed,) = await outbox.list_(pool)
    await outbox.mark_not_posted(pool, first.post_id, "called twice")

    second = await outbox.arm(pool, job_id, OTHER)

    assert (failed.state, failed.reason) == ("failed", "the platform answered 503")
    assert second == first
    (row,) = await outbox.list_(pool)
    assert (row.state, row.attempt, row.reason) == ("armed", 2, None)
    assert (row.title, row.digest) == (OTHER.title, OTHER.digest())
    assert await kinds(pool) == ["post.armed", "post.sending", "post.failed", "post.armed"]


async def test_a_changed_post_that_was_not_sent_takes_the_claim_over(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await outbox.arm(pool, job_id, POST)

    assert await outbox.arm(pool, job_id, OTHER) == first

    (row,) = await outbox.list_(pool)
    assert (row.digest, row.attempt) == (OTHER.digest(), 1)


async def test_a_changed_post_is_not_sent_after_the_first_one_is_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    post_id = await sent(pool, job_id)
    await outbox.mark_posted(pool, post_id, "v1", "https://example.org/v1")

    assert (await outbox.arm(pool, job_id, OTHER)).state == "posted"
    (row,) = await outbox.list_(pool)
    assert row.digest == POST.digest()


async def test_a_late_receipt_is_taken_because_what_is_out_is_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    post_id = await sent(pool, job_id)
    await outbox.arm(pool, job_id, POST)
    await outbox.mark_not_posted(pool, post_id, "not found there")
    await outbox.arm(pool, job_id, POST)

    await outbox.mark_posted(pool, post_id, "v1", "https://example.org/v1")

    with pytest.raises(Refused, match=r"is posted: https://example\.org/v1"):
        await outbox.mark_sending(pool, post_id)
    with pytest.raises(Refused, match="is out"):
        await outbox.mark_not_posted(pool, post_id, "too late")


async def test_a_second_receipt_of_another_post_calls_the_operator(
    pool: asyncpg.Pool, job_id: int
) -> None:
    post_id = await sent(pool, job_id)
    await outbox.mark_posted(pool, post_id, "v1", "https://example.org/v1")

    with pytest.raises(OperatorNeeded, match="out twice"):
        await outbox.mark_posted(pool, post_id, "v2", "https://example.org/v2")

    (event,) = await audit.search(pool, kind="post.duplicate")
    assert '"second_id":"v2"' in event.body


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


async def test_a_receipt_cannot_be_changed_or_removed(pool: asyncpg.Pool, job_id: int) -> None:
    post_id = await sent(pool, job_id)
    await outbox.mark_posted(pool, post_id, "v1", "https://example.org/v1")

    with pytest.raises(asyncpg.CheckViolationError, match="its receipt stays"):
        await pool.execute("UPDATE social_posts SET url = 'https://evil.example/'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM social_posts")


async def test_a_receipt_without_id_or_address_is_refused(pool: asyncpg.Pool, job_id: int) -> None:
    post_id = await sent(pool, job_id)

    for external_id, url in (("", "u"), ("v", ""), ("v" * 501, "u")):
        with pytest.raises(Refused, match="a receipt needs"):
            await outbox.mark_posted(pool, post_id, external_id, url)


async def test_giving_up_needs_a_reason(pool: asyncpg.Pool, job_id: int) -> None:
    post_id = await sent(pool, job_id)

    with pytest.raises(Refused, match="needs a reason"):
        await outbox.mark_not_posted(pool, post_id, "  ")


async def test_a_target_name_that_postgres_cannot_hold_is_refused(
    pool: asyncpg.Pool, job_id: int
) -> None:
    for account in ("a\0b", "", "x" * 201):
        with pytest.raises(Refused, match="account"):
            await outbox.arm(pool, job_id, POST.model_copy(update={"account": account}))


async def test_there_is_no_marking_a_post_that_nobody_armed(pool: asyncpg.Pool) -> None:
    for mark in (
        outbox.mark_sending(pool, 99),
        outbox.mark_posted(pool, 99, "v", "u"),
        outbox.mark_not_posted(pool, 99, "no"),
    ):
        with pytest.raises(Refused, match="no post 99"):
            await mark
