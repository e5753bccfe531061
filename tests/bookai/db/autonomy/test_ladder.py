"""The ladder as the database keeps it: earned by people's answers, lost by one of them."""

import asyncio
import json
from datetime import timedelta

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.approvals import Rules
from bookai.db.audit import canonical
from bookai.db.autonomy import ladder, ruling
from bookai.errors import Refused
from bookai.models import Flags, PostEdit
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, ask
from tests.bookai.db.autonomy.climbing import (
    GREEN,
    INSERT_JOB,
    answer,
    asked,
    by_rule,
    climbed,
    granted,
    post,
    rung,
)
from tests.bookai.db.autonomy.clock import StandingClock

SOON = NOW + timedelta(minutes=1)
pytestmark = pytest.mark.usefixtures("clock")


async def test_a_channel_is_manual_until_an_operator_grants_a_rule(pool: asyncpg.Pool) -> None:
    await granted(pool, "other")
    for _ in range(4):
        await answer(pool, await asked(pool))

    assert await ladder.get(pool, "default", NOW) is None
    assert (await rung(pool, "other")).in_a_row == 0


async def test_unedited_approvals_in_a_row_earn_the_rule_and_each_step_is_told(
    pool: asyncpg.Pool,
) -> None:
    await granted(pool)
    levels = []
    for _ in range(3):
        await answer(pool, await asked(pool))
        found = await rung(pool)
        levels.append((found.level, found.in_a_row))

    assert levels == [("manual", 1), ("manual", 2), ("limited", 3)]
    events = [e for e in reversed(await audit.search(pool)) if e.kind.startswith("autonomy.")]
    assert [(e.kind, e.actor) for e in events] == [
        ("autonomy.granted", ANN),
        ("autonomy.earned", ANN),
    ]


async def test_the_database_writes_its_events_as_the_program_does(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    await by_rule(pool, await asked(pool))
    await ladder.lock(pool, "default", 'a "strike"\n\u00fc \u2028 \x7f', ANN)

    of_the_ladder = await audit.search(pool, kind="autonomy.")
    for event in (*of_the_ladder, *await audit.search(pool, actor="rule:publish:default")):
        assert event.body == canonical(json.loads(event.body)), event.kind


async def test_a_yes_by_rule_names_the_rule_its_figures_and_the_grant(pool: asyncpg.Pool) -> None:
    earned = await climbed(pool)
    approval_id = await asked(pool)

    row = await by_rule(pool, approval_id)

    assert (row.state, row.decided_by, row.votes) == ("approved", "rule:publish:default", ())
    assert row.note is not None
    assert "granted by operator:ann: 3 unedited approvals in a row" in row.note
    await approvals.check(pool, row.job_id, row.digest, SOON)
    (event,) = await audit.search(pool, kind="approval.decided", actor=earned.rule)
    body = json.loads(event.body)
    people = await audit.search(pool, kind="approval.decided", actor=ANN)
    assert sorted(body["rule"].pop("earned_by")) == sorted(
        json.loads(one.body)["approval_id"] for one in people
    )
    (grant,) = await audit.search(pool, kind="autonomy.granted")
    assert body["rule"] == {
        "name": "rule:publish:default",
        "granted_by": ANN,
        "granted_at": NOW.isoformat(),
        "after": 3,
        "in_a_row": 3,
        "per_day": 2,
        "used_today": 1,
        "time_zone": "Europe/Berlin",
        "voice_version": 1,
        "day": NOW.date().isoformat(),
        "checks": ["sound"],
        # The same as in the event of the grant.
        "passport": json.loads(grant.body)["passport"],
    }


@pytest.mark.parametrize("act", ["no", "edit", "swap"])
async def test_one_no_or_one_change_locks_and_the_row_begins_anew(
    act: str, pool: asyncpg.Pool
) -> None:
    await climbed(pool)
    approval_id = await asked(pool)
    match act:
        case "no":
            await answer(pool, approval_id, yes=False)
        case "edit":
            await answer(pool, approval_id, edit=PostEdit(title="Another"))
        case "swap":
            # Another film of the same job: the first question was void.
            job_id = (await approvals.get(pool, approval_id)).job_id
            await answer(pool, await ask(pool, job_id, post()))

    locked = await rung(pool)
    assert (locked.level, locked.in_a_row, locked.changed_by) == ("locked", 0, ANN)
    with pytest.raises(Refused, match="has not earned it"):
        await by_rule(pool, await asked(pool))

    for _ in range(3):
        await answer(pool, await asked(pool))
    assert (await rung(pool)).level == "limited"


async def test_after_an_operators_lock_only_a_new_grant_counts_again(pool: asyncpg.Pool) -> None:
    await climbed(pool)

    assert await ladder.lock(pool, "default", "strike: a complaint", BOB)
    assert not await ladder.lock(pool, "default", "strike: a complaint", BOB)
    for _ in range(4):
        await answer(pool, await asked(pool))

    found = await rung(pool)
    assert (found.level, found.in_a_row, found.granted) == ("locked", 0, False)
    await granted(pool)
    for _ in range(3):
        await answer(pool, await asked(pool))
    assert (await rung(pool)).level == "limited"


async def test_the_cap_counts_the_channels_own_day(
    pool: asyncpg.Pool, clock: StandingClock
) -> None:
    await climbed(pool)
    clock.at = late = NOW.replace(hour=22, minute=30)  # 23:30 in Berlin
    for _ in range(2):
        await by_rule(pool, await asked(pool))

    third = await asked(pool)
    with pytest.raises(Refused, match="2 of 2 are used today"):
        await by_rule(pool, third)

    clock.at = late + timedelta(hours=1)
    row = await by_rule(pool, third)
    assert row.state == "approved"
    clock.at = late
    with pytest.raises(Refused, match="3 of 2 are used today"):
        # A clock that goes back opens no second day.
        await by_rule(pool, await asked(pool))


async def test_many_at_once_never_exceed_the_cap(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    ids = [await asked(pool) for _ in range(6)]

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(_tried(pool, one)) for one in (*ids, *ids)]

    assert sum(one.result() for one in tries) == 2
    assert (await rung(pool)).used_today == 2
    assert len(await audit.search(pool, kind="approval.decided", actor="rule:publish:default")) == 2


async def test_a_no_and_a_rule_at_once_leave_one_answer(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    approval_id = await asked(pool)

    async with asyncio.TaskGroup() as group:
        rule = group.create_task(_tried(pool, approval_id))
        group.create_task(answer(pool, approval_id, yes=False))

    row = await approvals.get(pool, approval_id)
    assert row.state == ("void" if rule.result() else "rejected")
    assert (await rung(pool)).level == "locked"


async def _tried(pool: asyncpg.Pool, approval_id: int) -> bool:
    try:
        await by_rule(pool, approval_id)
    except Refused:
        return False
    return True


async def test_what_earns_money_is_for_people(pool: asyncpg.Pool) -> None:
    await climbed(pool)

    for change in (
        {"offer_url": "https://shop.example/x"},
        {"offer_name": "X"},
        {"disclosure": "Ad"},
        {"flags": Flags(paid_promotion=True)},
    ):
        with pytest.raises(Refused, match="earns something"):
            await by_rule(pool, await asked(pool, what=post().model_copy(update=change)))


async def test_what_people_are_named_for_and_what_was_asked_before_is_for_people(
    pool: asyncpg.Pool,
) -> None:
    await climbed(pool)
    job_id = await pool.fetchval(INSERT_JOB, "default", GREEN)
    named = await ask(pool, job_id, post(), rules=Rules(approvers=(ANN, BOB)))
    red = await pool.fetchval(
        INSERT_JOB, "default", {"check": {"ok": True, "findings": [{"check": "x", "ok": False}]}}
    )
    unchecked = await ask(pool, red, post())
    twice = await ask(pool, job_id, post())

    for approval_id, why in ((unchecked, "not green"), (named, "void"), (twice, "before")):
        with pytest.raises(Refused, match=why):
            await by_rule(pool, approval_id)
    assert set(await ruling.pending(pool, "default", 10)) == {unchecked}


async def test_a_yes_by_rule_can_be_taken_back_before_it_is_out(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    row = await by_rule(pool, await asked(pool))
    await pool.execute(
        "UPDATE video_jobs SET not_before = now() + interval '1 hour' WHERE job_id = $1",
        row.job_id,
    )
    woken: list[int] = []

    async def wake(_con: object, job_id: int) -> None:
        woken.append(job_id)

    after = await approvals.decide(pool, row.approval_id, False, "not this one", BOB, SOON, wake)

    assert (after.state, after.decided_by, woken) == ("void", "rule:publish:default", [row.job_id])
    assert (await rung(pool)).level == "locked"
    with pytest.raises(Refused, match="counts no more"):
        await approvals.check(pool, row.job_id, row.digest, SOON)
    not_before = "SELECT not_before FROM video_jobs WHERE job_id = $1"
    assert await pool.fetchval(not_before, row.job_id) is None
    kinds = [event.kind for event in await audit.search(pool, actor=BOB)]
    assert set(kinds) == {"approval.withdrawn", "approval.void", "autonomy.locked"}


async def test_a_persons_yes_is_not_taken_back_and_nobody_speaks_in_a_rules_name(
    pool: asyncpg.Pool,
) -> None:
    approval_id = await asked(pool)
    with pytest.raises(Refused, match="only an operator may"):
        await approvals.decide(pool, approval_id, True, "", "rule:publish:default", NOW)
    await answer(pool, approval_id)

    with pytest.raises(Refused, match="was approved by operator:ann"):
        await answer(pool, approval_id, yes=False)


async def test_a_lock_stops_what_is_not_sent_and_a_person_is_asked_anew(
    pool: asyncpg.Pool, clock: StandingClock
) -> None:
    await climbed(pool)
    row = await by_rule(pool, await asked(pool))
    await ladder.lock(pool, "default", "strike: a complaint", BOB)

    with pytest.raises(Refused, match="is locked since"):
        await approvals.check(pool, row.job_id, row.digest, SOON)
    await approvals.check(pool, row.job_id, row.digest, SOON, begun=True)
    assert await ruling.end_unsent(pool, "default", "locked") == (row.approval_id,)
    assert await ruling.end_unsent(pool, "default", "locked") == ()
    anew = await approvals.renew(pool, row.approval_id, BOB, SOON, timedelta(hours=1))

    assert (anew.state, anew.follows) == ("pending", row.approval_id)
    await granted(pool)
    for _ in range(3):
        await answer(pool, await asked(pool))
    clock.at = SOON
    with pytest.raises(Refused, match="asked about before"):
        await by_rule(pool, anew.approval_id)
