"""Where sealing goes on: the newest checkpoint, proven to be ours, and its place in the log.

Transaction ids tell the sealer where it is. They begin low again when a dump is restored into
another cluster: then an era begins, which looks at every event once.
"""

from dataclasses import dataclass, replace

import asyncpg

from bookai.db import audit
from bookai.db.pool import Con
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import Checkpoint, Frontier, open_note
from bookai.errors import OperatorNeeded

ERA_KIND = "audit.era"
"""The event that says that the log came from another cluster."""

_TOP = 2**63 - 1

SELECT_LAST = """
SELECT c.tree_size, c.frontier, c.hi_xid::text::bigint AS hi_xid, c.note, c.era, c.cluster,
       c.first_pass, e.xid::text::bigint AS event_xid, e.id AS event_id
  FROM audit_checkpoint c
  LEFT JOIN audit_leaf l ON l.leaf_index = c.tree_size - 1
  LEFT JOIN audit_log e ON e.id = l.event_id
 ORDER BY c.tree_size DESC
 LIMIT 1
"""
SELECT_CLUSTER = "SELECT system_identifier FROM pg_control_system()"
SELECT_XMIN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
HAS_ERA_EVENT = """
SELECT EXISTS (SELECT FROM audit_log e
                WHERE e.kind = $1
                  AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id))
"""


@dataclass(frozen=True, slots=True)
class Edge:
    """The tree so far, and where the next events are.

    `cursor` is transaction and event after which to go on; `hi_xid` goes into the next note.
    In the `first_pass` of an era events are looked for whose ids this cluster has not reached.
    """

    tree: Frontier
    cursor: tuple[int, int]
    hi_xid: int
    era: int
    cluster: int | None
    first_pass: bool

    @property
    def size(self) -> int:
        """How many events are sealed."""
        return self.tree.size

    def bounds(self, xmin: int, xmax: int) -> tuple[tuple[int, int], int]:
        """Return after which transaction and event, and before which transaction, to look."""
        if self.first_pass:
            return max(self.cursor, (xmax - 1, _TOP)), _TOP
        return self.cursor, xmin

    def grow(self, tree: Frontier, last: tuple[int, int], xmin: int, *, is_full: bool) -> "Edge":
        """Return the edge after a batch that ended with `last`; a full one may have left some."""
        if self.first_pass:
            return replace(self, tree=tree, cursor=last)
        if is_full:
            return replace(self, tree=tree, cursor=last, hi_xid=last[0])
        return replace(self, tree=tree, cursor=(xmin, 0), hi_xid=xmin)

    def after_first_pass(self) -> "Edge":
        """Return the edge for the era's ordinary course."""
        return replace(self, cursor=(0, 0), first_pass=False)


async def open_edge(con: Con, keys: SealKeys) -> Edge:
    """Read where sealing stopped, and begin an era when the log came from another cluster.

    Raises:
        OperatorNeeded: the newest checkpoint is not one that our key signed, or says otherwise.
    """
    cluster = await _cluster(con)
    last = await con.fetchrow(SELECT_LAST)
    if last is None:
        return Edge(Frontier(), (0, 0), 0, 1, cluster, first_pass=True)
    size = last["tree_size"]
    mend = "To see what is wrong: bookai audit verify"
    try:
        said = open_note(last["note"], keys.verifier)
        tree = Frontier(size, last["frontier"])
    except ValueError as error:
        raise OperatorNeeded(
            f"the audit checkpoint at {size} is not one that our key signed ({error}).",
            mend=f"If the studio moved, copy its signing.key. {mend}",
        ) from error
    if said != Checkpoint(size, tree.root(), last["hi_xid"], last["era"]):
        raise OperatorNeeded(
            f"the audit checkpoint at {size} says something else than its signed note.", mend=mend
        )
    moved = None not in (cluster, last["cluster"]) and cluster != last["cluster"]
    if moved or (not last["first_pass"] and await con.fetchval(SELECT_XMIN) < last["hi_xid"]):
        era = last["era"] + 1
        await _tell_era(con, era, size)
        return Edge(tree, (0, 0), 0, era, cluster, first_pass=True)
    # A full batch may have ended in the middle of a transaction.
    within = last["event_id"] if last["event_xid"] == last["hi_xid"] else 0
    cursor = (0, 0) if last["first_pass"] else (last["hi_xid"], within)
    return Edge(tree, cursor, last["hi_xid"], last["era"], cluster, last["first_pass"])


async def _cluster(con: Con) -> int | None:
    """Return Postgres' own identifier, where this database user may read it."""
    try:
        found: int = await con.fetchval(SELECT_CLUSTER)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError):
        return None  # then only lower transaction ids betray a restore
    return found


async def _tell_era(con: Con, era: int, size: int) -> None:
    """Write down that an era began, once: the event also makes its first checkpoint possible."""
    if not await con.fetchval(HAS_ERA_EVENT, ERA_KIND):
        await audit.append(con, ERA_KIND, "studio", {"era": era, "sealed_before": size})
