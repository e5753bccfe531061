import asyncio
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.seal import sealer
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import split_notes
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import VerifyReport, verify
from bookai.errors import OperatorNeeded

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
THIEF = SealKeys(Ed25519PrivateKey.from_private_bytes(b"t" * 32))


def exported(notes: Path) -> list[str]:
    return list(split_notes(notes.read_text(encoding="utf-8")))


def tear(notes: Path, characters: int) -> None:
    notes.write_text(notes.read_text(encoding="utf-8")[:-characters], encoding="utf-8")


async def fill(pool: asyncpg.Pool, notes: Path, seals: int = 3, each: int = 4) -> None:
    for _ in range(seals):
        for number in range(each):
            await audit.append(pool, "tick", "studio", {"n": number}, job_id=number)
        assert await seal(pool, KEYS, notes) == each


async def check(pool: asyncpg.Pool, notes: Path | None) -> VerifyReport:
    return await verify(pool, KEYS.verifier, notes)


async def test_a_sealed_log_is_proven(pool: asyncpg.Pool, notes: Path) -> None:
    await fill(pool, notes)
    await audit.append(pool, "tick", "studio", {})

    assert await check(pool, notes) == VerifyReport(
        ok=True, events=13, sealed=12, unsealed=1, checkpoints=3, problems=()
    )
    assert await audit.totals(pool) == audit.Totals(events=13, unsealed=1)
    assert [event.sealed for event in await audit.search(pool, limit=2)] == [False, True]


async def test_an_empty_log_is_proven(pool: asyncpg.Pool, notes: Path) -> None:
    assert await seal(pool, KEYS, notes) == 0

    assert await check(pool, notes) == VerifyReport(
        ok=True, events=0, sealed=0, unsealed=0, checkpoints=0, problems=()
    )


async def test_nothing_new_makes_no_checkpoint(pool: asyncpg.Pool, notes: Path) -> None:
    await fill(pool, notes, seals=1)

    assert await seal(pool, KEYS, notes) == 0
    assert len(exported(notes)) == 1


async def test_more_than_a_batch_is_sealed_in_one_call(
    pool: asyncpg.Pool, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "BATCH", 3)
    async with pool.acquire() as con, con.transaction():
        for number in range(8):
            await audit.append(con, "tick", "studio", {"n": number})

    assert await seal(pool, KEYS, notes) == 8

    report = await check(pool, notes)
    assert (report.ok, report.sealed, report.checkpoints) == (True, 8, 3)


async def test_a_batch_may_end_in_the_middle_of_a_transaction(
    pool: asyncpg.Pool, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [audit.NewEvent("tick", "studio", {"n": n}) for n in range(7)]
    await audit.append_many(pool, events)
    monkeypatch.setattr(sealer, "BATCH", 7)
    assert await seal(pool, KEYS, notes) == 7
    monkeypatch.setattr(sealer, "BATCH", 3)
    await audit.append_many(pool, events)

    assert await seal(pool, KEYS, notes) == 7
    assert await seal(pool, KEYS, notes) == 0

    assert (await check(pool, notes)).ok


async def test_events_of_a_running_transaction_wait_for_its_end(
    pool: asyncpg.Pool, notes: Path
) -> None:
    async with pool.acquire() as slow:
        running = slow.transaction()
        await running.start()
        await audit.append(slow, "slow", "studio", {})
        await audit.append(pool, "fast", "studio", {})

        assert await seal(pool, KEYS, notes) == 0

        await running.commit()
    assert await seal(pool, KEYS, notes) == 2
    assert (await check(pool, notes)).ok


async def test_two_who_seal_at_once_seal_each_event_once(pool: asyncpg.Pool, notes: Path) -> None:
    for number in range(20):
        await audit.append(pool, "tick", "studio", {"n": number})

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(seal(pool, KEYS, notes)) for _ in range(4)]

    assert sum(task.result() for task in tasks) == 20
    assert (await check(pool, notes)).ok


async def test_nobody_seals_while_another_holds_the_lock(pool: asyncpg.Pool, notes: Path) -> None:
    await audit.append(pool, "tick", "studio", {})
    async with pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock($1)", sealer.SEALER_LOCK)
        assert await seal(pool, KEYS, notes) == 0
        await other.execute("SELECT pg_advisory_unlock($1)", sealer.SEALER_LOCK)

    assert await seal(pool, KEYS, notes) == 1


async def test_a_note_lost_in_a_crash_is_exported_by_the_next_seal(
    pool: asyncpg.Pool, notes: Path
) -> None:
    await fill(pool, notes)
    whole = exported(notes)
    tear(notes, characters=90)

    assert (await check(pool, notes)).ok
    assert await seal(pool, KEYS, notes) == 0

    assert exported(notes) == whole
    assert (await check(pool, notes)).ok


async def test_another_machine_gets_a_whole_export_of_its_own(
    pool: asyncpg.Pool, notes: Path, tmp_path: Path
) -> None:
    await fill(pool, notes)

    await seal(pool, KEYS, tmp_path / "other.notes")

    assert exported(tmp_path / "other.notes") == exported(notes)
    assert len(exported(notes)) == 3


async def test_what_an_older_cluster_left_unsealed_is_sealed_before_the_new(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if every transaction so far had come from a cluster that was much older than this one.
    monkeypatch.setattr(sealer, "BATCH", 3)
    old = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(8)]
    await attacker.execute("UPDATE audit_log SET xid = (xid::text::bigint + 1000000)::text::xid8")
    new = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(2)]

    assert (await check(pool, notes)).ok
    assert await seal(pool, KEYS, notes) == 10

    rows = await pool.fetch("SELECT event_id FROM audit_leaf ORDER BY leaf_index")
    assert [row["event_id"] for row in rows] == old + new
    await audit.append(pool, "tick", "studio", {"n": 4})
    assert await seal(pool, KEYS, notes) == 1
    report = await check(pool, notes)
    assert (report.problems, report.sealed, report.unsealed) == ((), 11, 0)


async def test_the_leaf_that_sql_computes_is_the_one_that_is_verified(
    pool: asyncpg.Pool, notes: Path
) -> None:
    for job_id in (None, 0, 7, -1, 2**62):
        await audit.append(
            pool, "a.b_c1", "operator:\u00c4nn\U0001f600", {"t": "\u00e9"}, job_id=job_id
        )

    assert await seal(pool, KEYS, notes) == 5

    assert (await check(pool, notes)).ok


async def test_a_key_that_did_not_sign_the_log_does_not_go_on_with_it(
    pool: asyncpg.Pool, notes: Path
) -> None:
    await fill(pool, notes, seals=1)

    with pytest.raises(OperatorNeeded, match=r"signing\.key"):
        await seal(pool, THIEF, notes)


async def test_a_planted_leaf_stops_the_sealer_until_the_owner_removes_it(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes, seals=1)
    async with pool.acquire() as con, con.transaction():
        await con.execute("SET LOCAL ROLE bookai_sealer")
        await con.execute("INSERT INTO audit_leaf VALUES (4, 999, sha256('x'))")
    await audit.append(pool, "tick", "studio", {})

    with pytest.raises(OperatorNeeded, match="from place 4 on that no seal wrote"):
        await seal(pool, KEYS, notes)
    await attacker.execute("DELETE FROM audit_leaf WHERE leaf_index >= 4")

    assert await seal(pool, KEYS, notes) == 1
    assert (await check(pool, notes)).ok


async def test_the_sealer_stops_when_the_database_forgot_an_exported_checkpoint(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await attacker.execute("DELETE FROM audit_checkpoint WHERE tree_size > 8")
    await attacker.execute("DELETE FROM audit_leaf WHERE leaf_index >= 8")
    await attacker.execute("DELETE FROM audit_log WHERE id > 8")

    with pytest.raises(OperatorNeeded, match="bookai audit verify"):
        await seal(pool, KEYS, notes)
