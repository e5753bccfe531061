"""A post in the outbox as it is read, and the audit event that goes with each change of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from bookai.db import audit
from bookai.db.pool import Con
from bookai.errors import Refused
from bookai.models import Publication, Record

State = Literal["armed", "sending", "posted", "unknown", "failed", "dead"]

ACTOR = "studio"
MAX_REASON = 2000

COLUMNS = """
       p.post_id, p.job_id, p.platform, p.account, p.title, p.digest, p.idempotency_key, p.state,
       p.attempt, p.tries, p.external_id, p.url, p.reason, p.created_at, p.updated_at,
       p.published_at, p.sent_at, p.not_before, p.lease_owner, p.lease_until,
       p.handle IS NOT NULL AS has_handle
"""
# Times are compared by the database's clock alone: those of several hosts differ.
SELECT_LOCKED = f"""
SELECT {COLUMNS}, p.handle,
       coalesce(extract(epoch FROM p.lease_until - clock_timestamp())::float8, 0) AS lease_s,
       coalesce(extract(epoch FROM p.not_before - clock_timestamp())::float8, 0) AS wait_s
  FROM social_posts p
 WHERE p.post_id = $1
   FOR UPDATE
"""  # noqa: S608  # a constant of ours


class OutboxRow(Record):
    """A post in the outbox.

    `attempt` counts how often it was armed, from 1; `tries` how often sending began since an
    operator last armed it; `sent_at` is when it last began. `not_before` is when a failed one may
    be tried again.
    """

    post_id: int
    job_id: int
    platform: str
    account: str
    title: str
    digest: str
    idempotency_key: str
    state: State
    attempt: int
    tries: int
    external_id: str | None
    url: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    sent_at: datetime | None
    not_before: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    has_handle: bool


class Claim(Record):
    """The answer to `arm`: ready to send, found half done, or the receipt of an earlier post.

    `attempt` is the number that every later mark must name. `armed_at` is when the post was armed
    first, the same at every attempt; `handle` is what an earlier attempt left for this one.
    """

    post_id: int
    key: str
    state: Literal["armed", "unknown", "posted"]
    attempt: int
    armed_at: datetime
    handle: str | None = None
    publication: Publication | None = None


async def locked(con: Con, post_id: int) -> tuple[OutboxRow, Mapping[str, Any]]:
    """Return the row, locked until the transaction ends, also with what only `sending` reads.

    Raises:
        Refused: there is no such post.
    """
    found = await con.fetchrow(SELECT_LOCKED, post_id)
    if found is None:
        raise Refused(f"there is no post {post_id}. To list them: bookai outbox list")
    return row_of(found), found


async def changed(con: Con, post_id: int) -> OutboxRow:
    """Return the row as it is after a change in this transaction."""
    row, _ = await locked(con, post_id)
    return row


async def note(con: Con, kind: str, row: OutboxRow, by: str = ACTOR, **more: object) -> None:
    """Write the event of a change, in its transaction. The handle stays out of it."""
    body = {
        "post_id": row.post_id,
        "job_id": row.job_id,
        "platform": row.platform,
        "account": row.account,
        "digest": row.digest,
        "key": row.idempotency_key,
        "attempt": row.attempt,
        "external_id": row.external_id,
        "url": row.url,
        "reason": row.reason,
        **more,
    }
    await audit.append(con, kind, by, body)


def row_of(row: Mapping[str, Any]) -> OutboxRow:
    """Return the record of a selected row."""
    return OutboxRow(**{name: row[name] for name in OutboxRow.model_fields})


def publication_of(row: OutboxRow) -> Publication:
    """Return the receipt of a posted row."""
    # The table's own check: a posted row has all three.
    assert row.url is not None
    assert row.external_id is not None
    assert row.published_at is not None
    return Publication(
        post_id=row.post_id,
        platform=row.platform,
        url=row.url,
        external_id=row.external_id,
        published_at=row.published_at,
    )


def claim_of(row: OutboxRow, handle: str | None) -> Claim:
    """Return what `arm` answers about a row that is armed, unknown or posted."""
    is_out = row.state == "posted"
    state: Literal["armed", "unknown", "posted"] = "armed" if row.state == "armed" else "unknown"
    return Claim(
        post_id=row.post_id,
        key=row.idempotency_key,
        state="posted" if is_out else state,
        attempt=row.attempt,
        armed_at=row.created_at,
        handle=handle,
        publication=publication_of(row) if is_out else None,
    )


def reason_of(text: str) -> str:
    """Return a reason as it is kept.

    Raises:
        Refused: there is none.
    """
    reason = audit.clean(text).strip()[:MAX_REASON]
    if not reason:
        raise Refused("to give up a post needs a reason: the next attempt depends on it")
    return reason
