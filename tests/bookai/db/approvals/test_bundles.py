"""Bundles: one decision on many, each row by itself, and the same bundle twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.approvals import Bundle, Rules
from bookai.db.pool import Con
from bookai.decisions import BundleReport
from bookai.errors import Refused
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, OTHER, TTL, ask, kinds, states

NewJob = Callable[[], Awaitable[int]]
LATER = NOW + timedelta(hours=1)


async def outcomes(report: BundleReport) -> dict[int, str]:
    return {row.approval_id: row.outcome for row in report.rows}


async def test_these_yes_and_those_no_is_one_decision(pool: asyncpg.Pool, new_job: NewJob) -> None:
    jobs = [await new_job() for _ in range(5)]
    ids = [await ask(pool, job) for job in jobs]
    woken: list[int] = []

    async def wake(con: Con, job: int) -> None:
        woken.append(job)

    bundle = Bundle((ids[0], ids[3], ids[2]), {ids[1]: "too loud", ids[4]: "too long"}, "fine")
    report = await approvals.decide_bundle(pool, bundle, ANN, LATER, wake, via="web")

    assert list((await outcomes(report)).values()) == [
        "approved", "rejected", "approved", "approved", "rejected",
    ]  # fmt: skip
    assert woken == jobs
    rows = [await approvals.get(pool, one) for one in ids]
    assert [row.note for row in rows] == ["fine", "too loud", "fine", "fine", "too long"]
    assert {row.batch_id for row in rows} == {report.batch_id}
    bodies = [json.loads(e.body) for e in await audit.search(pool, kind="approval.decided")]
    assert [(body["batch_id"], body["via"]) for body in bodies] == [(report.batch_id, "web")] * 5


async def test_the_same_bundle_again_changes_nothing_and_says_so(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    ids = [await ask(pool, await new_job(), rules=Rules(needed=n)) for n in (1, 1, 2)]
    bundle = Bundle((ids[0], ids[2]), {ids[1]: "no"})
    first = await approvals.decide_bundle(pool, bundle, ANN, LATER)
    before = await kinds(pool)

    again = await approvals.decide_bundle(pool, bundle, ANN, LATER)

    assert list((await outcomes(first)).values()) == ["approved", "rejected", "voted"]
    assert set((await outcomes(again)).values()) == {"unchanged"}
    assert again.batch_id == first.batch_id
    assert "approved by operator:ann" in again.rows[0].reason
    assert await kinds(pool) == before


async def test_what_cannot_be_decided_is_told_by_row_and_the_rest_goes_through(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    jobs = [await new_job() for _ in range(5)]
    decided, void, expired, foreign, good = [await ask(pool, job) for job in jobs[:2]] + [
        await ask(pool, jobs[2], ttl=timedelta(minutes=1)),
        await ask(pool, jobs[3], rules=Rules(approvers=(BOB,))),
        await ask(pool, jobs[4]),
    ]
    await approvals.decide(pool, decided, False, "no", BOB, NOW)
    new = await ask(pool, jobs[1], OTHER)

    ids = (decided, void, expired, foreign, good, 99)
    report = await approvals.decide_bundle(pool, Bundle(ids), ANN, LATER)

    told = {row.approval_id: (row.outcome, row.reason) for row in report.rows}
    assert told.pop(good)[0] == "approved"
    assert {outcome for outcome, _ in told.values()} == {"refused"}
    assert "rejected by operator:bob" in told[decided][1]
    assert "is void" in told[void][1]
    assert f"bookai approvals renew {expired}" in told[expired][1]
    assert "may not decide" in told[foreign][1]
    assert "no approval 99" in told[99][1]
    assert await states(pool) == {
        decided: "rejected", void: "void", new: "pending", expired: "expired",
        foreign: "pending", good: "approved",
    }  # fmt: skip


async def test_a_job_that_cannot_be_woken_keeps_its_question_and_no_other(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    jobs = [await new_job() for _ in range(2)]
    ids = [await ask(pool, job) for job in jobs]

    async def wake(con: Con, job: int) -> None:
        if job == jobs[0]:
            raise Refused("the queue is closed")

    report = await approvals.decide_bundle(pool, Bundle(tuple(ids)), ANN, LATER, wake)

    assert list((await outcomes(report)).values()) == ["refused", "approved"]
    assert await states(pool) == {ids[0]: "pending", ids[1]: "approved"}
    assert (await approvals.get(pool, ids[0])).votes == ()


@pytest.mark.parametrize(
    ("bundle", "by", "said"),
    [
        (Bundle((1,), {1: "no"}), ANN, "in both lists"),
        (Bundle(()), ANN, "1 to 100"),
        (Bundle(tuple(range(1, 102))), ANN, "1 to 100"),
        (Bundle((1,), {2: " "}), ANN, "needs a reason"),
        (Bundle((1,)), "agent:writer", "only an operator"),
    ],
    ids=["both", "empty", "endless", "no-reason", "agent"],
)
async def test_a_bundle_that_cannot_be_meant_is_refused_as_a_whole(
    bundle: Bundle, by: str, said: str, pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)

    with pytest.raises(Refused, match=said):
        await approvals.decide_bundle(pool, bundle, by, LATER)

    assert await states(pool) == {approval_id: "pending"}


async def test_bundles_that_cross_each_other_end_with_one_answer_each(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    ids = [await ask(pool, await new_job()) for _ in range(8)]
    forward, backward = Bundle(tuple(ids)), Bundle((), dict.fromkeys(reversed(ids), "no"))

    async with asyncio.TaskGroup() as group:
        runs = [
            group.create_task(approvals.decide_bundle(pool, bundle, by, LATER))
            for bundle, by in ((forward, ANN), (backward, BOB), (forward, BOB))
        ]

    told = [list((await outcomes(run.result())).values()) for run in runs]
    assert sum(row in ("approved", "rejected") for rows in told for row in rows) == len(ids)
    assert (await kinds(pool)).count("approval.decided") == len(ids)
    assert TTL > LATER - NOW
