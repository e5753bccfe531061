"""Several people: how many, who, whose job, whose right, and what the database itself refuses."""

import asyncio
import hashlib
import json

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.approvals import Rules, delegations
from bookai.db.approvals.deciding import INSERT_VOTE, UPDATE_DECIDED
from bookai.db.approvals.delegations import Delegation, Loan
from bookai.db.approvals.links import INSERT_LINK, SPEND_LINK
from bookai.db.pool import Con, open_pool
from bookai.errors import Refused
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, POST, TTL, ask, kinds, states

CY, DEE = "operator:cy", "operator:dee"
TWO = Rules(needed=2)
NAMED = Rules(approvers=(ANN, BOB))


async def yes(
    pool: asyncpg.Pool, approval_id: int, by: str, rules: Rules = approvals.ANYONE
) -> approvals.Approval:
    return await approvals.decide(
        pool, approval_id, True, "", by, NOW, rules_of=lambda _channel: rules
    )


async def lend(
    pool: asyncpg.Pool, lender: str = ANN, to: str = DEE, cap: int = 1, rules: Rules = NAMED
) -> Delegation:
    loan = Loan(channel="default", delegate=to, cap=cap, ends_at=NOW + TTL)
    return await delegations.create(pool, loan, lender, NOW, rules)


async def test_the_last_yes_that_is_needed_approves_and_wakes_the_job_once(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id, rules=TWO)
    woken: list[int] = []

    async def wake(con: Con, job: int) -> None:
        woken.append(job)

    first = await approvals.decide(pool, approval_id, True, "fine", ANN, NOW, wake)
    assert (first.state, woken) == ("pending", [])
    with pytest.raises(Refused, match="1 of 2 said yes"):
        await approvals.check(pool, job_id, POST.digest(), NOW)

    second = await approvals.decide(pool, approval_id, True, "", BOB, NOW, wake)

    assert (second.state, second.decided_by, woken) == ("approved", BOB, [job_id])
    assert [(vote.by, vote.approve) for vote in second.votes] == [(ANN, True), (BOB, True)]
    assert await kinds(pool) == ["approval.requested", "approval.voted", "approval.decided"]
    (event,) = await audit.search(pool, kind="approval.decided")
    assert (json.loads(event.body)["yes"], json.loads(event.body)["needed"]) == ([ANN, BOB], 2)


async def test_one_person_is_not_two(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id, rules=TWO)
    await yes(pool, approval_id, ANN)

    with pytest.raises(Refused, match=r"said yes .* already; it waits for others \(1 of 2\)"):
        await yes(pool, approval_id, ANN)

    assert await states(pool) == {approval_id: "pending"}


async def test_one_no_rejects_also_by_one_who_said_yes(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id, rules=TWO)
    await yes(pool, approval_id, ANN)

    row = await approvals.decide(pool, approval_id, False, "I saw it again", ANN, NOW)

    assert (row.state, row.decided_by, row.note) == ("rejected", ANN, "I saw it again")
    with pytest.raises(Refused, match="was rejected by operator:ann"):
        await yes(pool, approval_id, BOB)


async def test_two_last_words_at_once_are_both_counted(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id, rules=TWO)

    async with asyncio.TaskGroup() as group:
        for by in (ANN, BOB):
            group.create_task(yes(pool, approval_id, by))

    assert await states(pool) == {approval_id: "approved"}


@pytest.mark.parametrize("when", ["asked", "now"])
async def test_only_an_approver_of_then_and_of_now_decides(
    when: str, pool: asyncpg.Pool, job_id: int
) -> None:
    then, now = (NAMED, approvals.ANYONE) if when == "asked" else (approvals.ANYONE, NAMED)
    approval_id = await ask(pool, job_id, rules=then)

    with pytest.raises(Refused, match="operator:cy may not decide on channel 'default'"):
        await yes(pool, approval_id, CY, now)

    assert (await yes(pool, approval_id, BOB, now)).state == "approved"


async def test_who_asked_for_the_video_cannot_say_yes_where_own_jobs_is_off(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id, rules=Rules(own_jobs=False))

    with pytest.raises(Refused, match="another approver has to say yes"):
        await yes(pool, approval_id, ANN)

    assert (await yes(pool, approval_id, BOB)).state == "approved"


async def test_a_lent_right_is_used_up_and_told(pool: asyncpg.Pool, new_job: object) -> None:
    assert callable(new_job)
    first, second = [await ask(pool, await new_job(), rules=NAMED) for _ in range(2)]
    lent = await lend(pool)

    row = await yes(pool, first, DEE, NAMED)

    assert [(vote.by, vote.lent_by) for vote in row.votes] == [(DEE, ANN)]
    with pytest.raises(Refused, match="operator:dee may not decide"):
        await yes(pool, second, DEE, NAMED)
    (after,) = await delegations.list_(pool)
    assert (after.used, after.state(NOW, NAMED)) == (1, "spent")
    (event,) = await audit.search(pool, kind="approval.decided")
    body = json.loads(event.body)
    assert (event.actor, body["lent_by"], body["delegation_id"]) == (DEE, ANN, lent.delegation_id)


async def test_parallel_decisions_do_not_overshoot_the_cap(
    pool: asyncpg.Pool, new_job: object
) -> None:
    assert callable(new_job)
    ids = [await ask(pool, await new_job(), rules=NAMED) for _ in range(6)]
    await lend(pool, cap=2)

    async def attempt(approval_id: int) -> bool:
        try:
            await yes(pool, approval_id, DEE, NAMED)
        except Refused:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(attempt(one)) for one in ids]

    assert sum(one.result() for one in tries) == 2
    assert list((await states(pool)).values()).count("approved") == 2
    assert [one.used for one in await delegations.list_(pool)] == [2]


async def test_a_revoked_ended_or_void_right_lets_nothing_out(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id, rules=NAMED)
    lent = await lend(pool)
    without_ann = Rules(approvers=(BOB, CY))

    assert lent.state(NOW + TTL, NAMED) == "ended"
    assert lent.state(NOW, without_ann) == "void"
    with pytest.raises(Refused, match="may not decide"):
        await yes(pool, approval_id, DEE, without_ann)
    revoked = await delegations.revoke(pool, lent.delegation_id, BOB, NOW)
    with pytest.raises(Refused, match="may not decide"):
        await yes(pool, approval_id, DEE, NAMED)

    assert (revoked.revoked_by, revoked.state(NOW, NAMED)) == (BOB, "revoked")
    assert [k for k in await kinds(pool) if k.startswith("deleg")] == [
        "delegation.created", "delegation.revoked",
    ]  # fmt: skip


async def test_a_lender_and_his_delegate_are_one_yes(pool: asyncpg.Pool, job_id: int) -> None:
    rules = Rules(needed=2, approvers=(ANN, BOB))
    approval_id = await ask(pool, job_id, rules=rules)
    await lend(pool, cap=5, rules=rules)
    await yes(pool, approval_id, DEE, rules)

    with pytest.raises(Refused, match="the right of operator:ann is used"):
        await yes(pool, approval_id, ANN, rules)

    assert (await yes(pool, approval_id, BOB, rules)).state == "approved"


@pytest.mark.parametrize(
    ("lender", "to", "rules", "said"),
    [
        (ANN, "agent:writer", NAMED, "only an operator"),
        (CY, DEE, NAMED, "cannot be lent on"),
        (ANN, BOB, NAMED, "an approver of channel 'default' already"),
        (ANN, DEE, approvals.ANYONE, "nothing to lend"),
    ],
)
async def test_nobody_lends_what_he_has_not_nor_to_an_agent(
    lender: str, to: str, rules: Rules, said: str, pool: asyncpg.Pool
) -> None:
    with pytest.raises(Refused, match=said):
        await lend(pool, lender, to, rules=rules)

    assert await delegations.list_(pool) == ()


async def raw_vote(pool: asyncpg.Pool, approval_id: int, by: str, **other: object) -> None:
    words = {
        "approve": True, "at": NOW, "reason": "", "via": "cli", "digest": POST.digest(),
        "right_of": by, "hand": by, "delegation_id": None, "link_id": None, "batch_id": None,
    }  # fmt: skip
    await pool.execute(INSERT_VOTE, approval_id, by, *(words | other).values())


async def test_the_database_counts_the_votes_itself(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id, rules=TWO)
    refused = pytest.raises(asyncpg.CheckViolationError, match="cannot be approved")

    with refused:
        await pool.execute(UPDATE_DECIDED, approval_id, "approved", ANN, NOW, "")
    await raw_vote(pool, approval_id, ANN)
    with refused:
        await pool.execute(UPDATE_DECIDED, approval_id, "approved", ANN, NOW, "")
    await raw_vote(pool, approval_id, BOB)
    with refused:
        await pool.execute(UPDATE_DECIDED, approval_id, "approved", CY, NOW, "")
    await pool.execute(UPDATE_DECIDED, approval_id, "approved", BOB, NOW, "")

    assert await states(pool) == {approval_id: "approved"}


@pytest.mark.parametrize(
    ("by", "other"),
    [
        ("agent:writer", {}),
        (CY, {}),
        (ANN, {"at": NOW + TTL}),
        (ANN, {"digest": "0" * 64}),
        (ANN, {"hand": BOB}),
        (DEE, {"right_of": ANN, "delegation_id": 1}),
        (ANN, {"via": "link"}),
        (ANN, {"approve": False}),
    ],
    ids=["agent", "stranger", "late", "other-bytes", "hand", "spent", "no-link", "no-reason"],
)
async def test_the_database_takes_no_vote_that_may_not_count(
    by: str, other: dict[str, object], pool: asyncpg.Pool, new_job: object
) -> None:
    assert callable(new_job)
    await lend(pool)
    used = await ask(pool, await new_job(), rules=NAMED)
    await yes(pool, used, DEE, NAMED)
    approval_id = await ask(pool, await new_job(), rules=NAMED)

    with pytest.raises(asyncpg.CheckViolationError):
        await raw_vote(pool, approval_id, by, **other)

    assert (await approvals.get(pool, approval_id)).votes == ()


async def raw_link_vote(pool: asyncpg.Pool, approval_id: int, by: str, hand: str) -> None:
    digest, sha256 = POST.digest(), hashlib.sha256(f"{by} {hand}".encode()).digest()
    link_id = await pool.fetchval(
        INSERT_LINK, approval_id, digest, by, hand, sha256, NOW, NOW + TTL
    )
    await pool.execute(SPEND_LINK, link_id, NOW)
    await raw_vote(pool, approval_id, by, via="link", hand=hand, link_id=link_id)


@pytest.mark.parametrize(
    ("rules", "first", "second", "said"),
    [
        (TWO, (BOB, CY), (DEE, BOB), "operator:bob has a hand in another vote"),
        (TWO, (BOB, CY), (CY, DEE), "operator:cy or .* has a hand in another vote"),
        (Rules(own_jobs=False), None, (BOB, ANN), "operator:bob may not vote"),
        (NAMED, None, (ANN, CY), "operator:ann may not vote"),
    ],
    ids=["voter-then-hand", "hand-then-voter", "own-job", "maker-is-stranger"],
)
async def test_the_database_holds_a_links_maker_to_the_rules(
    rules: Rules,
    first: tuple[str, str] | None,
    second: tuple[str, str],
    said: str,
    pool: asyncpg.Pool,
    job_id: int,
) -> None:
    approval_id = await ask(pool, job_id, rules=rules)
    if first is not None:
        await raw_link_vote(pool, approval_id, *first)

    with pytest.raises(asyncpg.CheckViolationError, match=said):
        await raw_link_vote(pool, approval_id, *second)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval_delegations SET used = used + 2",
        "UPDATE approval_delegations SET used = 0",
        "INSERT INTO approvals (job_id, state, digest, post, video_path, requested_at, expires_at,"
        " channel, requested_by, decided_by, decided_at) SELECT job_id, 'approved', digest, post,"
        " video_path, requested_at, expires_at, channel, requested_by, decided_by, decided_at"
        " FROM approvals",
    ],
)
async def test_the_database_keeps_what_was_said(
    statement: str, pool: asyncpg.Pool, job_id: int
) -> None:
    await lend(pool, cap=5)
    await yes(pool, await ask(pool, job_id, rules=NAMED), DEE, NAMED)

    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(statement)


async def test_a_votes_reason_is_changed_by_nobody(
    pool: asyncpg.Pool, admin_dsn: str, job_id: int
) -> None:
    await yes(pool, await ask(pool, job_id), ANN)
    change = "UPDATE approval_votes SET reason = 'another'"

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(change)
    async with open_pool(admin_dsn, size=1) as owner:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(change)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM approval_votes",
        "UPDATE approval_votes SET approve = true",
        "UPDATE approvals SET needed = 1",
        "UPDATE approval_delegations SET cap = 1000",
        "DELETE FROM approval_delegations",
        "UPDATE approval_links SET operator = 'operator:eve'",
        "DELETE FROM approval_edits",
    ],
)
async def test_the_program_has_no_right_to_change_what_was_said(
    statement: str, pool: asyncpg.Pool
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


async def test_a_temporary_table_does_not_stand_in_for_the_votes(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)

    async with pool.acquire() as con:
        await con.execute("CREATE TEMP TABLE approval_votes (LIKE public.approval_votes)")
        await con.execute(
            "INSERT INTO approval_votes (approval_id, voter, approve, voted_at, reason, via,"
            " digest, right_of, hand) VALUES ($1, $2, true, $3, '', 'cli', $4, $2, $2)",
            approval_id,
            ANN,
            NOW,
            POST.digest(),
        )
        with pytest.raises(asyncpg.CheckViolationError, match="cannot be approved"):
            await con.execute(UPDATE_DECIDED, approval_id, "approved", ANN, NOW, "")
        await con.execute("DROP TABLE pg_temp.approval_votes")
