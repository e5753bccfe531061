"""Prove the audit log: every event, leaf, root, signature and exported note, from scratch."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from bookai.db.pool import Con, Pool
from bookai.db.seal.merkle import (
    Checkpoint,
    Frontier,
    NoteError,
    Verifier,
    event_leaf,
    open_note,
    split_notes,
)
from bookai.models import Record

MAX_PROBLEMS = 50
"""After so many the rest is counted, not named: a rewritten log has a problem an event."""

SELECT_CHECKPOINTS = """
SELECT tree_size, prev_size, root, hi_xid::text::bigint AS hi_xid, note
  FROM audit_checkpoint
 ORDER BY tree_size
"""
SELECT_LEAVES = """
SELECT l.leaf_index, l.event_id, l.leaf, e.id,
       CASE WHEN isfinite(e.at) THEN (extract(epoch FROM e.at) * 1000000)::bigint ELSE 0 END
         AS at_us,
       e.kind, e.actor, e.job_id, e.body
  FROM audit_leaf l
  LEFT JOIN audit_log e ON e.id = l.event_id
 ORDER BY l.leaf_index
"""
COUNT_UNSEALED = """
SELECT count(*)
  FROM audit_log e
 WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
"""
# Where this cluster's ids are below the watermark, the log came from another cluster and the next
# seal takes what it brought along: nothing can be said about late rows until then.
SELECT_LATE = """
SELECT e.id
  FROM audit_log e
 WHERE e.xid < $1::text::xid8
   AND $1::text::xid8 <= pg_snapshot_xmax(pg_current_snapshot())
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
 ORDER BY e.id
"""


class VerifyReport(Record):
    """The outcome. `problems` names each event or checkpoint that is wrong, and how."""

    ok: bool
    events: int
    sealed: int
    unsealed: int
    checkpoints: int
    problems: tuple[str, ...]


async def verify(
    pool: Pool, verifier: Verifier, exported_notes: Path | None = None
) -> VerifyReport:
    """Read the whole log and compare it with its seals; about 20,000 events a second.

    Without the exported notes, a log that was cut off or rewritten together with its checkpoints
    (by someone who also has the signing key) cannot be told from a true one. Unsealed events, the
    last second or so, are counted but not protected yet.
    """
    # Before the snapshot: a note is written after its checkpoint is committed, so each one found
    # now must be known to the database then.
    exported = await asyncio.to_thread(_read_export, exported_notes) if exported_notes else None
    proof = _Proof(verifier)
    async with (
        pool.acquire() as con,
        con.transaction(isolation="repeatable_read", readonly=True),
    ):
        await proof.check_checkpoints(con)
        await proof.check_leaves(con)
        await proof.check_late(con)
        unsealed = await con.fetchval(COUNT_UNSEALED)
    if exported is not None:
        proof.check_export(exported, str(exported_notes))
    return VerifyReport(
        ok=not proof.problems,
        events=proof.events + unsealed,
        sealed=proof.events,
        unsealed=unsealed,
        checkpoints=len(proof.notes),
        problems=proof.named(),
    )


def _read_export(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    return tuple(split_notes(path.read_text(encoding="utf-8", errors="replace")))


class _Proof:
    """What was found so far."""

    def __init__(self, verifier: Verifier) -> None:
        self.problems: list[str] = []
        self.notes: dict[int, str] = {}
        self.events = 0
        self._verifier = verifier
        self._roots: dict[int, bytes] = {}
        self._last: Checkpoint | None = None
        self._is_rewritten = False

    def named(self) -> tuple[str, ...]:
        """Return the problems, the first fifty in words."""
        more = len(self.problems) - MAX_PROBLEMS
        if more <= 0:
            return tuple(self.problems)
        return (*self.problems[:MAX_PROBLEMS], f"and {more} more problems")

    async def check_checkpoints(self, con: Con) -> None:
        """Check that the checkpoints follow each other and say what was signed."""
        previous = 0
        async for row in con.cursor(SELECT_CHECKPOINTS, prefetch=500):
            size = row["tree_size"]
            if row["prev_size"] != previous:
                self.problems.append(f"a checkpoint between {previous} and {size} is missing")
            previous = size
            self.notes[size], self._roots[size] = row["note"], row["root"]
            self._last = Checkpoint(size, row["root"], row["hi_xid"])
            try:
                if open_note(row["note"], self._verifier) != self._last:
                    self.problems.append(f"checkpoint {size} does not say what was signed")
            except NoteError as error:
                self.problems.append(f"checkpoint {size} has no valid signature: {error}")

    async def check_leaves(self, con: Con) -> None:
        """Check each event against its leaf, and the tree of the leaves against each root."""
        tree = Frontier()
        first_event = last_event = 0
        expected = 0
        async for row in con.cursor(SELECT_LEAVES, prefetch=500):
            if row["leaf_index"] != expected:
                self.problems.append(f"leaf {expected} is missing (before event {row['event_id']})")
            expected = row["leaf_index"] + 1
            self._check_event(row)
            # The stored leaf, right or wrong: one changed event shall not make every later root
            # look wrong as well.
            tree.append(row["leaf"])
            first_event, last_event = first_event or row["event_id"], row["event_id"]
            if tree.size in self._roots:
                self._check_root(tree, first_event, last_event)
                first_event = 0
        covered = self._last.size if self._last else 0
        if tree.size < covered:
            self.problems.append(
                f"the end was cut off: checkpoint {covered} covers {covered} events, "
                f"{tree.size} are left, the last is event {last_event}"
            )
        elif tree.size > covered:
            self.problems.append(
                f"{tree.size - covered} leaves up to event {last_event} have no checkpoint"
            )

    def _check_event(self, row: Mapping[str, object]) -> None:
        event_id = row["event_id"]
        if row["id"] is None:
            self.problems.append(f"event {event_id} was deleted")
            return
        self.events += 1
        values = (row["id"], row["at_us"], row["kind"], row["actor"], row["job_id"], row["body"])
        if event_leaf(*values) != row["leaf"]:  # type: ignore[arg-type]  # a database row is untyped
            self.problems.append(f"event {event_id} was changed after it was sealed")

    def _check_root(self, tree: Frontier, first_event: int, last_event: int) -> None:
        # Once a root is wrong all later ones are: the first one says where to look.
        if self._is_rewritten or tree.root() == self._roots[tree.size]:
            return
        self._is_rewritten = True
        self.problems.append(
            f"checkpoint {tree.size} does not fit the log: an event between {first_event} and "
            f"{last_event} was changed, moved or removed together with its leaf"
        )

    async def check_late(self, con: Con) -> None:
        """Find events that were put into what was sealed before them."""
        if self._last is None:
            return
        for row in await con.fetch(SELECT_LATE, str(self._last.hi_xid)):
            self.problems.append(f"event {row['id']} was inserted into history after its seal")

    def check_export(self, exported: Sequence[str], where: str) -> None:
        """Compare the exported notes with the stored ones; a newest stored one may be missing."""
        seen: set[int] = set()
        for note in exported:
            try:
                size = open_note(note, self._verifier).size
            except NoteError as error:
                self.problems.append(f"a note in {where} is not ours: {error}")
                continue
            seen.add(size)
            if size in self.notes:
                if note != self.notes[size]:
                    self.problems.append(
                        f"history up to checkpoint {size} was rewritten: {where} has another note"
                    )
            elif self._last and size < self._last.size:
                self.problems.append(f"checkpoint {size} in {where} is unknown to the database")
            else:
                covered = self._last.size if self._last else 0
                self.problems.append(
                    f"the end was cut off: {where} has a checkpoint over {size} events, "
                    f"the database covers {covered}"
                )
        self._check_gaps(seen, where)

    def _check_gaps(self, seen: set[int], where: str) -> None:
        newest = max(seen, default=0)
        if self.notes and not seen:
            self.problems.append(f"{where} has no notes, the database has {len(self.notes)}")
        for size in self.notes:
            if size < newest and size not in seen:
                self.problems.append(f"{where} lacks checkpoint {size}")
