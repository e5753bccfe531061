"""The approval as it stands in the database, with its votes and edits, and how it is told."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.decisions import RULE, EditRow, VoteRow
from bookai.errors import Refused
from bookai.metrics import APPROVALS_PENDING
from bookai.models import Post, Record

State = Literal["pending", "approved", "rejected", "expired", "void"]
OnDecided = Callable[[Con, int], Awaitable[None]]

OPERATOR = "operator:"
"""Principals that begin so are people; nobody else decides."""

STUDIO = "studio"
MAX_NAME = 200
_SHOWN_CHARS = 400
_SHOWN_FIELDS = {
    *("title", "caption", "platform", "account", "source_url", "disclosure"),
    *("offer_name", "offer_url", "video_sha256", "flags"),
    *("visibility", "made_for_kids"),
}
_VOTES = TypeAdapter(tuple[VoteRow, ...])
_EDITS = TypeAdapter(tuple[EditRow, ...])

_COLUMNS = """
       a.approval_id, a.job_id, a.state, a.digest, a.post::text AS post, a.video_path,
       a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.note, a.channel,
       a.requested_by, a.needed, a.approvers, a.own_jobs, a.follows,
       (SELECT n.approval_id
          FROM approvals n
         WHERE n.follows = a.approval_id) AS followed_by,
       (SELECT v.batch_id
          FROM approval_votes v
         WHERE v.approval_id = a.approval_id
           AND v.voter = a.decided_by
           AND v.approve = (a.state <> 'rejected')) AS batch_id,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'by', v.voter, 'approve', v.approve, 'at', v.voted_at, 'reason', v.reason,
                   'via', v.via, 'lent_by', nullif(v.right_of, v.voter))
                   ORDER BY v.voted_at, v.voter), '[]'::jsonb)::text
          FROM approval_votes v
         WHERE v.approval_id = a.approval_id) AS votes,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'field', e.field, 'before', e.before, 'after', e.after)
                   ORDER BY e.field), '[]'::jsonb)::text
          FROM approval_edits e
         WHERE e.approval_id = a.approval_id) AS edits
"""
# The open one if there is one, else the newest.
SELECT_LATEST = f"""
SELECT {_COLUMNS}
  FROM approvals a
 WHERE a.job_id = $1
 ORDER BY (a.state IN ('pending', 'approved')) DESC, a.approval_id DESC
 LIMIT 1
"""  # noqa: S608  # a constant of ours
SELECT_ONE = f"SELECT {_COLUMNS} FROM approvals a WHERE a.approval_id = $1"  # noqa: S608  # as above
# Locked first, read after: a statement that waited for the lock would not see the votes that were
# given meanwhile.
LOCK_ONE = "SELECT approval_id FROM approvals WHERE approval_id = $1 FOR UPDATE"
SELECT_LIST = f"""
SELECT {_COLUMNS}
  FROM approvals a
 WHERE ($1::text IS NULL OR a.state = $1)
   AND ($4::bigint IS NULL OR a.approval_id > $4)
 ORDER BY (a.state = 'pending') DESC,
       CASE WHEN a.state = 'pending' THEN a.approval_id END,
       a.approval_id DESC
 LIMIT $2
OFFSET $3
"""  # noqa: S608  # as above
UPDATE_ENDED = "UPDATE approvals SET state = $2 WHERE approval_id = $1"
COUNT_PENDING = "SELECT count(*) FROM approvals WHERE state = 'pending'"


class Approval(Record):
    """An approval with the post it is about, its rules as they were when asked, and its votes.

    `follows` is the approval this one replaces, `followed_by` the one that replaces it.
    """

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
    channel: str
    requested_by: str
    needed: int
    approvers: tuple[str, ...]
    own_jobs: bool
    follows: int | None
    followed_by: int | None
    batch_id: str | None
    votes: tuple[VoteRow, ...]
    edits: tuple[EditRow, ...]

    @property
    def is_by_rule(self) -> bool:
        """Whether a rule that an operator granted said yes, and no person did."""
        return (self.decided_by or "").startswith(RULE)

    def said(self, by: str, approve: bool) -> VoteRow | None:
        """Return this person's yes, or no, if it was given."""
        return next((v for v in self.votes if v.by == by and v.approve == approve), None)


async def get(db: Pool | Con, approval_id: int) -> Approval:
    """Return one approval.

    Raises:
        Refused: there is no such approval.
    """
    row = await db.fetchrow(SELECT_ONE, approval_id)
    if row is None:
        raise Refused(f"there is no approval {approval_id}. To list them: bookai approvals")
    return approval_of(row)


async def locked(con: Con, approval_id: int) -> Approval:
    """Return one approval as nobody else can change it until the transaction ends.

    Raises:
        Refused: there is no such approval.
    """
    await con.execute(LOCK_ONE, approval_id)
    return await get(con, approval_id)


async def latest(db: Pool | Con, job_id: int) -> Approval | None:
    """Return a job's open approval, else its newest, else None."""
    row = await db.fetchrow(SELECT_LATEST, job_id)
    return approval_of(row) if row else None


async def list_(
    db: Pool | Con,
    state: State | None = None,
    limit: int = 50,
    skip: int = 0,
    after: int | None = None,
) -> tuple[Approval, ...]:
    """Return approvals: pending ones first, oldest first; then the others, newest first.

    Without the first `skip` of them, and only of numbers above `after`.
    """
    rows = await db.fetch(SELECT_LIST, state, limit, skip, after)
    return tuple(approval_of(row) for row in rows)


async def count_pending(db: Pool | Con) -> int:
    """Return how many approvals wait for an operator, and set the metric."""
    pending: int = await db.fetchval(COUNT_PENDING)
    APPROVALS_PENDING.set(pending)
    return pending


async def end(con: Con, approval: Approval, state: State, actor: str, **more: object) -> None:
    """Expire or void an open approval, with its audit event; `more` goes into its body."""
    await con.execute(UPDATE_ENDED, approval.approval_id, state)
    body = {
        "approval_id": approval.approval_id,
        "job_id": approval.job_id,
        "was": approval.state,
        "digest": approval.digest,
        "expires_at": approval.expires_at,
        **more,
    }
    await audit.append(con, f"approval.{state}", actor, body)


def shown(post: Post) -> dict[str, object]:
    """Return what an operator saw, cut to a size the audit log takes; the digest covers it all."""
    fields = post.model_dump(mode="json", include=_SHOWN_FIELDS)
    return {
        name: value[:_SHOWN_CHARS] if isinstance(value, str) else value
        for name, value in fields.items()
    }


def unchanged(approval: Approval) -> Approval:
    """Return it if its post is the one that was asked about: nobody approves what he cannot see."""
    if approval.post.digest() != approval.digest:
        raise Refused(
            f"the post of approval {approval.approval_id} is no longer the one it was asked for: "
            "it is not published. To see whether the log is whole: bookai audit verify"
        )
    return approval


def not_pending(approval: Approval) -> Refused:
    """Return the refusal of a word that comes too late: who decided, when, why."""
    return Refused(why_not_pending(approval), words=approval.note or "")


def why_not_pending(approval: Approval) -> str:
    """Say who decided and when, or what else became of the approval."""
    name = f"approval {approval.approval_id} of job {approval.job_id}"
    if approval.state in ("approved", "rejected"):
        assert approval.decided_at is not None, "the database keeps the time with the name"
        when = moment(approval.decided_at)
        return f"{name} was {approval.state} by {approval.decided_by} at {when}"
    if approval.is_by_rule:
        again = f"; ask anew: bookai approvals renew {approval.approval_id}"
        return (
            f"{name} was given by {approval.decided_by}, whose yes counts no more: it was taken "
            f"back, its time ran out, or the channel was locked"
            f"{again if approval.state == 'expired' else ''}"
        )
    if approval.state == "void":
        now = f"see approval {approval.followed_by}" if approval.followed_by else "bookai approvals"
        return f"{name} is void: what would be published has changed since; {now}"
    asked = f"; it was asked anew as {approval.followed_by}" if approval.followed_by else ""
    return f"{name} expired at {moment(approval.expires_at)}{asked}"


def moment(at: datetime) -> str:
    """Write a time for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def check_operator(by: str) -> None:
    """Raise `Refused` unless the principal is a person."""
    if not by.startswith(OPERATOR) or not by[len(OPERATOR) :].strip() or len(by) > MAX_NAME:
        raise Refused(f"{by[:80]!r} may not decide: only an operator may, never an agent or a tool")


def approval_of(row: Mapping[str, Any]) -> Approval:
    """Return a row of SELECT_ONE and its like as a record."""
    post = Post.model_validate_json(row["post"])
    values = {name: row[name] for name in Approval.model_fields if name not in ("post", "title")}
    values |= {
        "votes": _VOTES.validate_json(row["votes"]),
        "edits": _EDITS.validate_json(row["edits"]),
    }
    return Approval(post=post, title=post.title, **values)
