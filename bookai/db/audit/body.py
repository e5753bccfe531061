"""The audit log: append an event with what it tells of, find events again.

The body of an event is canonical JSON: the exact text that is stored is the text that is sealed.
Secrets are masked and long texts are replaced by their digest before it is written.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import PurePath

import asyncpg

from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.models import Record

MAX_BODY_BYTES = 65536
MAX_TEXT = 2000
"""Longer texts keep their first 500 characters, their length and their SHA-256."""

_KEPT = 500
_MAX_DEPTH = 24
_MAX_ACTOR = 200
_MAX_INT = 2**53 - 1
_MASK = "***"
_KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|secret|authori[sz]ation|api[_-]?key|private[_-]?key|credential|cookie"
    r"|(^|[_-])(dsn|pwd)$|token$",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    (re.compile(r"\b(postgres(?:ql)?://[^\s:/@]*):\S+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    (re.compile(r"\b(authorization\s*[:=]\s*)[^\r\n]+", re.IGNORECASE), rf"\1{_MASK}"),
    (re.compile(r"\b([Bb]earer\s+)[\w.~+/=-]{3,}"), rf"\1{_MASK}"),
    (
        re.compile(
            r"((?:password|passwd|pwd|secret|api[_-]?key|token)"
            r"(?:\s*=\s*['\"]?|['\"]\s*:\s*['\"]))[^\s'\"&;,]+",
            re.IGNORECASE,
        ),
        rf"\1{_MASK}",
    ),
    (re.compile(r"\b(bka_|sk-|gh[pousr]_|xox[abpr]-)[\w-]{16,}"), rf"\1{_MASK}"),
)

INSERT_EVENT = """
INSERT INTO audit_log (kind, actor, job_id, body)
VALUES ($1, $2, $3, $4)
RETURNING id
"""
SELECT_NEWEST = """
SELECT e.id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed
  FROM audit_log e
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
 ORDER BY e.id DESC
 LIMIT $4
"""
SELECT_AFTER = """
SELECT e.id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed
  FROM audit_log e
 WHERE ($1::text IS NULL OR e.kind = $1 OR ($1 LIKE '%.' AND starts_with(e.kind, $1)))
   AND ($2::text IS NULL OR e.actor = $2)
   AND ($3::bigint IS NULL OR e.job_id = $3)
   AND e.id > $5
 ORDER BY e.id
 LIMIT $4
"""
COUNT_EVENTS = """
WITH last AS (SELECT tree_size, hi_xid
                FROM audit_checkpoint
               ORDER BY tree_size DESC
               LIMIT 1)
SELECT coalesce((SELECT tree_size FROM last), 0) AS sealed, count(*) AS unsealed
  FROM audit_log e
 WHERE e.xid >= coalesce((SELECT hi_xid FROM last), '0'::xid8)
   AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
"""


class Event(Record):
    """One audit event; `body` is the exact JSON text that is sealed."""

    event_id: int
    at: datetime
    kind: str
    actor: str
    job_id: int | None
    body: str
    sealed: bool


class Totals(Record):
    """How many events there are, and how many of them no checkpoint covers yet."""

    events: int
    unsealed: int


@asynccontextmanager
async def transaction(db: Pool | Con) -> AsyncIterator[Con]:
    """Open a transaction: a new one on a pool, a nested one on the caller's connection."""
    if isinstance(db, asyncpg.Pool):
        async with db.acquire() as con, con.transaction():
            yield con
    else:
        async with db.transaction():
            yield db


async def append(
    db: Pool | Con,
    kind: str,
    actor: str,
    body: Mapping[str, object],
    *,
    job_id: int | None = None,
) -> int:
    """Write one event and return its id; with a connection, in the caller's transaction.

    `kind` is dotted lower case, such as `approval.decided`; a text of the world never goes there.
    The event can be found by `job_id`, which is taken from the body when it is not given.

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
    event_id: int = await db.fetchval(INSERT_EVENT, kind, who, job_id, canonical(body))
    return event_id


async def search(
    db: Pool | Con,
    *,
    kind: str | None = None,
    actor: str | None = None,
    job_id: int | None = None,
    limit: int = 100,
    after_id: int | None = None,
) -> tuple[Event, ...]:
    """Return events, newest first; with `after_id` those with a higher id, oldest first.

    A `kind` that ends in a dot finds every kind that begins with it. Ids are given at the insert:
    a long transaction may commit an id that is lower than what a tail has already shown.
    """
    if after_id is None:
        rows = await db.fetch(SELECT_NEWEST, kind, actor, job_id, limit)
    else:
        rows = await db.fetch(SELECT_AFTER, kind, actor, job_id, limit, after_id)
    return tuple(
        Event(
            event_id=row["id"],
            at=row["at"],
            kind=row["kind"],
            actor=row["actor"],
            job_id=row["job_id"],
            body=row["body"],
            sealed=row["sealed"],
        )
        for row in rows
    )


async def totals(db: Pool | Con) -> Totals:
    """Count the events, all and unsealed; cheap, because sealed ones are not counted again."""
    row = await db.fetchrow(COUNT_EVENTS)
    return Totals(events=row["sealed"] + row["unsealed"], unsealed=row["unsealed"])


def canonical(body: Mapping[str, object]) -> str:
    """Return `body` as the one JSON text that stands for it (RFC 8785), secrets masked.

    Raises:
        Refused: it has a key that is not ASCII, a value without a JSON form, or it is too long.
    """
    text = json.dumps(scrub(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    size_bytes = len(text.encode())
    if size_bytes > MAX_BODY_BYTES:
        raise Refused(
            f"an audit event may have {MAX_BODY_BYTES} bytes, this has {size_bytes}: "
            "write a count or a digest instead of a long list"
        )
    return text


def scrub(value: object, *, _depth: int = 0) -> object:
    """Return `value` as plain JSON data without secrets, floats and over-long texts.

    Floats and integers that JSON readers round become texts: what is hashed must read the same
    everywhere.

    Raises:
        Refused: a key is not printable ASCII, or a value has no JSON form.
    """
    if _depth > _MAX_DEPTH:
        raise Refused(f"audit data may be nested {_MAX_DEPTH} deep, not deeper")
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= _MAX_INT else str(int(value))
        case float():
            return repr(float(value))
        case str() | PurePath():
            return _short(clean(str(value)))
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case Record():
            return scrub(value.model_dump(mode="json"), _depth=_depth)
        case Mapping():
            return {_key(key): _unless_secret(key, item, _depth) for key, item in value.items()}
        case list() | tuple():
            return [scrub(item, _depth=_depth + 1) for item in value]
    raise Refused(f"a {type(value).__name__} has no place in an audit event: make it text first")


def clean(text: str) -> str:
    """Return `text` with NUL and halves of surrogate pairs replaced: Postgres takes neither."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _key(key: object) -> str:
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise Refused(f"{str(key)[:80]!r} is no key for an audit event: use printable ASCII")
    return key


def _unless_secret(key: str, value: object, depth: int) -> object:
    if _SECRET_KEY.search(key) and value is not None and not isinstance(value, bool):
        return _MASK
    return scrub(value, _depth=depth + 1)


def _short(text: str) -> str:
    head = text[:MAX_TEXT]
    for pattern, masked in _SECRET_TEXT:
        head = pattern.sub(masked, head)
    if len(text) <= MAX_TEXT:
        return head
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{head[:_KEPT]}… ({len(text)} characters, sha256 {digest})"
