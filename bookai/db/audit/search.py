"""Find events again: by kind, actor, job and time, and follow new ones without missing any."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookai.db.pool import Con, Pool
from bookai.models import Record

SELECT_NEWEST = """
SELECT e.id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed,
       (SELECT json_object_agg(p.field, p.value)
          FROM audit_personal p
         WHERE p.event_id = e.id)::text AS personal
  FROM audit_log e
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
   AND ($4::timestamptz IS NULL OR e.at >= $4)
   AND ($5::timestamptz IS NULL OR e.at < $5)
   AND ($7::bigint IS NULL OR e.id < $7)
 ORDER BY e.id DESC
 LIMIT $6
"""
SELECT_AFTER = """
SELECT e.id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed,
       (SELECT json_object_agg(p.field, p.value)
          FROM audit_personal p
         WHERE p.event_id = e.id)::text AS personal
  FROM audit_log e
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
   AND ($4::timestamptz IS NULL OR e.at >= $4)
   AND ($5::timestamptz IS NULL OR e.at < $5)
   AND e.id > $7
 ORDER BY e.id
 LIMIT $6
"""
# Transactions below `xmin` have ended and none can begin there: what they wrote is all there is.
# OFFSET 0 keeps the planner from hashing all leaves for the few rows that are asked about.
SELECT_SETTLED = """
SELECT e.id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed,
       (SELECT json_object_agg(p.field, p.value)
          FROM audit_personal p
         WHERE p.event_id = e.id)::text AS personal,
       e.xid::text::bigint AS xid
  FROM audit_log e
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
   AND (e.xid, e.id) > ($4::text::xid8, $5)
   AND e.xid < $6::text::xid8
   AND NOT EXISTS (SELECT FROM audit_leaf l
                    WHERE l.event_id = e.id AND l.leaf_index < $7
                   OFFSET 0)
 ORDER BY e.xid, e.id
 LIMIT $8
"""
SELECT_EDGE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
       coalesce((SELECT max(tree_size) FROM audit_checkpoint), 0) AS sealed
"""
SELECT_XMIN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
COUNT_EVENTS = """
WITH last AS (SELECT tree_size, hi_xid
                FROM audit_checkpoint
               ORDER BY tree_size DESC
               LIMIT 1)
SELECT coalesce((SELECT tree_size FROM last), 0) AS sealed,
       count(*) AS unsealed,
       coalesce(extract(epoch FROM clock_timestamp() - min(e.at)), 0)::float8 AS waits_s
  FROM audit_log e
 WHERE e.xid >= coalesce((SELECT hi_xid FROM last), '0'::xid8)
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id OFFSET 0)
"""

_PAGE = 500


class Event(Record):
    """One audit event; `body` is the exact JSON text that is sealed.

    `personal` holds the texts behind the body's commitments, as far as they were not erased.
    """

    event_id: int
    at: datetime
    kind: str
    actor: str
    job_id: int | None
    body: str
    sealed: bool
    personal: Mapping[str, str] = {}


class Totals(Record):
    """How many events there are, and how many of them no checkpoint covers yet."""

    events: int
    unsealed: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What no checkpoint covers yet: how many events, and for how long the oldest has waited."""

    events: int
    waits_s: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; None is everything. A `kind` that ends in a dot finds all that begin so."""

    kind: str | None = None
    actor: str | None = None
    job_id: int | None = None


async def search(  # noqa: PLR0913  # one name a column that can be searched
    db: Pool | Con,
    *,
    kind: str | None = None,
    actor: str | None = None,
    job_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    after_id: int | None = None,
    before: int | None = None,
) -> tuple[Event, ...]:
    """Return events below id `before`, newest first; with `after_id` higher ones, oldest first.

    A `kind` that ends in a dot finds every kind that begins with it; `until` itself is left out.
    Ids are given at the insert: a long transaction may commit an id that is lower than what was
    already shown. `follow` misses nothing.
    """
    wanted = (kind, actor, job_id, since, until, limit)
    if after_id is None:
        rows = await db.fetch(SELECT_NEWEST, *wanted, before)
    else:
        rows = await db.fetch(SELECT_AFTER, *wanted, after_id)
    return tuple(_event(row) for row in rows)


async def follow(db: Pool | Con, wanted: Wanted, latest: int) -> AsyncIterator[tuple[Event, ...]]:
    """Yield the `latest` events, oldest first, then for ever what is new; () when nothing is.

    Each event comes exactly once, as soon as no transaction that began before it is open: ids are
    given before the commit, so going by ids would miss events. The caller waits between the steps.
    """
    edge = await db.fetchrow(SELECT_EDGE)
    xid, last_id, sealed = edge["xmin"], 0, edge["sealed"]
    newest = await search(
        db, kind=wanted.kind, actor=wanted.actor, job_id=wanted.job_id, limit=latest
    )
    yield newest[::-1]
    # Some of them may be above the edge, and would come once more.
    shown = {event.event_id for event in newest}
    while True:
        xmin = await db.fetchval(SELECT_XMIN)
        rows = await db.fetch(
            SELECT_SETTLED,
            wanted.kind,
            wanted.actor,
            wanted.job_id,
            str(xid),
            last_id,
            str(xmin),
            sealed,
            _PAGE,
        )
        if len(rows) == _PAGE:
            xid, last_id = rows[-1]["xid"], rows[-1]["id"]
        else:
            xid, last_id = max(xid, xmin), 0 if xmin > xid else last_id
        yield tuple(_event(row) for row in rows if row["id"] not in shown)


async def totals(db: Pool | Con) -> Totals:
    """Count the events, all and unsealed; cheap, because sealed ones are not counted again."""
    row = await db.fetchrow(COUNT_EVENTS)
    return Totals(events=row["sealed"] + row["unsealed"], unsealed=row["unsealed"])


async def backlog(db: Pool | Con) -> Backlog:
    """Measure what waits for the sealer."""
    row = await db.fetchrow(COUNT_EVENTS)
    return Backlog(row["unsealed"], max(0.0, row["waits_s"]))


def _event(row: Any) -> Event:
    return Event(
        event_id=row["id"],
        at=row["at"],
        kind=row["kind"],
        actor=row["actor"],
        job_id=row["job_id"],
        body=row["body"],
        sealed=row["sealed"],
        personal=json.loads(row["personal"]) if row["personal"] else {},
    )
