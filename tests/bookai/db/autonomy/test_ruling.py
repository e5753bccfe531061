"""Hostile SQL with the program's own role: no yes by rule but the database's, told in its log."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.audit import canonical
from bookai.db.autonomy import ladder
from bookai.db.seal.sealer import seal
from tests.bookai.db.approvals.asked import ANN, NOW
from tests.bookai.db.autonomy.climbing import (
    PASSPORT,
    TERMS,
    answer,
    asked,
    by_rule,
    climbed,
    granted,
    rung,
)
from tests.bookai.db.autonomy.clock import StandingClock
from tests.bookai.db.seal.sealed import KEYS, check

RULE = "rule:publish:default"
SAY_YES = (
    "SELECT approve_by_rule($1, (SELECT digest FROM approvals WHERE approval_id = $1), $2, $3)"
)
PRETEND = (
    "UPDATE approvals SET state = 'approved', decided_by = 'rule:publish:default',"
    " decided_at = $2 WHERE approval_id = $1"
)
BY_HAND = (
    "INSERT INTO autonomy_approvals SELECT 1, 'publish', 'default', repeat('a', 64),"
    " now(), current_date, 'operator:x'",
    "UPDATE autonomy_approvals SET day = day - 1",
    "DELETE FROM autonomy_approvals",
    "INSERT INTO autonomy SELECT u.* FROM autonomy u",
    "UPDATE autonomy SET level = 'limited', in_a_row = 1000",
    "UPDATE autonomy SET per_day = 1000",
    "UPDATE autonomy SET after = 3, time_zone = 'Pacific/Kiritimati'",
    "DELETE FROM autonomy",
    "TRUNCATE autonomy_approvals",
    "ALTER TABLE approvals DISABLE TRIGGER USER",
    "SET session_replication_role = replica",
    "SELECT autonomy_note('autonomy.earned', 'x', u, 1, 1) FROM autonomy u",
    "SELECT autonomy_earned_by(u) FROM autonomy u",
    "ALTER FUNCTION approve_by_rule(bigint, text, jsonb, text[]) SET search_path = pg_temp",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
    " AS 'SELECT now() + interval ''1 day'''",
)
WITH_A_TIME = (
    "SELECT approve_by_rule(1, 'x', now(), 'x', '{}')",
    "SELECT autonomy_grant('a', 3, 1, 'UTC', 1, '{}', 'operator:ann', now())",
    "SELECT autonomy_lock('a', 'locked', 'x', 'x', now(), false, 1, 1)",
)
standing = pytest.mark.usefixtures("clock")


async def say_yes(con: asyncpg.Pool | asyncpg.Connection, approval_id: int) -> None:
    """Call the function as whoever has SQL can, without the program around it."""
    await con.execute(SAY_YES, approval_id, dict(PASSPORT), ["nothing"])


async def told(pool: asyncpg.Pool) -> list[audit.Event]:
    return list(await audit.search(pool, kind="approval.decided", actor=RULE))


@standing
async def test_a_rule_that_is_pretended_is_refused_by_the_database(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    approval_id = await asked(pool)

    with pytest.raises(asyncpg.CheckViolationError, match="no rule says so"):
        await pool.execute(PRETEND, approval_id, NOW)
    with pytest.raises(asyncpg.CheckViolationError, match="by agent:x"):
        await pool.execute(PRETEND.replace(RULE, "agent:x"), approval_id, NOW)
    for names in ([], ["x" * 101], ["x"] * 101, [""], None):
        with pytest.raises(asyncpg.CheckViolationError, match="short names"):
            await pool.execute(SAY_YES, approval_id, dict(PASSPORT), names)
    assert (await approvals.get(pool, approval_id)).state == "pending"


async def test_nothing_of_the_ladder_can_be_written_by_hand_and_nobody_can_name_a_time(
    pool: asyncpg.Pool,
) -> None:
    for statement in BY_HAND:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
    for statement in WITH_A_TIME:
        with pytest.raises(asyncpg.UndefinedFunctionError):
            await pool.execute(statement)


async def test_a_yes_has_the_servers_own_time(pool: asyncpg.Pool) -> None:
    await granted(pool)
    for _ in range(3):
        await answer(pool, await asked(pool, now=datetime.now(UTC)), now=datetime.now(UTC))
    approval_id = await asked(pool, now=datetime.now(UTC))
    before = datetime.now(UTC)

    await say_yes(pool, approval_id)

    row = await approvals.get(pool, approval_id)
    assert row.decided_at is not None
    assert before <= row.decided_at <= datetime.now(UTC)
    assert await ladder.counts(pool, "default", row.decided_at)


@standing
async def test_a_bare_call_is_told_in_the_log_and_the_log_holds(
    pool: asyncpg.Pool, notes: Path
) -> None:
    await climbed(pool)
    approval_id = await asked(pool)
    row = await approvals.get(pool, approval_id)

    async with pool.acquire() as con:
        await con.execute("SET timezone = 'Pacific/Kiritimati'")
        await con.execute("SET datestyle = 'German'")
        await say_yes(con, approval_id)

    (event,) = await told(pool)
    body = json.loads(event.body)
    assert event.body == canonical(body)
    assert (event.job_id, body["digest"], body["decided_at"]) == (
        row.job_id,
        row.digest,
        NOW.isoformat(),
    )
    assert (body["rule"]["name"], body["rule"]["granted_by"]) == (RULE, ANN)
    assert body["rule"]["day"] == NOW.date().isoformat()
    await seal(pool, KEYS, notes)
    report = await check(pool, notes)
    assert (report.ok, report.unsealed) == (True, 0)


@standing
async def test_a_yes_and_its_event_come_and_go_together(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    approval_id = await asked(pool)

    async with pool.acquire() as con:
        undone = con.transaction()
        await undone.start()
        await say_yes(con, approval_id)
        await undone.rollback()

    assert (await approvals.get(pool, approval_id)).state == "pending"
    assert await told(pool) == []


@standing
async def test_who_looks_at_an_old_snapshot_cannot_exceed_the_cap(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    ids = [await asked(pool) for _ in range(3)]

    async with pool.acquire() as con, con.transaction(isolation="repeatable_read"):
        await con.fetchval("SELECT count(*) FROM autonomy_approvals")
        for approval_id in ids[:2]:
            await by_rule(pool, approval_id)
        with pytest.raises(asyncpg.CheckViolationError, match="would not see"):
            async with con.transaction():
                await say_yes(con, ids[2])

    assert len(await told(pool)) == 2


@standing
async def test_tables_of_the_callers_making_mislead_nobody(pool: asyncpg.Pool) -> None:
    await climbed(pool)
    await climbed(pool, "other")
    ids = [await asked(pool) for _ in range(3)]
    job_id = (await approvals.get(pool, await asked(pool, "other"))).job_id

    async with pool.acquire() as con:
        await con.execute("CREATE TEMP TABLE autonomy_approvals (LIKE public.autonomy_approvals)")
        await con.execute("CREATE TEMP TABLE approval_votes (LIKE public.approval_votes)")
        await con.execute("CREATE TEMP TABLE audit_log (LIKE public.audit_log)")
        await con.execute(
            "CREATE TEMP TABLE video_jobs AS SELECT j.job_id, 'default' AS channel, j.requested_by"
            " FROM public.video_jobs j"
        )
        for approval_id in ids[:2]:
            await say_yes(con, approval_id)
        with pytest.raises(asyncpg.CheckViolationError, match="2 of 2 are used today"):
            await say_yes(con, ids[2])
        await con.execute("UPDATE approvals SET state = 'void' WHERE job_id = $1", job_id)
        channel = await con.fetchval(
            "INSERT INTO approvals (job_id, digest, post, video_path, requested_at, expires_at)"
            " SELECT job_id, digest, post, video_path, requested_at, expires_at"
            " FROM public.approvals WHERE job_id = $1 RETURNING channel",
            job_id,
        )
        await con.execute("DISCARD TEMP")

    assert channel == "other"
    assert len(await told(pool)) == 2


async def test_a_decision_that_is_dated_back_lets_no_old_yes_count_again(
    pool: asyncpg.Pool, clock: StandingClock
) -> None:
    await climbed(pool)
    clock.at = NOW + timedelta(hours=1)
    row = await by_rule(pool, await asked(pool))
    clock.at += timedelta(hours=1)
    await answer(pool, await asked(pool), yes=False, now=NOW)

    for _ in range(3):
        await answer(pool, await asked(pool), now=NOW)

    assert row.decided_at is not None
    assert (await rung(pool)).level == "limited"
    assert not await ladder.counts(pool, "default", row.decided_at)


@standing
async def test_limits_are_lifted_by_a_grant_alone_which_is_told_and_begins_the_row_anew(
    pool: asyncpg.Pool,
) -> None:
    await climbed(pool)
    lift = "SELECT autonomy_grant('default', $1, 1000, 'UTC', 1, $2, $3)"

    for after, who in ((3, "studio"), (3, "agent:x"), (3, "rule:publish:default"), (2, ANN)):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(lift, after, dict(PASSPORT), who)
    stands = await rung(pool)
    await pool.execute(lift, 3, dict(PASSPORT), "operator:eve")

    assert (stands.level, stands.per_day) == ("limited", TERMS.per_day)
    lifted = await rung(pool)
    assert (lifted.level, lifted.in_a_row) == ("manual", 0)
    (event, _) = await audit.search(pool, kind="autonomy.granted")
    assert (event.actor, json.loads(event.body)["per_day"]) == ("operator:eve", 1000)
    with pytest.raises(asyncpg.CheckViolationError, match="has not earned it"):
        await say_yes(pool, await asked(pool))
