"""Seal the audit log: put events under signed checkpoints, and export every checkpoint.

Only one process seals at a time. It takes the events of transactions that nothing running can
still add to, so the order it fixes is final. What is not yet sealed is not yet protected: call
`seal` about once a second.
"""

import asyncio
import logging
from pathlib import Path

import asyncpg

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.db.seal.files import SealKeys, append_notes, last_note
from bookai.db.seal.merkle import Checkpoint, Frontier, event_leaf, open_note, read_note, sign_note
from bookai.errors import OperatorNeeded
from bookai.metrics import AUDIT_SEALED, AUDIT_UNSEALED

logger = logging.getLogger(__name__)

SEALER_LOCK = 0x626F6F6B_0002
"""The advisory lock of the one who seals; any constant that nobody else uses."""

BATCH = 2000
"""Events a checkpoint covers at most: bounds the memory, as a body may have 64 KiB."""

_VERIFY = "To see what is wrong: bookai audit verify"

CAN_BE_SEALER = """
SELECT EXISTS (SELECT FROM pg_roles
                WHERE rolname = 'bookai_sealer'
                  AND pg_has_role(current_user, oid, 'MEMBER'))
"""
SELECT_LAST = """
SELECT tree_size, frontier, hi_xid::text::bigint AS hi_xid, note
  FROM audit_checkpoint
 ORDER BY tree_size DESC
 LIMIT 1
"""
SELECT_NOTES = """
SELECT tree_size, note
  FROM audit_checkpoint
 WHERE tree_size >= $1
 ORDER BY tree_size
"""
SELECT_XMIN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
SELECT_UNSEALED = """
SELECT e.id, (extract(epoch FROM e.at) * 1000000)::bigint AS at_us,
       e.kind, e.actor, e.job_id, e.body, e.xid::text::bigint AS xid
  FROM audit_log e
 WHERE e.xid >= $1::text::xid8
   AND (e.xid < pg_snapshot_xmin(pg_current_snapshot())
        OR ($2 AND e.xid >= pg_snapshot_xmax(pg_current_snapshot())))
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
 ORDER BY e.xid, e.id
 LIMIT $3
"""
INSERT_CHECKPOINT = """
INSERT INTO audit_checkpoint (tree_size, prev_size, root, frontier, hi_xid, note)
VALUES ($1, $2, $3, $4, $5::text::xid8, $6)
"""


async def seal(pool: Pool, keys: SealKeys, notes_path: Path) -> int:
    """Seal what is there, append each checkpoint to `notes_path`, return how many events.

    Returns 0 at once when another process is sealing. Stopped at any point, the next call goes on.

    Raises:
        OperatorNeeded: the stored checkpoints are not those that we signed and exported, or the
            database user may not seal.
    """
    async with pool.acquire() as con:
        if not await con.fetchval("SELECT pg_try_advisory_lock($1)", SEALER_LOCK):
            return 0
        try:
            sealed = await _seal_all(con, keys, notes_path)
            AUDIT_UNSEALED.set((await audit.totals(con)).unsealed)
        except asyncpg.InsufficientPrivilegeError as error:
            raise OperatorNeeded(
                f"this database user may not seal the audit log ({error}).",
                mend="As the database's owner: GRANT bookai_sealer TO bookai_app;",
            ) from error
        finally:
            if not con.is_closed():
                await con.execute("SELECT pg_advisory_unlock($1)", SEALER_LOCK)
    return sealed


async def _seal_all(con: Con, keys: SealKeys, notes_path: Path) -> int:
    as_sealer = bool(await con.fetchval(CAN_BE_SEALER))
    edge, hi_xid = await _open_edge(con, keys)
    await _export_missing(con, notes_path)
    sealed = 0
    while True:
        before = edge.size
        edge, hi_xid, note = await _seal_batch(con, keys, edge, hi_xid, as_sealer)
        if note is None:
            return sealed
        # After the commit: a note that the database does not know would be a false alarm.
        await asyncio.to_thread(append_notes, notes_path, [note])
        count = edge.size - before
        sealed += count
        AUDIT_SEALED.inc(count)
        if count < BATCH:
            return sealed


async def _open_edge(con: Con, keys: SealKeys) -> tuple[Frontier, int]:
    last = await con.fetchrow(SELECT_LAST)
    if last is None:
        return Frontier(), 0
    size = last["tree_size"]
    try:
        said = open_note(last["note"], keys.verifier)
        edge = Frontier(size, last["frontier"])
    except ValueError as error:
        raise OperatorNeeded(
            f"the audit checkpoint at {size} is not one that our key signed ({error}).",
            mend=f"If the studio moved, copy its signing.key. {_VERIFY}",
        ) from error
    if said != Checkpoint(size, edge.root(), last["hi_xid"]):
        raise OperatorNeeded(
            f"the audit checkpoint at {size} says something else than its signed note.",
            mend=_VERIFY,
        )
    return edge, last["hi_xid"]


async def _seal_batch(
    con: Con, keys: SealKeys, edge: Frontier, hi_xid: int, as_sealer: bool
) -> tuple[Frontier, int, str | None]:
    """Seal up to `BATCH` events in one transaction; return the new edge, watermark and note."""
    async with con.transaction(isolation="repeatable_read"):
        if as_sealer:
            await con.execute("SET LOCAL ROLE bookai_sealer")
        xmin: int = await con.fetchval(SELECT_XMIN)
        # Restored into another cluster, transaction ids begin low again: then look at all events
        # once, also at those whose ids lie in this cluster's future.
        is_restored = xmin < hi_xid
        start = 0 if is_restored else hi_xid
        rows = await con.fetch(SELECT_UNSEALED, str(start), is_restored, BATCH)
        if not rows:
            return edge, hi_xid, None
        grown = Frontier(edge.size, edge.roots)
        leaves = []
        for row in rows:
            leaf = event_leaf(
                row["id"], row["at_us"], row["kind"], row["actor"], row["job_id"], row["body"]
            )
            leaves.append((grown.size, row["id"], leaf))
            grown.append(leaf)
        if len(rows) < BATCH:
            hi_xid = xmin
        elif not is_restored:
            hi_xid = rows[-1]["xid"]
        checkpoint = Checkpoint(grown.size, grown.root(), hi_xid)
        note = sign_note(checkpoint, keys.private)
        await con.copy_records_to_table(
            "audit_leaf", columns=["leaf_index", "event_id", "leaf"], records=leaves
        )
        await con.execute(
            INSERT_CHECKPOINT,
            grown.size,
            edge.size,
            checkpoint.root,
            grown.roots,
            str(hi_xid),
            note,
        )
    return grown, hi_xid, note


async def _export_missing(con: Con, notes_path: Path) -> None:
    """Append the checkpoints that a crash, or a seal on another machine, kept out of our file."""
    last = await asyncio.to_thread(last_note, notes_path)
    stored = await con.fetch(SELECT_NOTES, read_note(last).size if last else 0)
    if last and (not stored or stored[0]["note"] != last):
        raise OperatorNeeded(
            f"the audit log in the database is not the one exported to {notes_path}.",
            mend=f"{_VERIFY}. After restoring an older backup on purpose, move that file aside.",
        )
    missing = [row["note"] for row in stored[1 if last else 0 :]]
    if missing:
        logger.warning(
            "Exporting %d audit checkpoints that %s lacked",
            len(missing),
            notes_path,
            extra={"action": "audit_export_mended", "count": len(missing)},
        )
        await asyncio.to_thread(append_notes, notes_path, missing)
