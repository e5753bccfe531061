"""Prove the audit log: every event, leaf, root, signature and exported note, from scratch."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bookai.db.pool import Con, Pool, reading
from bookai.db.seal.exported import compare, read_notes
from bookai.db.seal.merkle import Checkpoint, Frontier, NoteError, Verifier, open_note
from bookai.db.seal.pages import each_page
from bookai.db.seal.personal import check_personal
from bookai.db.seal.walk import Walk
from bookai.errors import Refused
from bookai.models import Record

MAX_PROBLEMS = 50
"""After so many the rest is counted, not named: a rewritten log has a problem an event."""

SELECT_CHECKPOINTS = """
SELECT tree_size, prev_size, root, hi_xid::text::bigint AS hi_xid, note, era
  FROM audit_checkpoint
 WHERE tree_size > $1
 ORDER BY tree_size
"""
SELECT_BASE_BY_EVENT = """
SELECT tree_size, root, hi_xid::text::bigint AS hi_xid, note, era, frontier
  FROM audit_checkpoint
 WHERE tree_size <= (SELECT leaf_index FROM audit_leaf WHERE event_id = $1)
 ORDER BY tree_size DESC
 LIMIT 1
"""
SELECT_BASE_BY_SIZE = """
SELECT tree_size, root, hi_xid::text::bigint AS hi_xid, note, era, frontier
  FROM audit_checkpoint
 WHERE tree_size <= $1
 ORDER BY tree_size DESC
 LIMIT 1
"""
SELECT_BASE_BY_TIME = """
SELECT tree_size, root, hi_xid::text::bigint AS hi_xid, note, era, frontier
  FROM audit_checkpoint
 WHERE at <= $1
 ORDER BY tree_size DESC
 LIMIT 1
"""
IS_SEALED = "SELECT EXISTS (SELECT FROM audit_leaf WHERE event_id = $1)"
# Both count by index alone; only where they differ from what was found is anything looked up.
COUNT_EVENTS = "SELECT count(*) FROM audit_log"
COUNT_OPEN = """
SELECT count(*)
  FROM audit_log e
 WHERE e.xid >= $1::text::xid8
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id OFFSET 0)
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
 WHERE e.xid >= $1::text::xid8
   AND e.xid < $2::text::xid8
   AND $2::text::xid8 <= pg_snapshot_xmax(pg_current_snapshot())
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
 ORDER BY e.id
"""


class VerifyReport(Record):
    """The outcome. `problems` names each event or checkpoint that is wrong, and how.

    `first_bad` is the first one in the order of the log. The first `trusted` events were not read
    again: a signed checkpoint stands for them.
    """

    ok: bool
    events: int
    sealed: int
    unsealed: int
    checkpoints: int
    problems: tuple[str, ...]
    first_bad: str | None = None
    eras: int = 1
    trusted: int = 0
    personal: int = 0


@dataclass(frozen=True, slots=True)
class Since:
    """Where to begin: at the checkpoint before an event, of a size at most, or before a time."""

    event_id: int | None = None
    size: int | None = None
    at: datetime | None = None


@dataclass(slots=True)
class _Chain:
    """The checkpoints from `base` on: what they say, and what is wrong with them."""

    base: int = 0
    base_xid: int = 0
    base_era: int = 1
    tree: Frontier = field(default_factory=Frontier)
    notes: dict[int, str] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    last: Checkpoint | None = None
    problems: list[str] = field(default_factory=list)


async def verify(
    pool: Pool,
    verifier: Verifier,
    exported_notes: Path | None = None,
    *,
    against: Sequence[Path] = (),
    since: Since | None = None,
) -> VerifyReport:
    """Read the whole log, or what came `since`, and compare it with its seals.

    `exported_notes` is the studio's own complete export; `against` are copies kept elsewhere, which
    may lack notes but must not contradict. Without any, a log that was cut off or rewritten with
    its checkpoints (by someone who also has the signing key) cannot be told from a true one.
    Unsealed events, the last second or so, are counted but not protected yet.

    Raises:
        Refused: `since` names an event that is not sealed, or a file of `against` has no notes.
    """
    # Before the snapshot: a note is written after its checkpoint is committed, so each one found
    # now must be known to the database then.
    own = await asyncio.to_thread(read_notes, exported_notes) if exported_notes else None
    others = [(path, await asyncio.to_thread(read_notes, path)) for path in against]
    for path, notes in others:
        if not notes:
            raise Refused(f"{path} holds no exported notes to compare with")
    async with reading(pool) as con:
        chain = await _open_chain(con, since, verifier)
        await _read_checkpoints(con, chain, verifier)
        walk = Walk(chain.tree, chain.roots, chain.base)
        async with each_page(pool, con, chain.base) as pages:
            async for page in pages:
                walk.check(page)
        walk.check_end(chain.last.size if chain.last else 0)
        unsealed, late = await _unsealed(con, chain, walk.events)
        personal, leaks = await check_personal(con)
    problems = [*chain.problems, *walk.problems, *late, *leaks]
    if own is not None:
        problems += compare(own, chain.notes, chain.base, verifier, str(exported_notes))
    for path, notes in others:
        problems += compare(notes, chain.notes, chain.base, verifier, str(path), is_complete=False)
    return VerifyReport(
        ok=not problems,
        events=chain.base + walk.events + unsealed,
        sealed=chain.base + walk.events,
        unsealed=unsealed,
        checkpoints=len(chain.notes),
        problems=_named(problems),
        first_bad=next(iter([*walk.problems, *late, *problems]), None),
        eras=chain.last.era if chain.last else 1,
        trusted=chain.base,
        personal=personal,
    )


def _named(problems: Sequence[str]) -> tuple[str, ...]:
    """Return the problems, the first fifty in words."""
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return tuple(problems)
    return (*problems[:MAX_PROBLEMS], f"and {more} more problems")


async def _open_chain(con: Con, since: Since | None, verifier: Verifier) -> _Chain:
    """Return an empty chain, or one that begins at a checkpoint which is signed and whole."""
    chain = _Chain()
    if since is None:
        return chain
    if since.event_id is not None:
        if not await con.fetchval(IS_SEALED, since.event_id):
            raise Refused(f"event {since.event_id} is not sealed: name one that is, or a time")
        row = await con.fetchrow(SELECT_BASE_BY_EVENT, since.event_id)
    elif since.size is not None:
        row = await con.fetchrow(SELECT_BASE_BY_SIZE, since.size)
    else:
        row = await con.fetchrow(SELECT_BASE_BY_TIME, since.at)
    if row is None:
        return chain  # nothing was sealed before: all is checked
    size = row["tree_size"]
    try:
        chain.tree = Frontier(size, row["frontier"])
        if chain.tree.root() != row["root"]:
            raise NoteError("its hashes do not make its root")
    except ValueError as error:
        raise Refused(
            f"checkpoint {size} cannot be trusted ({error}); verify without --since"
        ) from error
    chain.base, chain.base_xid, chain.base_era = size, row["hi_xid"], row["era"]
    _take(chain, row, verifier)
    return chain


async def _read_checkpoints(con: Con, chain: _Chain, verifier: Verifier) -> None:
    """Check that the checkpoints follow each other and say what was signed."""
    previous = chain.base
    async for row in con.cursor(SELECT_CHECKPOINTS, chain.base, prefetch=500):
        if row["prev_size"] != previous:
            chain.problems.append(
                f"a checkpoint between {previous} and {row['tree_size']} is missing"
            )
        previous = row["tree_size"]
        _take(chain, row, verifier)


def _take(chain: _Chain, row: Mapping[str, object], verifier: Verifier) -> None:
    size, note = row["tree_size"], row["note"]
    assert isinstance(size, int)
    assert isinstance(note, str)
    said = Checkpoint(size, row["root"], row["hi_xid"], row["era"])  # type: ignore[arg-type]  # a database row is untyped
    before = chain.last
    if before and (said.era, said.hi_xid) < (before.era, before.hi_xid):
        chain.problems.append(f"checkpoint {size} goes back behind the one before it")
    chain.notes[size], chain.roots[size] = note, said.root
    chain.last = said
    try:
        if open_note(note, verifier) != said:
            chain.problems.append(f"checkpoint {size} does not say what was signed")
    except NoteError as error:
        chain.problems.append(f"checkpoint {size} has no valid signature: {error}")


async def _unsealed(con: Con, chain: _Chain, found: int) -> tuple[int, list[str]]:
    """Count what no checkpoint covers; name events that were put into what was sealed before."""
    hi_xid = chain.last.hi_xid if chain.last else 0
    if chain.base == 0:
        total = await con.fetchval(COUNT_EVENTS)
        if total == found:
            return 0, []
        if total - found == await con.fetchval(COUNT_OPEN, str(hi_xid)):
            return total - found, []
        unsealed = await con.fetchval(COUNT_UNSEALED)
        low = 0
    else:
        unsealed = await con.fetchval(COUNT_OPEN, str(hi_xid))
        # Ids of an era that has just begun say nothing about the one before.
        low = chain.base_xid if chain.last and chain.base_era == chain.last.era else 0
    rows = await con.fetch(SELECT_LATE, str(low), str(hi_xid)) if chain.last else []
    return unsealed, [f"event {row['id']} was inserted into history after its seal" for row in rows]
