"""What ends without an answer, what is asked anew, and what is asked right before it goes out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from bookai.db import approvals, audit, outbox
from bookai.db.approvals.ending import LOCK_EXPIRED, expire_one
from bookai.db.runs.fence import take
from bookai.errors import Refused
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, OTHER, POST, TTL, ask, states

NewJob = Callable[[], Awaitable[int]]


async def test_expiry_ends_what_waits_and_what_was_approved_but_not_published(
    pool: asyncpg.Pool, new_job: NewJob, attacker: asyncpg.Connection
) -> None:
    waiting, approved, rejected, published, fresh = [await new_job() for _ in range(5)]
    ids = {job: await ask(pool, job) for job in (waiting, approved, rejected, published)}
    ids[fresh] = await ask(pool, fresh, now=NOW + timedelta(hours=1))
    await approvals.decide(pool, ids[approved], True, "", ANN, NOW)
    await approvals.decide(pool, ids[rejected], False, "no", ANN, NOW)
    await approvals.decide(pool, ids[published], True, "", ANN, NOW)
    await outbox.arm(pool, published, POST)
    # By hand: the database begins to send by its own clock, this test has another.
    await attacker.execute(
        "UPDATE social_posts"
        "   SET state = 'sending', sent_at = now(), lease_owner = 'a', lease_until = now()"
    )

    assert await approvals.expire(pool, NOW + TTL) == (waiting, approved)

    assert await states(pool) == {
        ids[waiting]: "expired",
        ids[approved]: "expired",
        ids[rejected]: "rejected",
        ids[published]: "approved",
        ids[fresh]: "pending",
    }
    events = await audit.search(pool, kind="approval.expired")
    assert [event.job_id for event in events] == [approved, waiting]
    assert await approvals.expire(pool, NOW + TTL) == ()


async def test_what_began_to_go_out_while_it_was_found_overdue_keeps_its_approval(
    pool: asyncpg.Pool, job_id: int, attacker: asyncpg.Connection
) -> None:
    approval_id = await ask(pool, job_id)
    await approvals.decide(pool, approval_id, True, "", ANN, NOW)
    await outbox.arm(pool, job_id, POST)
    async with audit.transaction(pool) as con:
        found = [row["approval_id"] for row in await con.fetch(LOCK_EXPIRED, NOW + TTL)]
    await attacker.execute("UPDATE social_posts SET state = 'unknown', sent_at = now()")

    async with audit.transaction(pool) as con:
        ended = await expire_one(con, approval_id)

    assert (found, ended) == ([approval_id], None)
    assert await states(pool) == {approval_id: "approved"}


async def test_asking_anew_does_not_wait_for_a_step_of_the_job(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    await approvals.expire(pool, NOW + TTL)
    fence = await take(pool, job_id)

    # The step asks for the approval next: were it waited for, both would wait for ever.
    async with fence.writing(pool), asyncio.timeout(4):
        row = await approvals.renew(pool, approval_id, BOB, NOW + TTL, TTL)

    assert (row.state, row.follows) == ("pending", approval_id)


async def test_the_check_asks_for_the_same_bytes_in_time(pool: asyncpg.Pool, job_id: int) -> None:
    with pytest.raises(Refused, match="nobody was asked"):
        await approvals.check(pool, job_id, POST.digest(), NOW)
    approval_id = await ask(pool, job_id)
    with pytest.raises(Refused, match=f"bookai approve {approval_id}"):
        await approvals.check(pool, job_id, POST.digest(), NOW)

    await approvals.decide(pool, approval_id, True, "", ANN, NOW)

    last_moment = NOW + TTL - timedelta(microseconds=1)
    await approvals.check(pool, job_id, POST.digest(), last_moment)
    with pytest.raises(Refused, match="expired"):
        await approvals.check(pool, job_id, POST.digest(), NOW + TTL)
    with pytest.raises(Refused, match="not what operator:ann approved"):
        await approvals.check(pool, job_id, OTHER.digest(), NOW)


async def test_one_jobs_approval_is_none_for_another(
    pool: asyncpg.Pool, job_id: int, new_job: NewJob
) -> None:
    await approvals.decide(pool, await ask(pool, job_id), True, "", ANN, NOW)
    other = await new_job()

    with pytest.raises(Refused, match="nobody was asked"):
        await approvals.check(pool, other, POST.digest(), NOW)


async def test_a_rejected_job_is_refused_with_who_said_so(pool: asyncpg.Pool, job_id: int) -> None:
    await approvals.decide(pool, await ask(pool, job_id), False, "too loud", ANN, NOW)

    with pytest.raises(Refused, match="was rejected by operator:ann"):
        await approvals.check(pool, job_id, POST.digest(), NOW)
