"""What a platform says to one account holds for every worker, and for no other account."""

import json

import asyncpg
import pytest

from bookai.db import audit, outbox
from bookai.errors import NotYet
from tests.bookai.db.conftest import NewJob
from tests.bookai.db.test_outbox import URL, sent
from tests.peers.approving import approve
from tests.peers.posting import ME, POST

WHY = "the platform answered 429"
NEIGHBOUR = POST.model_copy(update={"account": "another"})
PASSED = "UPDATE social_accounts SET rests_until = rests_until - interval '1 hour'"


async def test_no_other_post_of_a_resting_account_is_armed_and_another_account_sends(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    told = await sent(pool, await new_job())
    waits, goes = await new_job(), await new_job()
    await approve(pool, goes, NEIGHBOUR)

    await outbox.rest_account(pool, told.post_id, 3600, WHY)

    with pytest.raises(NotYet, match=WHY) as caught:
        await outbox.arm(pool, waits, POST)
    other = await outbox.arm(pool, goes, NEIGHBOUR)
    await outbox.mark_sending(pool, other.post_id, other.attempt, ME)
    assert 3500 <= caught.value.after_s <= 3600
    assert [row.state for row in await outbox.list_(pool)] == ["sending", "sending"]


async def test_a_post_that_was_armed_before_the_platform_spoke_is_stopped_on_its_way_out(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    late = await new_job()
    await approve(pool, late, POST)
    claim = await outbox.arm(pool, late, POST)
    told = await sent(pool, await new_job())
    await outbox.rest_account(pool, told.post_id, 3600, WHY)

    with pytest.raises(NotYet, match=r"rests for 3\d{3} s more") as caught:
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME)

    assert 3500 <= caught.value.after_s <= 3600
    assert (await outbox.get(pool, claim.post_id)).state == "armed"


async def test_the_longest_wait_counts_and_cannot_be_cut_short(
    pool: asyncpg.Pool, job_id: int
) -> None:
    told = await sent(pool, job_id)
    await outbox.rest_account(pool, told.post_id, 3600, WHY)
    before = await outbox.list_rests(pool)

    await outbox.rest_account(pool, told.post_id, 60, "in a minute")

    with pytest.raises(asyncpg.CheckViolationError, match="that is the platform's word"):
        await pool.execute(PASSED)
    assert await outbox.list_rests(pool) == before
    (event,) = await audit.search(pool, kind="account.rests")
    body = json.loads(event.body)
    assert (body["account"], body["reason"]) == ("local", WHY)


async def test_what_is_out_has_its_receipt_while_its_account_rests(
    pool: asyncpg.Pool, job_id: int
) -> None:
    told = await sent(pool, job_id)
    await outbox.rest_account(pool, told.post_id, 3600, WHY)

    receipt = await outbox.mark_posted(pool, told.post_id, "v1", URL)

    assert (await outbox.arm(pool, job_id, POST)).publication == receipt


async def test_an_account_goes_on_once_its_time_has_come(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, new_job: NewJob
) -> None:
    told = await sent(pool, await new_job())
    await outbox.rest_account(pool, told.post_id, 3600, WHY)

    await attacker.execute(PASSED)

    assert (await outbox.arm(pool, await new_job(), POST)).state == "armed"
    assert await outbox.list_rests(pool) == ()
