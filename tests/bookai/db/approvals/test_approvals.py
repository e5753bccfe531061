import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.approvals import Approval
from bookai.db.approvals.deciding import UPDATE_DECIDED
from bookai.db.pool import Con
from bookai.errors import Refused
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, OTHER, POST, TTL, ask, kinds, states

NewJob = Callable[[], Awaitable[int]]


async def test_what_is_asked_is_what_the_operator_sees(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)

    assert await approvals.get(pool, approval_id) == Approval(
        approval_id=approval_id,
        job_id=job_id,
        title=POST.title,
        state="pending",
        digest=POST.digest(),
        requested_at=NOW,
        expires_at=NOW + TTL,
        decided_by=None,
        decided_at=None,
        note=None,
        post=POST,
        video_path="/videos/1/video.mp4",
        channel="default",
        requested_by=ANN,
        needed=1,
        approvers=(),
        own_jobs=True,
        follows=None,
        followed_by=None,
        batch_id=None,
        votes=(),
        edits=(),
    )
    assert await kinds(pool) == ["approval.requested"]
    assert await approvals.count_pending(pool) == 1


async def test_asking_again_for_the_same_gives_the_same_approval(
    pool: asyncpg.Pool, job_id: int
) -> None:
    first = await ask(pool, job_id)
    assert await ask(pool, job_id, now=NOW + timedelta(hours=1)) == first

    await approvals.decide(pool, first, True, "", ANN, NOW)

    assert await ask(pool, job_id) == first
    assert await kinds(pool) == ["approval.requested", "approval.decided"]


async def test_a_no_to_exactly_this_stays_a_no(pool: asyncpg.Pool, job_id: int) -> None:
    first = await ask(pool, job_id)
    await approvals.decide(pool, first, False, "too loud", ANN, NOW)

    assert await ask(pool, job_id) == first
    assert await ask(pool, job_id, OTHER) != first


@pytest.mark.parametrize("decided", [False, True])
async def test_changed_bytes_make_the_approval_void(
    decided: bool, pool: asyncpg.Pool, job_id: int
) -> None:
    first = await ask(pool, job_id)
    if decided:
        await approvals.decide(pool, first, True, "", ANN, NOW)

    second = await ask(pool, job_id, OTHER)

    assert await states(pool) == {first: "void", second: "pending"}
    assert (await kinds(pool))[-2:] == ["approval.void", "approval.requested"]
    with pytest.raises(Refused, match="void"):
        await approvals.decide(pool, first, True, "", ANN, NOW)
    with pytest.raises(Refused, match="waits for an operator"):
        await approvals.check(pool, job_id, POST.digest(), NOW)


async def test_two_who_ask_at_once_get_one_approval(pool: asyncpg.Pool, job_id: int) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(pool, job_id)) for _ in range(6)]

    assert len({task.result() for task in tasks}) == 1
    assert await kinds(pool) == ["approval.requested"]


async def test_a_decision_is_written_with_its_audit_event_and_wakes_the_job(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)

    async def wake(con: Con, woken: int) -> None:
        await con.execute("UPDATE video_jobs SET stage = 'woken' WHERE job_id = $1", woken)

    decided = await approvals.decide(pool, approval_id, True, " fine ", ANN, NOW, wake)

    assert (decided.state, decided.decided_by, decided.decided_at, decided.note) == (
        "approved",
        ANN,
        NOW,
        "fine",
    )
    stage = await pool.fetchval("SELECT stage FROM video_jobs WHERE job_id = $1", job_id)
    assert stage == "woken"
    (event,) = await audit.search(pool, kind="approval.decided")
    assert (event.actor, event.job_id) == (ANN, job_id)
    body = json.loads(event.body)
    assert body["decision"] == "approved"
    assert body["digest"] == POST.digest()
    assert body["reason"].keys() == {"commitment"}
    assert body["shown"]["title"] == POST.title


async def test_a_job_that_cannot_be_woken_leaves_no_decision(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)

    async def broken(con: Con, woken: int) -> None:
        raise Refused("the queue is closed")

    with pytest.raises(Refused, match="queue is closed"):
        await approvals.decide(pool, approval_id, True, "", ANN, NOW, broken)

    assert await states(pool) == {approval_id: "pending"}
    assert await kinds(pool) == ["approval.requested"]


async def test_deciding_twice_is_refused_with_who_and_when(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)
    await approvals.decide(pool, approval_id, False, "too loud", ANN, NOW)

    with pytest.raises(
        Refused, match=r"rejected by operator:ann at 2026-11-24 08:00 UTC \(too lo"
    ) as told:
        await approvals.decide(pool, approval_id, True, "", BOB, NOW)
    assert "too loud" not in told.value.logged

    assert await states(pool) == {approval_id: "rejected"}


async def test_of_two_who_decide_at_once_the_first_wins_and_the_other_is_told(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    is_first_inside, may_go_on = asyncio.Event(), asyncio.Event()
    woken: list[int] = []

    async def wait_inside(con: Con, job: int) -> None:
        woken.append(job)
        is_first_inside.set()
        await may_go_on.wait()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(
            approvals.decide(pool, approval_id, True, "", ANN, NOW, wait_inside)
        )
        await is_first_inside.wait()
        second = group.create_task(_outcome(pool, approval_id))
        await _until_someone_waits_for_a_lock(pool)
        may_go_on.set()

    assert first.result().state == "approved"
    assert second.result().startswith(
        f"approval {approval_id} of job {job_id} was approved by {ANN}"
    )
    assert woken == [job_id]
    assert await kinds(pool) == ["approval.requested", "approval.decided"]


async def _outcome(pool: asyncpg.Pool, approval_id: int) -> str:
    try:
        row = await approvals.decide(pool, approval_id, False, "no", BOB, NOW)
    except Refused as refused:
        return str(refused)
    return row.state


async def _until_someone_waits_for_a_lock(pool: asyncpg.Pool) -> None:
    while not await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(0)


async def test_only_an_operator_decides(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)

    for by in ("agent:publisher", "studio", "", "operator:", "operator: ", "ann"):
        with pytest.raises(Refused, match="only an operator"):
            await approvals.decide(pool, approval_id, True, "", by, NOW)

    assert await states(pool) == {approval_id: "pending"}


async def test_the_database_itself_takes_no_agents_word(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)

    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(UPDATE_DECIDED, approval_id, "approved", "agent:x", NOW, "")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE approvals SET state = 'approved'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE approvals SET digest = repeat('0', 64)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM approvals")


async def test_a_rejection_cannot_be_turned_round_in_the_database(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    await approvals.decide(pool, approval_id, False, "no", ANN, NOW)

    with pytest.raises(asyncpg.CheckViolationError, match="cannot become approved"):
        await pool.execute("UPDATE approvals SET state = 'approved'")
    for change in ("decided_by = 'operator:eve'", "note = NULL", "note = 'yes'"):
        with pytest.raises(asyncpg.CheckViolationError, match="that stays"):
            await pool.execute(f"UPDATE approvals SET {change}")  # noqa: S608  # a text of this test


@pytest.mark.parametrize("state", ["expired", "void"])
async def test_what_nobody_decided_gets_no_decider_in_the_database(
    state: str, pool: asyncpg.Pool, job_id: int
) -> None:
    await ask(pool, job_id)
    by_eve = "decided_by = 'operator:eve', decided_at = requested_at"

    for change in (by_eve, f"state = '{state}', {by_eve}", f"state = '{state}', note = 'x'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(f"UPDATE approvals SET {change}")  # noqa: S608  # as above
    await pool.execute("UPDATE approvals SET state = $1", state)
    with pytest.raises(asyncpg.CheckViolationError, match="that stays"):
        await pool.execute(f"UPDATE approvals SET {by_eve}")  # noqa: S608  # as above


async def test_a_rejection_needs_a_reason(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)

    for reason in ("", "  \n", "\t"):
        with pytest.raises(Refused, match="needs a reason"):
            await approvals.decide(pool, approval_id, False, reason, ANN, NOW)


async def test_an_endless_reason_is_refused(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)

    with pytest.raises(Refused, match="2001"):
        await approvals.decide(pool, approval_id, False, "x" * 2001, ANN, NOW)


async def test_there_is_no_deciding_on_what_nobody_asked(pool: asyncpg.Pool) -> None:
    with pytest.raises(Refused, match="no approval 99"):
        await approvals.decide(pool, 99, True, "", ANN, NOW)
    with pytest.raises(Refused, match="no approval 99"):
        await approvals.get(pool, 99)


async def test_a_decision_after_the_deadline_is_refused_and_ends_the_wait(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    woken: list[int] = []

    async def wake(con: Con, job: int) -> None:
        woken.append(job)

    with pytest.raises(Refused, match="expired at 2026-11-27 08:00 UTC"):
        await approvals.decide(pool, approval_id, True, "", ANN, NOW + TTL, wake)

    assert await states(pool) == {approval_id: "expired"}
    assert woken == [job_id]
    assert await kinds(pool) == ["approval.requested", "approval.expired"]


async def test_what_expired_is_asked_anew(pool: asyncpg.Pool, job_id: int) -> None:
    first = await ask(pool, job_id)

    second = await ask(pool, job_id, now=NOW + TTL)

    assert await states(pool) == {first: "expired", second: "pending"}


async def test_nobody_approves_a_post_that_was_swapped_in_the_database(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    await attacker.execute("UPDATE approvals SET post = jsonb_set(post, '{caption}', '\"evil\"')")

    with pytest.raises(Refused, match="no longer the one"):
        await approvals.decide(pool, approval_id, True, "", ANN, NOW)


async def test_pending_ones_are_listed_first_and_oldest_first(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    jobs = [await new_job() for _ in range(4)]
    first, second, third, fourth = [await ask(pool, job) for job in jobs]
    await approvals.decide(pool, first, True, "", ANN, NOW)
    await approvals.decide(pool, third, False, "no", ANN, NOW)

    listed = [row.approval_id for row in await approvals.list_(pool)]

    assert listed == [second, fourth, third, first]
    assert [row.approval_id for row in await approvals.list_(pool, "rejected")] == [third]
    assert len(await approvals.list_(pool, None, 2)) == 2


async def test_a_post_that_cannot_be_kept_as_it_is_is_refused(
    pool: asyncpg.Pool, job_id: int
) -> None:
    for change, words in (
        ({"caption": "a\0b"}, "NUL"),
        ({"caption": "a\ud800"}, "half a character"),
        ({"transcript": "x" * 200_000}, "shorten"),
    ):
        with pytest.raises(Refused, match=words):
            await ask(pool, job_id, POST.model_copy(update=change))

    assert await approvals.list_(pool) == ()


async def test_an_approval_that_never_expires_is_refused(pool: asyncpg.Pool, job_id: int) -> None:
    with pytest.raises(Refused, match="future"):
        await ask(pool, job_id, ttl=timedelta())


async def test_a_persons_words_can_be_erased_and_the_decision_stays(
    pool: asyncpg.Pool, new_job: NewJob
) -> None:
    first, second = [await ask(pool, await new_job()) for _ in range(2)]
    await approvals.decide(pool, first, False, "my aunt dislikes it", ANN, NOW)
    await approvals.decide(pool, second, False, "too loud", BOB, NOW)

    # Beside the log, with the decision and with the vote.
    assert await audit.erase(pool, ANN, "operator:admin", "asked for") == 3
    assert await audit.erase(pool, ANN, "operator:admin", "asked again") == 0

    erased, kept = await approvals.get(pool, first), await approvals.get(pool, second)
    assert (erased.state, erased.note, erased.votes[0].reason) == (
        "rejected", "(erased)", "(erased)",
    )  # fmt: skip
    assert (kept.note, kept.votes[0].reason) == ("too loud", "too loud")
    assert "aunt" not in "".join(event.body for event in await audit.search(pool))
