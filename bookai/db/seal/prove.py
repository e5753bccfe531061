"""Prove to a third party that an event is in the log, without showing the log.

A proof is some dozens of hashes that lead from the event's own bytes to the root that a signed
checkpoint names. Whoever has the public key, or the same checkpoint from a place that we cannot
write to, checks it with SHA-256 alone.
"""

from collections.abc import Sequence

from bookai.db.pool import Con, Pool
from bookai.db.seal.merkle import (
    event_leaf,
    is_included,
    read_note,
    split_size,
    tree_node,
    tree_root,
)
from bookai.errors import Refused
from bookai.models import Record

_LEAVES = 1024
"""A subtree of so many leaves is read and hashed; larger ones are put together."""

SELECT_CHECKPOINT = """
SELECT tree_size, note
  FROM audit_checkpoint
 ORDER BY tree_size DESC
 LIMIT 1
"""
SELECT_EVENTS = """
SELECT e.id,
       CASE WHEN isfinite(e.at) AND e.at < '294000-01-01'
            THEN (extract(epoch FROM e.at) * 1000000)::bigint ELSE 0 END AS at_us,
       e.kind, e.actor, e.job_id, e.body, l.leaf_index
  FROM audit_log e
  LEFT JOIN audit_leaf l ON l.event_id = e.id
 WHERE e.id = ANY ($1::bigint[])
"""
SELECT_RANGE = """
SELECT leaf
  FROM audit_leaf
 WHERE leaf_index >= $1
   AND leaf_index < $2
 ORDER BY leaf_index
"""
SELECT_FRONTIER = """
SELECT tree_size, frontier
  FROM audit_checkpoint
 WHERE tree_size >= $1
   AND tree_size < $2
 ORDER BY tree_size
 LIMIT 1
"""


class Inclusion(Record):
    """An event and its proof; `hashes` are hex, lowest first, `at_us` microseconds since 1970."""

    event_id: int
    at_us: int
    kind: str
    actor: str
    job_id: int | None
    body: str
    leaf_index: int
    tree_size: int
    hashes: tuple[str, ...]
    note: str


async def prove(db: Pool | Con, event_ids: Sequence[int]) -> tuple[Inclusion, ...]:
    """Prove each event, in the order asked for, all against the newest checkpoint.

    Raises:
        Refused: an event is unknown, not sealed yet, or not the one that was sealed.
    """
    newest = await db.fetchrow(SELECT_CHECKPOINT)
    size = newest["tree_size"] if newest else 0
    events = {row["id"]: row for row in await db.fetch(SELECT_EVENTS, list(event_ids))}
    tree = _Tree(db)
    proofs = []
    for event_id in event_ids:
        row = events.get(event_id)
        if row is None:
            raise Refused(f"there is no audit event {event_id}")
        index = row["leaf_index"]
        if index is None or index >= size:
            raise Refused(f"audit event {event_id} is not sealed yet: ask again in a second")
        path = await tree.path(index, 0, size)
        leaf = event_leaf(event_id, *(row[name] for name in _HASHED))
        if not is_included(leaf, index, size, path, read_note(newest["note"]).root):
            raise Refused(
                f"audit event {event_id} cannot be proven: the log was changed. "
                "To see where: bookai audit verify"
            )
        proofs.append(
            Inclusion(
                event_id=event_id,
                **{name: row[name] for name in _HASHED},
                leaf_index=index,
                tree_size=size,
                hashes=tuple(step.hex() for step in path),
                note=newest["note"],
            )
        )
    return tuple(proofs)


_HASHED = ("at_us", "kind", "actor", "job_id", "body")


class _Tree:
    """Subtrees of the log. Checkpoints hold the roots of many: few leaves have to be read."""

    def __init__(self, db: Pool | Con) -> None:
        self._db = db
        self._known: dict[tuple[int, int], bytes] = {}

    async def path(self, index: int, start: int, size: int) -> tuple[bytes, ...]:
        """Return the hashes beside the way from leaf `index` up to the subtree's root."""
        if size == 1:
            return ()
        left = split_size(size)
        if index < start + left:
            below = await self.path(index, start, left)
            return (*below, await self._root(start + left, size - left))
        below = await self.path(index, start + left, size - left)
        return (*below, await self._root(start, left))

    async def _root(self, start: int, size: int) -> bytes:
        key = (start, size)
        if key not in self._known:
            self._known[key] = await self._find(start, size)
        return self._known[key]

    async def _find(self, start: int, size: int) -> bytes:
        if size <= _LEAVES:
            rows = await self._db.fetch(SELECT_RANGE, start, start + size)
            return tree_root([row["leaf"] for row in rows])
        # A full left subtree stands in the edge of each checkpoint until its sibling is full.
        if size.bit_count() == 1 and not start & size:
            row = await self._db.fetchrow(SELECT_FRONTIER, start + size, start + 2 * size)
            if row is not None:
                root: bytes = row["frontier"][(row["tree_size"] // (2 * size)).bit_count()]
                return root
        left = split_size(size)
        return tree_node(await self._root(start, left), await self._root(start + left, size - left))
