"""Logs cut off or written anew, which only the exported notes, or the key, give away."""

from pathlib import Path

import asyncpg

from bookai.db.seal.merkle import Checkpoint, sign_note
from tests.bookai.db.seal.sealed import KEYS, THIEF, check, exported, fill, rewrite, write


async def test_an_end_cut_off_with_its_checkpoints_is_found_by_the_exported_notes(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await attacker.execute("DELETE FROM audit_log WHERE id > 8")
    await attacker.execute("DELETE FROM audit_leaf WHERE event_id > 8")
    await attacker.execute("DELETE FROM audit_checkpoint WHERE tree_size > 8")

    assert (await check(pool, None)).ok
    report = await check(pool, notes)
    assert report.problems == (
        f"the end was cut off: {notes} has a checkpoint over 12 events, the database covers 8",
    )


async def test_a_log_emptied_altogether_is_found_by_the_exported_notes(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await attacker.execute("TRUNCATE audit_log, audit_leaf, audit_checkpoint")

    assert (await check(pool, None)).ok
    assert len((await check(pool, notes)).problems) == 3


async def test_a_log_rewritten_with_the_stolen_key_is_found_by_the_exported_notes(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await rewrite(attacker, KEYS)

    assert (await check(pool, None)).ok
    assert (await check(pool, notes)).problems == (
        f"history up to checkpoint 8 was rewritten: {notes} has another note",
        f"history up to checkpoint 12 was rewritten: {notes} has another note",
    )


async def test_a_log_rewritten_with_another_key_is_found(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await rewrite(attacker, THIEF)

    report = await check(pool, None)
    assert (report.first_bad or "").startswith("checkpoint 4 has no valid signature: signed by key")


async def test_an_edited_export_is_found(pool: asyncpg.Pool, notes: Path) -> None:
    await fill(pool, notes)
    first, second, third = exported(notes)

    write(notes, [first, third])
    assert (await check(pool, notes)).problems == (f"{notes} lacks checkpoint 8",)

    write(notes, [first, second.replace("\n8\n", "\n7\n"), third])
    assert not (await check(pool, notes)).ok

    forged = sign_note(Checkpoint(5, b"r" * 32, 1), KEYS.private)
    write(notes, [first, forged, second, third])
    assert (await check(pool, notes)).problems == (
        f"checkpoint 5 in {notes} is unknown to the database",
    )

    write(notes, [])
    assert (await check(pool, notes)).problems == (f"{notes} has no notes, the database has 3",)


async def test_a_report_names_fifty_problems_and_counts_the_rest(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes, seals=1, each=60)
    await attacker.execute("UPDATE audit_log SET body = '[]'")

    report = await check(pool, notes)

    assert len(report.problems) == 51
    assert report.problems[-1] == "and 10 more problems"
