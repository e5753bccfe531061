"""Append events: one with the change that it tells of, or many in one statement."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from bookai.db.audit.body import canonical, clean
from bookai.db.audit.personal import commit_to, keep_personal
from bookai.db.pool import Con, Pool
from bookai.errors import Refused

_MAX_ACTOR = 200
_KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}")

INSERT_EVENT = """
INSERT INTO audit_log (kind, actor, job_id, body)
VALUES ($1, $2, $3, $4)
RETURNING id
"""
INSERT_EVENTS = """
INSERT INTO audit_log (kind, actor, job_id, body)
SELECT kind, actor, job_id, body
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
       WITH ORDINALITY AS e (kind, actor, job_id, body, place)
 ORDER BY place
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be: see `append` for what its parts may be."""

    kind: str
    actor: str
    body: Mapping[str, object]
    job_id: int | None = None


class Line(NamedTuple):
    """An event in the form in which it is stored, checked; the order is that of the columns."""

    kind: str
    actor: str
    job_id: int | None
    body: str


@asynccontextmanager
async def transaction(db: Pool | Con) -> AsyncIterator[Con]:
    """Open a transaction: a new one on a pool, a nested one on the caller's connection."""
    if isinstance(db, asyncpg.Pool):
        async with db.acquire() as con, con.transaction():
            yield con
    else:
        async with db.transaction():
            yield db


async def append(  # noqa: PLR0913  # one name a column, and whose data is in it
    db: Pool | Con,
    kind: str,
    actor: str,
    body: Mapping[str, object],
    *,
    job_id: int | None = None,
    personal: Mapping[str, str] | None = None,
    subject: str | None = None,
) -> int:
    """Write one event and return its id; with a connection, in the caller's transaction.

    `kind` is dotted lower case, such as `approval.decided`; a text of the world never goes there.
    The event can be found by `job_id`, which is taken from the body when it is not given.

    A `personal` text does not enter the log: the body holds a salted commitment under its name, the
    text lies beside the log until it is erased for `subject`, the person whom it is about.

    Raises:
        Refused: the kind, a key or a value of the body cannot be written down faithfully.
    """
    if not personal:
        line = checked(kind, actor, body, job_id)
        event_id: int = await db.fetchval(INSERT_EVENT, *line)
        return event_id
    texts = commit_to(personal, subject, body)
    line = checked(kind, actor, {**body, **texts.commitments}, job_id)
    async with transaction(db) as con:
        event_id = await con.fetchval(INSERT_EVENT, *line)
        await keep_personal(con, event_id, texts)
    return event_id


async def append_many(db: Pool | Con, events: Sequence[NewEvent]) -> list[int]:
    """Write events in one statement, all or none; return their ids in the same order.

    Raises:
        Refused: one of them cannot be written down faithfully; then none is.
    """
    lines = [checked(one.kind, one.actor, one.body, one.job_id) for one in events]
    if not lines:
        return []
    columns = [list(column) for column in zip(*lines, strict=True)]
    return [row["id"] for row in await db.fetch(INSERT_EVENTS, *columns)]


def checked(kind: str, actor: str, body: Mapping[str, object], job_id: int | None) -> Line:
    """Return an event as it is stored.

    Raises:
        Refused: the kind, a key or a value of the body cannot be written down faithfully.
    """
    if not _KIND.fullmatch(kind):
        raise Refused(f"{kind[:80]!r} is no kind of audit event: use words like 'post.armed'")
    who = clean(actor)[:_MAX_ACTOR]
    if not who:
        raise Refused(f"an audit event of kind {kind!r} needs an actor")
    named = body.get("job_id")
    if job_id is None and isinstance(named, int) and not isinstance(named, bool):
        job_id = named
    return Line(kind, who, job_id, canonical(body))
