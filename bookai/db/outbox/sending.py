"""The sender's side: arm, send under a lease, and say how it ended."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from bookai.db import audit
from bookai.db.outbox.backoff import wait_s
from bookai.db.outbox.rests import check_account
from bookai.db.outbox.rows import Claim, OutboxRow, changed, claim_of, locked, note, reason_of
from bookai.db.pool import Con, Pool
from bookai.errors import NotYet, OperatorNeeded, Refused
from bookai.metrics import POSTS
from bookai.models import NotPosted, Post
from bookai.records import RESTORED

LEASE_S = 15.0
"""How long a sender that says nothing counts as alive. It speaks up three times as often."""

MAX_TRIES = 8
"""So many sends may fail before the post becomes a dead letter."""

_MAX_TITLE = 1000
_MAX_HANDLE = 8192

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
SELECT_TARGET = """
SELECT post_id
  FROM social_posts
 WHERE job_id = $1
   AND platform = $2
   AND account = $3
"""
# What another post began is of no use to this one: its handle goes with it; and what a restored
# studio did not know of its post is known by now.
UPDATE_ARMED = """
UPDATE social_posts
   SET state = 'armed', attempt = attempt + 1, title = $2, digest = $3, reason = NULL,
       handle = CASE WHEN digest = $3 THEN nullif(handle, $4) END, not_before = NULL,
       updated_at = now()
 WHERE post_id = $1
"""
UPDATE_SENDING = """
UPDATE social_posts
   SET state = 'sending', reason = NULL, lease_owner = $2, updated_at = now(),
       lease_until = clock_timestamp() + make_interval(secs => $3)
 WHERE post_id = $1
"""
UPDATE_LEASE = """
UPDATE social_posts
   SET lease_until = clock_timestamp() + make_interval(secs => $4), handle = coalesce($5, handle),
       updated_at = now()
 WHERE post_id = $1
   AND attempt = $2
   AND lease_owner = $3
   AND state = 'sending'
RETURNING post_id
"""
UPDATE_ENDED = """
UPDATE social_posts
   SET state = $2, reason = $3, lease_owner = NULL, lease_until = NULL, updated_at = now(),
       not_before = clock_timestamp() + make_interval(secs => $4)
 WHERE post_id = $1
"""


async def arm(db: Pool | Con, job_id: int, post: Post) -> Claim:
    """Claim the one post of this job and target; on a connection, commit before sending.

    An `unknown` claim may be out already, and perhaps as another post: ask the platform, by `key`,
    by `handle`, or by what it looks like, then arm again.

    Raises:
        Refused: the post's texts cannot be kept.
        NotYet: somebody sends it right now, the last failure asked for more patience, or the
            platform told its account to wait.
        OperatorNeeded: it is a dead letter, which only an operator's replay arms again; or what is
            out is not this post.
    """
    for name, text, limit in (("platform", post.platform, 64), ("account", post.account, 200)):
        if not 0 < len(text) <= limit or audit.clean(text) != text:
            raise Refused(f"{text[:80]!a} is no {name}: 1 to {limit} characters, and no NUL")
    title = audit.clean(post.title)[:_MAX_TITLE]
    digest = post.digest()
    async with audit.transaction(db) as con:
        await con.execute(INSERT_ACCOUNT, post.platform, post.account)
        new_id = await con.fetchval(INSERT_POST, job_id, post.platform, post.account, title, digest)
        post_id = new_id or await con.fetchval(SELECT_TARGET, job_id, post.platform, post.account)
        row, more = await locked(con, post_id)
        if new_id is not None:
            await note(con, "post.armed", row)
        elif row.state == "failed" or (row.state == "armed" and row.digest != digest):
            _check_patience(row, more)
            await con.execute(UPDATE_ARMED, post_id, title, digest, RESTORED)
            await note(con, "post.armed", await changed(con, post_id))
        elif row.state == "sending":
            await take_over(con, row, more)
        elif row.state == "dead":
            raise _dead(row)
        elif row.state == "posted" and row.digest != digest:
            raise _another(row, digest)
        row, more = await locked(con, post_id)
        if row.state != "posted":
            await check_account(con, row.platform, row.account)
    return claim_of(row, more["handle"])


async def mark_sending(
    db: Pool | Con, post_id: int, attempt: int, owner: str, *, lease_s: float = LEASE_S
) -> None:
    """Note that the next step has an outside effect. Commits on a pool: send only after it.

    Raises:
        TryLater: the post is not armed at this attempt: of two that try to send, one gets this, and
            learns at his next `arm` how it went on.
        Refused: no approval of exactly this post counts now.
    """
    async with audit.transaction(db) as con:
        row, more = await locked(con, post_id)
        if row.state != "armed" or row.attempt != attempt:
            raise _overtaken(row, attempt, more)
        try:
            await con.execute(UPDATE_SENDING, post_id, owner, lease_s)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != "social_posts_approved":
                raise
            raise Refused(
                f"post {post_id} of job {row.job_id} is not sent: no approval of exactly this "
                "post counts now. Make a new video of the source: bookai make"
            ) from error
        await note(con, "post.sending", await changed(con, post_id), owner=owner)


async def keep_sending(  # one lease: whose, of what, how long, with what
    db: Pool | Con,
    post_id: int,
    attempt: int,
    owner: str,
    *,
    handle: str | None = None,
    lease_s: float = LEASE_S,
) -> bool:
    """Prolong the lease, and keep `handle` for whoever comes after us; tell whether it is ours.

    When it is not, somebody took the post over: stop at once and send nothing more.
    """
    if handle is not None and len(handle) > _MAX_HANDLE:
        raise Refused(f"a handle may have {_MAX_HANDLE} characters, this has {len(handle)}")
    kept = await db.fetchval(UPDATE_LEASE, post_id, attempt, owner, lease_s, handle)
    return kept is not None


async def mark_unknown(db: Pool | Con, post_id: int, attempt: int, reason: str) -> None:
    """Note that it may be out or not, and end the lease; does nothing for an older attempt."""
    reason = reason_of(reason)
    async with audit.transaction(db) as con:
        row, _ = await locked(con, post_id)
        if row.state == "sending" and row.attempt == attempt:
            await _make_unknown(con, row, reason)


async def mark_not_posted(
    db: Pool | Con,
    post_id: int,
    attempt: int,
    why: NotPosted,
    *,
    owner: str | None = None,
    chance: Callable[[], float] = random.random,
) -> float | None:
    """Note that certainly nothing went out; return after how many seconds a retry may send.

    `owner` is who says so: two may hold the same attempt until one begins to send, and from then on
    only he knows. Without one it is the platform's witness, asked about an unknown post. None means
    never by itself: the post is a dead letter now, because the platform refused it for good or
    `MAX_TRIES` sends have failed.

    Raises:
        TryLater: it is out, or somebody else's by now.
        Refused: no reason was given.
    """
    reason = reason_of(why.reason)
    async with audit.transaction(db) as con:
        row, more = await locked(con, post_id)
        if row.attempt != attempt or not _may_give_up(row, owner):
            raise _overtaken(row, attempt, more)
        if row.state in ("failed", "dead"):
            return 0.0 if row.state == "failed" else None
        is_dead = why.again == "never" or row.tries >= MAX_TRIES
        waits = why.again == "later" and not is_dead
        after_s = wait_s(row.tries, why.after_s, chance()) if waits else 0.0
        await con.execute(UPDATE_ENDED, post_id, "failed", reason, after_s)
        await note(con, "post.failed", await changed(con, post_id))
        if is_dead:
            await con.execute(UPDATE_ENDED, post_id, "dead", reason, 0.0)
            await note(con, "post.dead", await changed(con, post_id), tries=row.tries)
    POSTS.labels(row.platform, "dead" if is_dead else "failed").inc()
    return None if is_dead else after_s


async def take_over(con: Con, row: OutboxRow, more: Mapping[str, Any]) -> OutboxRow:
    """Make a post unknown whose sender is gone, in the caller's transaction.

    Raises:
        NotYet: its sender is alive.
    """
    left_s: float = more["lease_s"]
    if left_s > 0:
        raise NotYet(
            f"post {row.post_id} of job {row.job_id} is being sent right now by {row.lease_owner}.",
            after_s=left_s + 1.0,
        )
    return await _make_unknown(con, row, "the process ended after it began to send")


async def _make_unknown(con: Con, row: OutboxRow, reason: str) -> OutboxRow:
    await con.execute(UPDATE_ENDED, row.post_id, "unknown", reason, 0.0)
    row = await changed(con, row.post_id)
    await note(con, "post.unknown", row)
    POSTS.labels(row.platform, "unknown").inc()
    return row


def _may_give_up(row: OutboxRow, owner: str | None) -> bool:
    match row.state:
        case "posted":
            return False
        case "sending":
            return owner == row.lease_owner
        case "unknown":
            return owner is None
        case _:
            return True


def _overtaken(row: OutboxRow, attempt: int, more: Mapping[str, Any]) -> NotYet:
    where = f": {row.url}" if row.url else f" at attempt {row.attempt}"
    left_s: float = more["lease_s"]
    return NotYet(
        f"post {row.post_id} of job {row.job_id} is {row.state}{where} by now: whoever held "
        f"attempt {attempt} has no say in it any more.",
        after_s=max(left_s, 0.0) + 1.0,
    )


def _check_patience(row: OutboxRow, more: Mapping[str, Any]) -> None:
    wait: float = more["wait_s"]
    if row.state == "failed" and wait > 0:
        raise NotYet(
            f"post {row.post_id} of job {row.job_id} waits for {wait:.0f} s more before it is "
            f"tried again: {row.reason}",
            after_s=wait,
        )


def _dead(row: OutboxRow) -> OperatorNeeded:
    return OperatorNeeded(
        f"post {row.post_id} of job {row.job_id} is a dead letter on {row.platform!r} after "
        f"{row.tries} tries: {row.reason}",
        mend=f"When that is mended: bookai outbox replay {row.post_id}",
    )


def _another(row: OutboxRow, digest: str) -> OperatorNeeded:
    return OperatorNeeded(
        f"job {row.job_id} is out on {row.platform!r} at {row.url} as another post than this one "
        f"({row.digest[:12]}… is out, {digest[:12]}… was to be).",
        mend="Look at it there. To have it otherwise, change it there or make a new video: "
        "bookai make",
    )
