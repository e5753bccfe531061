"""Approvals: an operator's word on exactly one post, asked for, given once, and asked again.

pending → approved | rejected | expired | void; approved → expired | void; the rest is final.
An approval counts for the digest of everything that would be published, and until it expires.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.metrics import APPROVALS_DECIDED, APPROVALS_PENDING
from bookai.models import Post, Record

State = Literal["pending", "approved", "rejected", "expired", "void"]
OnDecided = Callable[[Con, int], Awaitable[None]]

OPERATOR = "operator:"
"""Principals that begin so are people; nobody else decides."""

STUDIO = "studio"
MAX_POST_BYTES = 131072
MAX_REASON = 2000
_MAX_BY = 200
_MAX_PATH = 4096
_SHOWN_CHARS = 400
_SHOWN_FIELDS = {
    *("title", "caption", "platform", "account", "source_url", "disclosure"),
    *("offer_name", "offer_url", "video_sha256", "flags"),
}

_COLUMNS = """
       a.approval_id, a.job_id, a.state, a.digest, a.post::text AS post, a.video_path,
       a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.note
"""
# The open one if there is one, else the newest.
SELECT_LATEST = f"""
SELECT {_COLUMNS}
  FROM approvals a
 WHERE a.job_id = $1
 ORDER BY (a.state IN ('pending', 'approved')) DESC, a.approval_id DESC
 LIMIT 1
"""  # noqa: S608  # a constant of ours
SELECT_LATEST_LOCKED = f"{SELECT_LATEST} FOR UPDATE"
SELECT_ONE = f"SELECT {_COLUMNS} FROM approvals a WHERE a.approval_id = $1"  # noqa: S608  # as above
SELECT_ONE_LOCKED = f"{SELECT_ONE} FOR UPDATE"
SELECT_LIST = f"""
SELECT {_COLUMNS}
  FROM approvals a
 WHERE $1::text IS NULL OR a.state = $1
 ORDER BY (a.state = 'pending') DESC,
       CASE WHEN a.state = 'pending' THEN a.approval_id END,
       a.approval_id DESC
 LIMIT $2
"""  # noqa: S608  # as above
# What is out, or may be out, keeps its approval: it says who allowed it.
SELECT_EXPIRED = f"""
SELECT {_COLUMNS}
  FROM approvals a
 WHERE a.state IN ('pending', 'approved')
   AND a.expires_at <= $1
   AND NOT EXISTS (SELECT
                     FROM social_posts p
                    WHERE p.job_id = a.job_id
                      AND p.state IN ('sending', 'unknown', 'posted'))
 ORDER BY a.approval_id
   FOR UPDATE OF a SKIP LOCKED
"""  # noqa: S608  # as above
INSERT_PENDING = """
INSERT INTO approvals (job_id, digest, post, video_path, requested_at, expires_at)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6)
ON CONFLICT (job_id) WHERE state IN ('pending', 'approved') DO NOTHING
RETURNING approval_id
"""
UPDATE_DECIDED = """
UPDATE approvals
   SET state = $2, decided_by = $3, decided_at = $4, note = $5
 WHERE approval_id = $1
"""
UPDATE_ENDED = "UPDATE approvals SET state = $2 WHERE approval_id = $1"
COUNT_PENDING = "SELECT count(*) FROM approvals WHERE state = 'pending'"


class Approval(Record):
    """An approval with the post it is about."""

    approval_id: int
    job_id: int
    title: str
    state: State
    digest: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    post: Post
    video_path: str


async def request(
    con: Con, job_id: int, post: Post, video_path: str, now: datetime, ttl: timedelta
) -> int:
    """Ask for an operator's word on `post`, in the caller's transaction; return the approval's id.

    Asking again for the same post gives the same approval, also after a rejection: a no to
    exactly this stays a no. Another post makes an open approval void; an expired one is asked anew.
    Call it before the transaction changes the job's row, so that it cannot wait in a circle with
    an operator who decides at the same moment.

    Raises:
        Refused: the post cannot be kept, or `ttl` is not in the future.
    """
    text, digest = _kept(post, video_path)
    if ttl <= timedelta():
        raise Refused(f"an approval must expire in the future, not after {ttl}")
    while True:
        latest = await con.fetchrow(SELECT_LATEST_LOCKED, job_id)
        if latest and latest["digest"] == digest and _still_counts(latest, now):
            known: int = latest["approval_id"]
            return known
        if latest and latest["state"] in ("pending", "approved"):
            is_late = latest["expires_at"] <= now
            await _end(con, latest, "expired" if is_late else "void", STUDIO)
        expires_at = now + ttl
        approval_id: int | None = await con.fetchval(
            INSERT_PENDING, job_id, digest, text, video_path, now, expires_at
        )
        # None: another process asked at the same moment; look again at what it wrote.
        if approval_id is not None:
            break
    body = {
        "approval_id": approval_id,
        "job_id": job_id,
        "digest": digest,
        "expires_at": expires_at,
        "shown": _shown(post),
    }
    await audit.append(con, "approval.requested", STUDIO, body)
    return approval_id


async def decide(  # noqa: PLR0913  # one decision: on what, which, why, who, when, and then what
    pool: Pool,
    approval_id: int,
    approve: bool,
    reason: str,
    by: str,
    now: datetime,
    on_decided: OnDecided | None = None,
) -> Approval:
    """Record an operator's decision and its audit event, and wake the job, in one transaction.

    `on_decided(con, job_id)` runs inside that transaction; also when the approval turns out to
    have expired, as the wait is over then too.

    Raises:
        Refused: not an operator, no reason for a rejection, no such approval, decided already,
            expired or void; the message names who and when.
    """
    reason = audit.clean(reason).strip()
    _check_decider(by, approve, reason)
    async with audit.transaction(pool) as con:
        row = await con.fetchrow(SELECT_ONE_LOCKED, approval_id)
        if row is None:
            raise Refused(f"there is no approval {approval_id}. To list them: bookai approvals")
        if row["state"] != "pending":
            raise Refused(_why_not_pending(row))
        approval = _unchanged(_approval(row))
        is_late = approval.expires_at <= now
        if is_late:
            await _end(con, row, "expired", STUDIO)
        else:
            await _decide(con, approval, approve, reason, by, now)
        if on_decided is not None:
            await on_decided(con, approval.job_id)
        decided = _approval(await con.fetchrow(SELECT_ONE, approval_id))
    if is_late:
        raise Refused(
            f"approval {approval_id} expired at {_at(approval.expires_at)}, before the decision: "
            "nothing is published. To make the video again: bookai make SOURCE"
        )
    APPROVALS_DECIDED.labels(decided.state).inc()
    return decided


async def check(
    db: Pool | Con, job_id: int, digest: str, now: datetime, *, begun: bool = False
) -> None:
    """Return when an operator approved this very digest for this job and it has not expired.

    `begun` says that the post was on its way before: what may be out must be looked for and
    receipted, however late, so the time limit holds for new sends alone.

    Raises:
        Refused: anything else; the message says what is missing.
    """
    row = await db.fetchrow(SELECT_LATEST, job_id)
    if row is None:
        raise Refused(f"nobody was asked to approve job {job_id}: nothing goes out")
    approval = _unchanged(_approval(row))
    if approval.state == "pending":
        raise Refused(f"job {job_id} waits for an operator: bookai approve {approval.approval_id}")
    if approval.state != "approved":
        raise Refused(_why_not_pending(row))
    if approval.digest != digest:
        raise Refused(
            f"what would be published for job {job_id} is not what {approval.decided_by} approved "
            f"(approval {approval.approval_id}). Make a new video of the source: bookai make"
        )
    if approval.expires_at <= now and not begun:
        raise Refused(
            f"approval {approval.approval_id} of job {job_id} expired at "
            f"{_at(approval.expires_at)}. Make a new video of the source: bookai make"
        )


async def expire(
    pool: Pool, now: datetime, *, on_ended: OnDecided | None = None
) -> tuple[int, ...]:
    """Expire what was not decided or not published in time; return the ids of those jobs.

    `on_ended(con, job_id)` is called for each in the same transaction, so that no job is left
    asleep by a crash in between.
    """
    async with audit.transaction(pool) as con:
        rows = await con.fetch(SELECT_EXPIRED, now)
        for row in rows:
            await _end(con, row, "expired", STUDIO)
            if on_ended:
                await on_ended(con, row["job_id"])
    return tuple(row["job_id"] for row in rows)


async def get(db: Pool | Con, approval_id: int) -> Approval:
    """Return one approval.

    Raises:
        Refused: there is no such approval.
    """
    row = await db.fetchrow(SELECT_ONE, approval_id)
    if row is None:
        raise Refused(f"there is no approval {approval_id}. To list them: bookai approvals")
    return _approval(row)


async def list_(
    db: Pool | Con, state: State | None = None, limit: int = 50
) -> tuple[Approval, ...]:
    """Return approvals: pending ones first, oldest first; then the others, newest first."""
    return tuple(_approval(row) for row in await db.fetch(SELECT_LIST, state, limit))


async def count_pending(db: Pool | Con) -> int:
    """Return how many approvals wait for an operator, and set the metric."""
    pending: int = await db.fetchval(COUNT_PENDING)
    APPROVALS_PENDING.set(pending)
    return pending


def _kept(post: Post, video_path: str) -> tuple[str, str]:
    """Return the post's JSON text and digest, once it is certain that Postgres keeps both."""
    try:
        text, digest = post.model_dump_json(), post.digest()
    except (UnicodeEncodeError, ValueError) as error:
        raise Refused(f"the post {post.title[:80]!a} holds half a character ({error})") from error
    if "\\u0000" in text or "\0" in video_path:
        raise Refused(f"the post {post.title[:80]!a} holds a NUL character")
    size_bytes = len(text.encode())
    if size_bytes > MAX_POST_BYTES:
        raise Refused(f"a post may have {MAX_POST_BYTES} bytes, this has {size_bytes}: shorten it")
    if len(video_path) > _MAX_PATH:
        raise Refused(f"a path may have {_MAX_PATH} characters, this has {len(video_path)}")
    return text, digest


def _still_counts(row: Mapping[str, Any], now: datetime) -> bool:
    is_open: bool = row["state"] in ("pending", "approved") and row["expires_at"] > now
    return is_open or row["state"] == "rejected"


def _check_decider(by: str, approve: bool, reason: str) -> None:
    if not by.startswith(OPERATOR) or not by[len(OPERATOR) :].strip() or len(by) > _MAX_BY:
        raise Refused(f"{by[:80]!r} may not decide: only an operator may, never an agent or a tool")
    if not approve and not reason:
        raise Refused("a rejection needs a reason: the next draft learns from it (--reason)")
    if len(reason) > MAX_REASON:
        raise Refused(f"a reason may have {MAX_REASON} characters, this has {len(reason)}")


async def _decide(
    con: Con, approval: Approval, approve: bool, reason: str, by: str, now: datetime
) -> None:
    state = "approved" if approve else "rejected"
    await con.execute(UPDATE_DECIDED, approval.approval_id, state, by, now, reason)
    body = {
        "approval_id": approval.approval_id,
        "job_id": approval.job_id,
        "decision": state,
        "reason": reason,
        "decided_at": now,
        "digest": approval.digest,
        "shown": _shown(approval.post),
    }
    await audit.append(con, "approval.decided", by, body)


async def _end(con: Con, row: Mapping[str, Any], state: State, actor: str) -> None:
    """Expire or void an open approval, with its audit event."""
    await con.execute(UPDATE_ENDED, row["approval_id"], state)
    body = {
        "approval_id": row["approval_id"],
        "job_id": row["job_id"],
        "was": row["state"],
        "digest": row["digest"],
        "expires_at": row["expires_at"],
    }
    await audit.append(con, f"approval.{state}", actor, body)


def _shown(post: Post) -> dict[str, object]:
    """Return what an operator saw, cut to a size the audit log takes; the digest covers it all."""
    fields = post.model_dump(mode="json", include=_SHOWN_FIELDS)
    return {
        name: value[:_SHOWN_CHARS] if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _why_not_pending(row: Mapping[str, Any]) -> str:
    name = f"approval {row['approval_id']} of job {row['job_id']}"
    why = f" ({row['note']})" if row["note"] else ""
    if row["state"] in ("approved", "rejected"):
        return f"{name} was {row['state']} by {row['decided_by']} at {_at(row['decided_at'])}{why}"
    if row["state"] == "void":
        return f"{name} is void: what would be published has changed since. bookai approvals"
    return f"{name} expired at {_at(row['expires_at'])}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _approval(row: Mapping[str, Any]) -> Approval:
    post = Post.model_validate_json(row["post"])
    values = {name: row[name] for name in Approval.model_fields if name not in ("post", "title")}
    return Approval(post=post, title=post.title, **values)


def _unchanged(approval: Approval) -> Approval:
    """Return it if its post is the one that was asked about: nobody approves what he cannot see."""
    if approval.post.digest() != approval.digest:
        raise Refused(
            f"the post of approval {approval.approval_id} is no longer the one it was asked for: "
            "it is not published. To see whether the log is whole: bookai audit verify"
        )
    return approval
