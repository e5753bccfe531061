"""The outbox: one row for each job and target, so that nothing is ever posted twice.

armed → sending → posted | failed. A post found `sending` by the next attempt is `unknown`: the
process died between sending and writing it down. Then only the platform knows; whoever sends must
ask it first, and say `mark_posted` or `mark_not_posted`. Posted is final.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.metrics import POSTS
from bookai.models import Post, Publication, Record

State = Literal["armed", "sending", "posted", "unknown", "failed"]

ACTOR = "studio"
MAX_REASON = 2000
_MAX_TITLE = 1000
_MAX_ID = 500
_MAX_URL = 4096

_COLUMNS = """
       p.post_id, p.job_id, p.platform, p.account, p.title, p.digest, p.idempotency_key, p.state,
       p.attempt, p.external_id, p.url, p.reason, p.updated_at, p.published_at
"""
INSERT_ACCOUNT = """
INSERT INTO social_accounts (platform, account)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
"""
INSERT_POST = """
INSERT INTO social_posts (job_id, platform, account, title, digest)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (job_id, platform, account) DO NOTHING
RETURNING post_id
"""
SELECT_TARGET = f"""
SELECT {_COLUMNS}
  FROM social_posts p
 WHERE p.job_id = $1
   AND p.platform = $2
   AND p.account = $3
   FOR UPDATE
"""  # noqa: S608  # a constant of ours
SELECT_POST = f"""
SELECT {_COLUMNS}
  FROM social_posts p
 WHERE p.post_id = $1
   FOR UPDATE
"""  # noqa: S608  # as above
SELECT_LIST = f"""
SELECT {_COLUMNS}
  FROM social_posts p
 WHERE $1::text IS NULL OR p.state = $1
 ORDER BY p.post_id DESC
 LIMIT $2
"""  # noqa: S608  # as above
UPDATE_ARMED = """
UPDATE social_posts
   SET state = 'armed', attempt = $2, title = $3, digest = $4, reason = NULL, updated_at = now()
 WHERE post_id = $1
"""
UPDATE_STATE = """
UPDATE social_posts
   SET state = $2, reason = $3, updated_at = now()
 WHERE post_id = $1
"""
UPDATE_POSTED = """
UPDATE social_posts
   SET state = 'posted', external_id = $2, url = $3, reason = NULL,
       updated_at = now(), published_at = now()
 WHERE post_id = $1
"""


IS_BEGUN = """
SELECT EXISTS (SELECT FROM social_posts
                WHERE job_id = $1
                  AND digest = $2
                  AND state IN ('sending', 'unknown', 'posted'))
"""
COUNT_POSTED = "SELECT count(*) FROM social_posts WHERE state = 'posted'"


class Claim(Record):
    """The answer to `arm`: ready to send, found half done, or the receipt of an earlier post."""

    post_id: int
    key: str
    state: Literal["armed", "unknown", "posted"]
    publication: Publication | None = None


class OutboxRow(Record):
    """A post in the outbox. `attempt` counts how often it was armed, from 1."""

    post_id: int
    job_id: int
    platform: str
    account: str
    title: str
    digest: str
    idempotency_key: str
    state: State
    attempt: int
    external_id: str | None
    url: str | None
    reason: str | None
    updated_at: datetime
    published_at: datetime | None


async def arm(db: Pool | Con, job_id: int, post: Post) -> Claim:
    """Claim the one post of this job and target; on a connection, commit before sending.

    An `unknown` claim may be out already: ask the platform, by `key` or by what it looks like.

    Raises:
        Refused: the post's texts cannot be kept.
    """
    for name, text, limit in (("platform", post.platform, 64), ("account", post.account, 200)):
        if not 0 < len(text) <= limit or audit.clean(text) != text:
            raise Refused(f"{text[:80]!a} is no {name}: 1 to {limit} characters, and no NUL")
    title = audit.clean(post.title)[:_MAX_TITLE]
    digest = post.digest()
    async with audit.transaction(db) as con:
        await con.execute(INSERT_ACCOUNT, post.platform, post.account)
        new_id = await con.fetchval(INSERT_POST, job_id, post.platform, post.account, title, digest)
        row = _row(await con.fetchrow(SELECT_TARGET, job_id, post.platform, post.account))
        if new_id is not None:
            await _note(con, "post.armed", row)
        elif row.state == "failed" or (row.state == "armed" and row.digest != digest):
            attempt = row.attempt + (row.state == "failed")
            await con.execute(UPDATE_ARMED, row.post_id, attempt, title, digest)
            row = await _locked(con, row.post_id)
            await _note(con, "post.armed", row)
        elif row.state == "sending":
            reason = "the process ended after it began to send"
            await con.execute(UPDATE_STATE, row.post_id, "unknown", reason)
            row = await _locked(con, row.post_id)
            await _note(con, "post.unknown", row)
            POSTS.labels(row.platform, "unknown").inc()
    return _claim(row)


async def mark_sending(db: Pool | Con, post_id: int) -> None:
    """Note that the next step has an outside effect. Commits on a pool: send only after it.

    Raises:
        Refused: the post is not armed; of two that try to send, one gets this.
    """
    async with audit.transaction(db) as con:
        row = await _locked(con, post_id)
        if row.state != "armed":
            where = f": {row.url}" if row.url else ""
            raise Refused(
                f"post {post_id} of job {row.job_id} is {row.state}{where}, so it is not sent. "
                "Only an armed post is."
            )
        await con.execute(UPDATE_STATE, post_id, "sending", None)
        await _note(con, "post.sending", await _locked(con, post_id))


async def mark_posted(db: Pool | Con, post_id: int, external_id: str, url: str) -> Publication:
    """Write the receipt; the same receipt when called twice.

    It is taken in every state: what is out is out, also when we had given it up.

    Raises:
        OperatorNeeded: the post is out already under another id, that is, it is out twice.
        Refused: the receipt's id or URL is empty or too long.
    """
    external_id, url = audit.clean(external_id), audit.clean(url)
    if not 0 < len(external_id) <= _MAX_ID or not 0 < len(url) <= _MAX_URL:
        raise Refused(
            f"a receipt needs an id of 1 to {_MAX_ID} and a URL of 1 to {_MAX_URL} characters, "
            f"not {external_id[:80]!r} and {url[:80]!r}"
        )
    async with audit.transaction(db) as con:
        row = await _locked(con, post_id)
        first = row.external_id
        is_new = row.state != "posted"
        if is_new:
            await con.execute(UPDATE_POSTED, post_id, external_id, url)
            row = await _locked(con, post_id)
            await _note(con, "post.posted", row)
        elif first != external_id:
            await _note(con, "post.duplicate", row, second_id=external_id, second_url=url)
    if not is_new and first != external_id:
        raise OperatorNeeded(
            f"job {row.job_id} is out twice on {row.platform!r}: {row.url} and {url}.",
            mend=f"Remove the second one there ({external_id}).",
        )
    if is_new:
        POSTS.labels(row.platform, "posted").inc()
    return _publication(row)


async def mark_not_posted(db: Pool | Con, post_id: int, reason: str) -> None:
    """Note that certainly nothing went out, so that a retry may send.

    Raises:
        Refused: it is out, or no reason was given.
    """
    reason = audit.clean(reason).strip()[:MAX_REASON]
    if not reason:
        raise Refused("to give up a post needs a reason: the next attempt depends on it")
    async with audit.transaction(db) as con:
        row = await _locked(con, post_id)
        if row.state == "posted":
            raise Refused(f"post {post_id} of job {row.job_id} is out: {row.url}")
        if row.state == "failed":
            return
        await con.execute(UPDATE_STATE, post_id, "failed", reason)
        await _note(con, "post.failed", await _locked(con, post_id))
    POSTS.labels(row.platform, "failed").inc()


async def list_(
    db: Pool | Con, state: State | None = None, limit: int = 50
) -> tuple[OutboxRow, ...]:
    """Return posts, newest first."""
    return tuple(_row(row) for row in await db.fetch(SELECT_LIST, state, limit))


async def is_begun(db: Pool | Con, job_id: int, digest: str) -> bool:
    """Tell whether this very post was on its way, or is out."""
    begun: bool = await db.fetchval(IS_BEGUN, job_id, digest)
    return begun


async def count_posted(db: Pool | Con) -> int:
    """Return how many posts are out."""
    posted: int = await db.fetchval(COUNT_POSTED)
    return posted


async def _locked(con: Con, post_id: int) -> OutboxRow:
    row = await con.fetchrow(SELECT_POST, post_id)
    if row is None:
        raise Refused(f"there is no post {post_id}. To list them: bookai publications")
    return _row(row)


async def _note(con: Con, kind: str, row: OutboxRow, **more: str) -> None:
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
    await audit.append(con, kind, ACTOR, body)


def _row(row: Mapping[str, Any]) -> OutboxRow:
    return OutboxRow(**{name: row[name] for name in OutboxRow.model_fields})


def _claim(row: OutboxRow) -> Claim:
    if row.state == "posted":
        return Claim(
            post_id=row.post_id,
            key=row.idempotency_key,
            state="posted",
            publication=_publication(row),
        )
    state: Literal["armed", "unknown"] = "armed" if row.state == "armed" else "unknown"
    return Claim(post_id=row.post_id, key=row.idempotency_key, state=state)


def _publication(row: OutboxRow) -> Publication:
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
