"""Seal the audit log: put events under signed checkpoints, and export every checkpoint.

Only one process seals at a time. It takes the events of transactions that nothing running can
still add to, so the order it fixes is final. What is not yet sealed is not yet protected: call
`seal` twice a second.
"""

import asyncio
import logging
from pathlib import Path

import asyncpg

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.db.seal.edge import Edge, open_edge
from bookai.db.seal.files import SealKeys, append_notes, last_note
from bookai.db.seal.merkle import Checkpoint, Frontier, read_note, sign_note
from bookai.errors import OperatorNeeded
from bookai.metrics import AUDIT_LAG, AUDIT_SEALED, AUDIT_UNSEALED

logger = logging.getLogger(__name__)

SEALER_LOCK = 0x626F6F6B_0002
"""The advisory lock of the one who seals; any constant that nobody else uses."""

BATCH = 5000
"""Events a checkpoint covers at most: bounds how long they wait for its commit."""

SEAL_S = 600.0
"""A statement's limit: after a restore one looks at the whole log."""

_HOW_TO_REMOVE = "docs/how-to/verify-the-audit-log.md, 'Leaves that no seal wrote'"
_VERIFY = "To see what is wrong: bookai audit verify"

CAN_BE_SEALER = """
SELECT EXISTS (SELECT FROM pg_roles
                WHERE rolname = 'bookai_sealer'
                  AND pg_has_role(current_user, oid, 'MEMBER'))
"""
SELECT_NOTES = """
SELECT tree_size, note
  FROM audit_checkpoint
 WHERE tree_size >= $1
 ORDER BY tree_size
"""
SELECT_SNAPSHOT = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax
"""
# `event_leaf` in SQL, so that the bodies need not travel; verification does it in Python. OFFSET 0
# keeps the planner from reading all leaves for a few events. Events of an earlier era can have the
# transaction ids of this one: hence the look for a leaf at all.
INSERT_LEAVES = r"""
WITH taken AS MATERIALIZED (
    SELECT e.id, e.xid, e.at,
           sha256('\x00'::bytea
                  || int8send(e.id)
                  || int8send((extract(epoch FROM e.at) * 1000000)::bigint)
                  || boolsend(e.job_id IS NOT NULL)
                  || int8send(coalesce(e.job_id, 0))
                  || int4send(octet_length(convert_to(e.kind, 'UTF8')))
                  || convert_to(e.kind, 'UTF8')
                  || int4send(octet_length(convert_to(e.actor, 'UTF8')))
                  || convert_to(e.actor, 'UTF8')
                  || convert_to(e.body, 'UTF8')) AS leaf
      FROM audit_log e
     WHERE (e.xid, e.id) > ($1::text::xid8, $2)
       AND e.xid < $3::text::xid8
       AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id OFFSET 0)
     ORDER BY e.xid, e.id
     LIMIT $4
), added AS (
    INSERT INTO audit_leaf (leaf_index, event_id, leaf)
    SELECT $5 + row_number() OVER (ORDER BY xid, id) - 1, id, leaf
      FROM taken
)
SELECT array_agg(leaf ORDER BY xid, id) AS leaves,
       max(xid::text::bigint) AS last_xid,
       (array_agg(id ORDER BY xid DESC, id DESC))[1] AS last_id,
       extract(epoch FROM clock_timestamp() - min(at))::float8 AS waited_s
  FROM taken
"""
INSERT_CHECKPOINT = """
INSERT INTO audit_checkpoint
       (tree_size, prev_size, root, frontier, hi_xid, note, era, cluster, first_pass)
VALUES ($1, $2, $3, $4, $5::text::xid8, $6, $7, $8, $9)
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
            return await _Sealer(con, keys, notes_path).seal_all()
        except asyncpg.InsufficientPrivilegeError as error:
            raise OperatorNeeded(
                f"this database user may not seal the audit log ({error}).",
                mend="As the database's owner: GRANT bookai_sealer TO bookai_app;",
            ) from error
        finally:
            if not con.is_closed():
                await con.execute("SELECT pg_advisory_unlock($1)", SEALER_LOCK)


class _Sealer:
    """One turn of the one who holds the lock."""

    def __init__(self, con: Con, keys: SealKeys, notes_path: Path) -> None:
        self._con = con
        self._keys = keys
        self._notes_path = notes_path
        self._waited_s = 0.0

    async def seal_all(self) -> int:
        """Seal until nothing is left that can be; return how many events."""
        as_sealer = bool(await self._con.fetchval(CAN_BE_SEALER))
        edge = await open_edge(self._con, self._keys)
        await _export_missing(self._con, self._notes_path)
        before = edge.size
        while True:
            try:
                grown = await self._seal_batch(edge, as_sealer)
            except asyncpg.UniqueViolationError as error:
                # Only one seals, and leaves go where the checkpoint ends: these are not ours.
                raise OperatorNeeded(
                    f"the audit log has leaves from place {edge.size} on that no seal wrote: "
                    "somebody with a password of the database put them there.",
                    mend="`bookai audit verify` names them. Change the passwords, then remove "
                    f"them as the database's owner: {_HOW_TO_REMOVE}.",
                ) from error
            is_last = grown is None or grown.size - edge.size < BATCH
            edge = grown or edge
            if is_last and not edge.first_pass:
                break
            if is_last:
                edge = edge.after_first_pass()
        await measure(self._con, self._waited_s)
        return edge.size - before

    async def _seal_batch(self, edge: Edge, as_sealer: bool) -> Edge | None:
        """Seal up to `BATCH` events in one transaction; None when there are none to seal."""
        con = self._con
        async with con.transaction(isolation="repeatable_read"):
            if as_sealer:
                await con.execute("SET LOCAL ROLE bookai_sealer")
            now = await con.fetchrow(SELECT_SNAPSHOT)
            (xid, after_id), stop = edge.bounds(now["xmin"], now["xmax"])
            found = await con.fetchrow(
                INSERT_LEAVES, str(xid), after_id, str(stop), BATCH, edge.size, timeout=SEAL_S
            )
            leaves = found["leaves"]
            if leaves is None:
                return None
            tree = Frontier(edge.size, edge.tree.roots)
            for leaf in leaves:
                tree.append(leaf)
            last = (found["last_xid"], found["last_id"])
            grown = edge.grow(tree, last, now["xmin"], is_full=len(leaves) == BATCH)
            checkpoint = Checkpoint(grown.size, tree.root(), grown.hi_xid, grown.era)
            note = sign_note(checkpoint, self._keys.private)
            await con.execute(
                INSERT_CHECKPOINT,
                grown.size,
                edge.size,
                checkpoint.root,
                tree.roots,
                str(grown.hi_xid),
                note,
                grown.era,
                grown.cluster,
                grown.first_pass,
            )
        # After the commit: a note that the database does not know would be a false alarm.
        await asyncio.to_thread(append_notes, self._notes_path, [note])
        AUDIT_SEALED.inc(len(leaves))
        self._waited_s = max(self._waited_s, found["waited_s"])
        return grown


async def measure(db: Pool | Con, waited_s: float = 0.0) -> None:
    """Say in the metrics how far behind sealing is: the longest that an event waited, or waits."""
    left = await audit.backlog(db)
    AUDIT_UNSEALED.set(left.events)
    AUDIT_LAG.set(max(waited_s, left.waits_s))


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
