import asyncio
import re
import shutil
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db import pool as pool_module
from bookai.db.pool import open_pool
from bookai.db.seal import pages
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import Checkpoint, Frontier, event_leaf, sign_note, split_notes
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import Since, VerifyReport, verify
from bookai.errors import Refused

IDLE_FOR = """
SELECT EXISTS (SELECT
                 FROM pg_stat_activity
                WHERE datname = current_database()
                  AND state = 'idle in transaction'
                  AND clock_timestamp() - state_change > make_interval(secs => $1))
"""
KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
THIEF = SealKeys(Ed25519PrivateKey.from_private_bytes(b"t" * 32))


def exported(notes: Path) -> list[str]:
    return list(split_notes(notes.read_text(encoding="utf-8")))


async def fill(pool: asyncpg.Pool, notes: Path, seals: int = 3, each: int = 4) -> None:
    for _ in range(seals):
        for number in range(each):
            await audit.append(pool, "tick", "studio", {"n": number}, job_id=number)
        assert await seal(pool, KEYS, notes) == each


async def check(pool: asyncpg.Pool, notes: Path | None) -> VerifyReport:
    return await verify(pool, KEYS.verifier, notes)


def write(notes: Path, lines: list[str]) -> None:
    notes.write_text("\n".join(lines), encoding="utf-8")


# What an owner with the triggers off can do, and the words of the report that name the first bad
# row. `#6` is the sixth event; checkpoints cover 4, 8 and 12 of them (and 5, where an era begins).
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


@pytest.mark.parametrize("page", [7, 50])
async def test_many_pages_are_read_in_order_by_several_connections(
    pool: asyncpg.Pool, notes: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(pages, "PAGE", page)
    await fill(pool, notes, seals=5, each=20)
    await audit.append(pool, "tick", "studio", {})

    report = await check(pool, notes)

    assert (report.ok, report.sealed, report.unsealed) == (True, 100, 1)


async def test_one_connection_reads_all_pages_where_there_are_no_more(
    dsn: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 5)
    async with open_pool(dsn, size=2) as pool:
        await fill(pool, notes)

        assert (await check(pool, notes)).sealed == 12


async def test_a_long_walk_outlasts_the_limit_on_idle_transactions(
    pool: asyncpg.Pool,
    dsn: str,
    attacker: asyncpg.Connection,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "PAGE", 5)
    await fill(pool, notes)
    monkeypatch.setattr(pool_module, "IDLE_S", 0.3)

    async with (
        open_pool(dsn, size=4) as ours,
        asyncio.TaskGroup() as group,
        attacker.transaction(),
    ):
        # Who reads pages waits for this; whoever lent them the snapshot is idle meanwhile.
        await attacker.execute("LOCK TABLE audit_log")
        report = group.create_task(check(ours, notes))
        await until_idle_for(pool, 0.6)

    assert report.result().ok


async def test_an_export_that_is_read_slowly_outlasts_that_limit(
    pool: asyncpg.Pool, dsn: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(pool, notes, seals=1)
    monkeypatch.setattr(pool_module, "IDLE_S", 0.3)

    async with open_pool(dsn, size=1) as ours:
        events = audit.stream(ours, audit.Wanted())
        first = await anext(events)
        await until_idle_for(pool, 0.6)
        rest = [event async for event in events]

    assert [event.event_id for event in (first, *rest)] == [1, 2, 3, 4]


async def until_idle_for(pool: asyncpg.Pool, seconds: float) -> None:
    """Return when some transaction of another session has been idle for so long."""
    async with asyncio.timeout(4):
        while not await pool.fetchval(IDLE_FOR, seconds):
            pass


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


async def rewrite(attacker: asyncpg.Connection, keys: SealKeys) -> None:
    """Change an event, then make every leaf, root and signature fit again."""
    await attacker.execute("UPDATE audit_log SET body = '{}' WHERE id = 6")
    tree = Frontier()
    for row in await attacker.fetch(
        "SELECT id, (extract(epoch FROM at) * 1000000)::bigint, kind, actor, job_id, body"
        "  FROM audit_log ORDER BY id"
    ):
        leaf = event_leaf(*row)
        tree.append(leaf)
        await attacker.execute(
            "UPDATE audit_leaf SET leaf = $1 WHERE event_id = $2", leaf, row["id"]
        )
        xid = await attacker.fetchval(
            "SELECT hi_xid::text::bigint FROM audit_checkpoint WHERE tree_size = $1", tree.size
        )
        if xid is not None:
            note = sign_note(Checkpoint(tree.size, tree.root(), xid), keys.private)
            await attacker.execute(
                "UPDATE audit_checkpoint SET root = $1, note = $2, frontier = $3"
                " WHERE tree_size = $4",
                tree.root(),
                note,
                tree.roots,
                tree.size,
            )


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
