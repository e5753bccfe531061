"""The studio's memory in rows, as tools and desks tell of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import WithJsonSchema

from bookai.decisions import EditRow, VoteRow
from bookai.film.shots import ShotRow
from bookai.models import Fallback, Finding, Post, Publication, Record


class JobRow(Record):
    """A job in a list. `status`: queued, running, waiting, done, refused, failed, cancelled.

    It does not go on, nor is it published, before `not_before`.
    """

    job_id: int
    source: str
    channel: str
    status: str
    stage: str
    percent: int
    title: str | None
    reason: str | None
    approval_id: int | None
    url: str | None
    created_at: datetime
    updated_at: datetime
    not_before: datetime | None = None


class JobTicket(Record):
    """A job that was just made or changed; get_job tells the rest."""

    job_id: int
    source: str
    channel: str
    status: str
    stage: str
    reason: str | None
    not_before: datetime | None = None


OBJECTS = WithJsonSchema({"type": "array", "items": {"type": "object"}})
"""A list whose fields are plain to see in it: a tool's schema has no room to name them."""


class ShotLine(Record):
    """What is shown with one sentence, how well it fits (0 to 1), and what else could be."""

    line: int
    shot: str
    score: float
    why: str
    others: tuple[str, ...]
    licence: str


def shot_line(row: ShotRow) -> ShotLine:
    """Return a row of the shot report as it is told."""
    return ShotLine(
        line=row.line,
        shot=row.chosen.shot.kind,
        score=row.chosen.score,
        why=row.chosen.why,
        others=tuple(one.shot.kind for one in row.runners_up),
        licence=row.licence,
    )


class JobDetail(Record):
    """A job with everything an operator asks about it."""

    job: JobRow
    script: tuple[str, ...]
    video_path: str | None
    thumbnail_path: str | None
    findings: Annotated[tuple[Finding, ...], OBJECTS]
    fallbacks: Annotated[tuple[Fallback, ...], OBJECTS]
    stage_seconds: Mapping[str, float]
    shots: Annotated[tuple[ShotLine, ...], OBJECTS] = ()


class ApprovalRow(Record):
    """An approval. `state`: pending, approved, rejected, expired, void.

    `needed` different people have to say yes; `edits` is what an operator changed before his yes.
    """

    approval_id: int
    job_id: int
    title: str
    state: str
    digest: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    post: Post
    video_path: str
    channel: str = "default"
    needed: int = 1
    votes: tuple[VoteRow, ...] = ()
    batch_id: str | None = None
    edits: tuple[EditRow, ...] = ()


class Decision(Record):
    """What became of an operator's word. `state` is still pending while more have to say yes.

    `yes` counts those who did, of the `needed`; an edited post has an approval of its own.
    """

    approval_id: int
    job_id: int
    title: str
    state: str
    yes: int
    needed: int
    decided_by: str | None
    note: str | None


class PublicationRow(Record):
    """A post in the outbox. `state`: armed, sending, posted, unknown, failed, dead.

    `unknown` may be out or not; `dead` is sent again only after an operator's replay; `not_before`
    is when a failed one may be tried again.
    """

    post_id: int
    job_id: int
    platform: str
    account: str
    title: str
    state: str
    url: str | None
    published_at: datetime | None
    attempt: int = 1
    reason: str | None = None
    not_before: datetime | None = None


class AuditRow(Record):
    """One audit event; `body` is the exact JSON text that is sealed."""

    event_id: int
    at: datetime
    kind: str
    actor: str
    body: str
    sealed: bool


class PauseRow(Record):
    """A pause of a channel, or of the whole studio without one."""

    channel: str | None
    reason: str
    paused_by: str
    paused_at: datetime


class CheckRow(Record):
    """One thing the studio needs: `note` is worth knowing, `fail` must be mended as it says."""

    level: Literal["ok", "note", "fail"]
    what: str
    found: str


class StudioStatus(Record):
    """The studio at a glance; `checks` only where they were asked for."""

    version: str
    jobs: Mapping[str, int]
    approvals_pending: int
    published: int
    audit_events: int
    audit_unsealed: int
    writer: str
    home: str
    paused: tuple[PauseRow, ...] = ()
    checks: tuple[CheckRow, ...] = ()


class Armed(Record):
    """The outbox's answer: a new claim, one found half done, or the receipt of an earlier post.

    `attempt` is the number that every later mark must name; `armed_at` is the same at every
    attempt; `handle` is what an earlier attempt left behind, and no text for a log.
    """

    post_id: int
    key: str
    state: Literal["armed", "unknown", "posted"]
    attempt: int
    armed_at: datetime
    handle: str | None = None
    publication: Publication | None = None
