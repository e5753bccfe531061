import re
import shutil
from pathlib import Path

import asyncpg
import pytest

from bookai.db import audit
from bookai.db.seal.merkle import Checkpoint, sign_note
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import Since, verify
from bookai.errors import Refused
from tests.bookai.db.seal.sealed import KEYS, check, exported, fill, rewrite, write

TAMPERING = {
    "body": ("UPDATE audit_log SET body = '{}' WHERE id = #6", "event #6 was changed"),
    "actor": ("UPDATE audit_log SET actor = 'x' WHERE id = #6", "event #6 was changed"),
    "kind": ("UPDATE audit_log SET kind = 'x' WHERE id = #6", "event #6 was changed"),
    "job": ("UPDATE audit_log SET job_id = 99 WHERE id = #6", "event #6 was changed"),
    "timestamp": (
        "UPDATE audit_log SET at = at - interval '1 microsecond' WHERE id = #6",
        "event #6 was changed",
    ),
    "timestamp out of the calendar": (
        "UPDATE audit_log SET at = 'infinity' WHERE id = #6",
        "event #6 was changed",
    ),
    "timestamp that no number of microseconds reaches": (
        "UPDATE audit_log SET at = '294276-12-01' WHERE id = #6",
        "event #6 was changed",
    ),
    "timestamp before all history": (
        "UPDATE audit_log SET at = '4713-01-01 BC' WHERE id = #6",
        "event #6 was changed",
    ),
    "the oldest of several": (
        "UPDATE audit_log SET body = '{}' WHERE id IN (#11, #7, #3)",
        "event #3 was changed",
    ),
    "body with its leaf": (
        "UPDATE audit_log SET body = '{}' WHERE id = #6;"
        "UPDATE audit_leaf SET leaf = sha256('x') WHERE event_id = #6",
        "event #6 was changed",
    ),
    "leaf": (
        "UPDATE audit_leaf SET leaf = sha256('x') WHERE event_id = #6",
        "event #6 was changed",
    ),
    "event deleted": ("DELETE FROM audit_log WHERE id = #6", "event #6 was deleted"),
    "event and leaf deleted": (
        "DELETE FROM audit_log WHERE id = #6; DELETE FROM audit_leaf WHERE event_id = #6",
        "leaf 5 is missing (before event #7)",
    ),
    "deleted and renumbered": (
        "DELETE FROM audit_log WHERE id = #6; DELETE FROM audit_leaf WHERE event_id = #6;"
        "UPDATE audit_leaf SET leaf_index = leaf_index + 1000 WHERE leaf_index > 5;"
        "UPDATE audit_leaf SET leaf_index = leaf_index - 1001 WHERE leaf_index > 1000",
        "checkpoint 8 does not fit the log: an event between",
    ),
    "inserted late": (
        "INSERT INTO audit_log (id, at, xid, kind, actor, body) OVERRIDING SYSTEM VALUE"
        " SELECT #999, at, xid, 'approval.decided', 'operator:ann', '{}'"
        " FROM audit_log WHERE id = #6",
        "event #999 was inserted into history",
    ),
    "inserted late with a leaf": (
        "INSERT INTO audit_log (id, at, xid, kind, actor, body) OVERRIDING SYSTEM VALUE"
        " SELECT #999, at, xid, 'a', 'b', '{}' FROM audit_log WHERE id = #6;"
        "INSERT INTO audit_leaf VALUES (12, #999, sha256('x'))",
        "event #999 was changed",
    ),
    "a leaf planted far out": (
        "INSERT INTO audit_leaf VALUES (9000000000000000, #999, sha256('x'))",
        "leaf 12 is missing (before event #999)",
    ),
    "a leaf planted at the last place there is": (
        "INSERT INTO audit_leaf VALUES (9223372036854775807, #999, sha256('x'))",
        "leaf 12 is missing (before event #999)",
    ),
    "a leaf planted at the next place": (
        "INSERT INTO audit_leaf VALUES (12, #999, sha256('x'))",
        "event #999 was deleted",
    ),
    "inserted in the middle with a leaf": (
        "INSERT INTO audit_log (id, at, xid, kind, actor, body) OVERRIDING SYSTEM VALUE"
        " SELECT #999, at, xid, 'a', 'b', '{}' FROM audit_log WHERE id = #6;"
        "UPDATE audit_leaf SET leaf_index = leaf_index + 1001 WHERE leaf_index > 5;"
        "UPDATE audit_leaf SET leaf_index = leaf_index - 1000 WHERE leaf_index > 1000;"
        "INSERT INTO audit_leaf VALUES (6, #999, sha256('x'))",
        "event #999 was changed",
    ),
    "reordered": (
        "UPDATE audit_leaf SET leaf_index = 99 WHERE leaf_index = 5;"
        "UPDATE audit_leaf SET leaf_index = 5 WHERE leaf_index = 7;"
        "UPDATE audit_leaf SET leaf_index = 7 WHERE leaf_index = 99",
        "event #7 stands after event #8, which came later",
    ),
    "end cut off": (
        "DELETE FROM audit_log WHERE id > #9; DELETE FROM audit_leaf WHERE event_id > #9",
        "the end was cut off: checkpoint 12 covers 12 events, 9 are left, the last is event #9",
    ),
    "a checkpoint removed": (
        "DELETE FROM audit_checkpoint WHERE tree_size = 8",
        "a checkpoint between @before and 12 is missing",
    ),
    "a root replaced": (
        "UPDATE audit_checkpoint SET root = sha256('x') WHERE tree_size = 8",
        "checkpoint 8 does not fit the log",
    ),
    "a watermark moved": (
        "UPDATE audit_checkpoint SET hi_xid = '1' WHERE tree_size = 12",
        "checkpoint 12 goes back behind the one before it",
    ),
    "an era made up": (
        "UPDATE audit_checkpoint SET era = 9 WHERE tree_size = 12",
        "checkpoint 12 does not say what was signed",
    ),
    "a signature replaced": (
        "UPDATE audit_checkpoint SET note = overlay(note PLACING 'AAAA' FROM length(note) - 8)"
        " WHERE tree_size = 8",
        "checkpoint 8 has no valid signature",
    ),
}


KEEP = """
CREATE TABLE kept_log AS TABLE audit_log;
CREATE TABLE kept_leaf AS TABLE audit_leaf;
CREATE TABLE kept_checkpoint AS TABLE audit_checkpoint;
"""
PUT_BACK = """
TRUNCATE audit_log, audit_leaf, audit_checkpoint;
INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM kept_log;
INSERT INTO audit_leaf SELECT * FROM kept_leaf;
INSERT INTO audit_checkpoint SELECT * FROM kept_checkpoint;
"""
BORDER = 50_000_000


@pytest.mark.parametrize("world", ["young", "over the border of partitions", "over that of eras"])
async def test_tampering_is_found_and_the_first_bad_row_is_named(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path, world: str
) -> None:
    before_first, before = 0, "4"
    if "partitions" in world:
        before_first = BORDER - 7  # the sixth event is the last of its partition
        await attacker.execute(f"ALTER TABLE audit_log ALTER COLUMN id RESTART WITH {BORDER - 6}")
        await audit.make_room(pool)
    if "eras" in world:
        before = "5"
        await fill(pool, notes, seals=1)
        await attacker.execute("UPDATE audit_checkpoint SET cluster = 1")
        assert await seal(pool, KEYS, notes) == 1  # the event that tells of the new era
        await fill(pool, notes, seals=1, each=3)
        await fill(pool, notes, seals=1)
        assert (await check(pool, notes)).eras == 2
    else:
        await fill(pool, notes)
    await attacker.execute(KEEP)
    missed = {}

    def numbered(text: str) -> str:
        text = re.sub(r"#(\d+)", lambda found: str(before_first + int(found[1])), text)
        return text.replace("@before", before)

    for how, (statements, words) in TAMPERING.items():
        await attacker.execute(numbered(statements))
        for export in (notes, None):
            report = await check(pool, export)
            if not (report.first_bad or "").startswith(numbered(words)):
                missed[how] = (numbered(words), report.first_bad, report.problems)
        await attacker.execute(PUT_BACK)
        assert (await check(pool, notes)).ok

    assert missed == {}


async def test_a_log_rolled_back_to_an_old_backup_is_found_by_the_exported_notes(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path, tmp_path: Path
) -> None:
    await fill(pool, notes, seals=2)
    await attacker.execute(KEEP)
    await fill(pool, notes, seals=1)
    shutil.copyfile(notes, tmp_path / "mailed.notes")

    await attacker.execute(PUT_BACK)
    assert (await check(pool, None)).ok
    assert (await check(pool, notes)).first_bad == (
        f"the end was cut off: {notes} has a checkpoint over 12 events, the database covers 8"
    )
    # Who also rewrites our own export is found by any copy that he cannot reach.
    write(notes, exported(notes)[:2])
    assert (await check(pool, notes)).ok
    report = await verify(pool, KEYS.verifier, notes, against=[tmp_path / "mailed.notes"])
    assert "mailed.notes has a checkpoint over 12 events" in (report.first_bad or "")


async def test_a_copy_elsewhere_may_lack_notes_but_not_contradict(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path, tmp_path: Path
) -> None:
    await fill(pool, notes)
    copy = tmp_path / "copy.notes"
    write(copy, exported(notes)[1:2])

    assert (await verify(pool, KEYS.verifier, notes, against=[copy])).ok

    forged = sign_note(Checkpoint(8, b"r" * 32, 1), KEYS.private)
    write(copy, [forged])
    report = await verify(pool, KEYS.verifier, notes, against=[copy])
    assert report.problems == (
        f"history up to checkpoint 8 was rewritten: {copy} has another note",
    )
    with pytest.raises(Refused, match="no exported notes"):
        await verify(pool, KEYS.verifier, notes, against=[tmp_path / "missing"])


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(Since(event_id=10), id="event"),
        pytest.param(Since(event_id=9), id="first event after a checkpoint"),
        pytest.param(Since(size=9), id="size"),
        pytest.param(Since(size=8), id="size of a checkpoint"),
    ],
)
async def test_since_trusts_the_checkpoint_before_and_checks_what_came_after(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path, since: Since
) -> None:
    await fill(pool, notes)

    report = await verify(pool, KEYS.verifier, notes, since=since)
    assert (report.ok, report.trusted, report.events) == (True, 8, 12)

    await attacker.execute("UPDATE audit_log SET body = '{}' WHERE id IN (3, 11)")
    report = await verify(pool, KEYS.verifier, notes, since=since)
    assert report.problems == ("event 11 was changed after it was sealed",)


async def test_since_finds_an_export_that_contradicts_what_it_trusts(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await fill(pool, notes)
    await rewrite(attacker, KEYS)

    report = await verify(pool, KEYS.verifier, notes, since=Since(size=8))

    assert report.first_bad == (
        f"history up to checkpoint 8 was rewritten: {notes} has another note"
    )


async def test_since_asks_for_an_event_that_is_sealed(pool: asyncpg.Pool, notes: Path) -> None:
    await fill(pool, notes, seals=1)

    with pytest.raises(Refused, match="event 99 is not sealed"):
        await verify(pool, KEYS.verifier, notes, since=Since(event_id=99))
    assert (await verify(pool, KEYS.verifier, notes, since=Since(size=3))).trusted == 0


async def test_an_erased_text_is_not_missed_and_a_changed_one_is_found(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    for subject in ("ann", "bob"):
        await audit.append(pool, "a", "studio", {}, personal={"name": subject}, subject=subject)
    assert (await check(pool, notes)).personal == 2
    await seal(pool, KEYS, notes)

    await audit.erase(pool, "ann", "operator:eve", "asked")
    await seal(pool, KEYS, notes)
    report = await check(pool, notes)
    assert (report.ok, report.personal) == (True, 1)

    await attacker.execute("UPDATE audit_personal SET value = 'eve'")
    assert (await check(pool, notes)).problems == (
        "the personal text 'name' of event 2 is not the one that the log committed to",
    )
