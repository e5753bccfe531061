"""What a tool file exports: `TOOL`, one thing the studio can do, and what the server lends it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, Literal, Protocol

from bookai.decisions import BundleReport, EditRow, Via, VoteRow
from bookai.duty import AgentRow, ChoiceRow
from bookai.models import Fallback, Finding, NotPosted, Offer, Post, PostEdit, Publication, Record
from bookai.models import MadeVideo as MadeVideo

Scope = Literal["read", "operate", "approve", "agent", "admin"]


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


class JobDetail(Record):
    """A job with everything an operator asks about it."""

    job: JobRow
    script: tuple[str, ...]
    video_path: str | None
    thumbnail_path: str | None
    findings: tuple[Finding, ...]
    fallbacks: tuple[Fallback, ...]
    stage_seconds: Mapping[str, float]


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


class Desk(Protocol):
    """The studio's memory, lent to tools; `studio/desk.py` fills it in from the database."""

    async def create_job(self, source: str, channel: str, requested_by: str) -> JobRow:
        """Write a job and its queue entry in one transaction."""

    async def list_jobs(
        self,
        status: str | None,
        limit: int,
        *,
        channel: str | None = None,
        before: int | None = None,
    ) -> tuple[JobRow, ...]:
        """Return jobs of numbers below `before`, newest first."""

    async def resume_job(self, job_id: int, requested_by: str) -> JobRow:
        """Queue a stopped job again, from its last finished step."""

    async def cancel_job(self, job_id: int, reason: str, by: str) -> None:
        """End a job; whoever runs it stops within two seconds."""

    async def put_off_job(self, job_id: int, at: datetime | None, by: str) -> None:
        """Let a job go on, and so be published, no sooner than `at`; None: now."""

    async def set_pause(
        self, paused: bool, channel: str | None, reason: str, by: str
    ) -> tuple[PauseRow, ...]:
        """Pause or resume a channel, or everything without one; return what is paused now."""

    async def examine(self) -> tuple[CheckRow, ...]:
        """Look at everything the studio needs, as `bookai doctor` does."""

    async def get_job(self, job_id: int) -> JobDetail:
        """Return one job; raises `Refused` when there is none."""

    async def list_approvals(
        self, state: str | None, limit: int, skip: int = 0
    ) -> tuple[ApprovalRow, ...]:
        """Return approvals, oldest pending first, without the first `skip` of them."""

    async def decide_approval(
        self,
        approval_id: int,
        approve: bool,
        reason: str,
        by: str,
        *,
        edit: PostEdit | None = None,
        via: Via = "mcp",
    ) -> ApprovalRow:
        """Record an operator's word and its audit row in one transaction; wake the job.

        With `edit` the changed post gets an approval of its own, which is returned.
        """

    async def decide_bundle(
        self,
        approve: Sequence[int],
        reject: Mapping[int, str],
        reason: str,
        by: str,
        *,
        via: Via = "mcp",
    ) -> BundleReport:
        """Decide on many at once; what cannot be decided is told by row."""

    async def list_publications(
        self, limit: int, before: int | None = None
    ) -> tuple[PublicationRow, ...]:
        """Return posts of numbers below `before`, newest first."""

    async def search_audit(
        self,
        *,
        kind: str | None,
        actor: str | None,
        job_id: int | None,
        limit: int,
        before: int | None = None,
    ) -> tuple[AuditRow, ...]:
        """Return audit events of numbers below `before`, newest first."""

    async def list_agents(self) -> tuple[AgentRow, ...]:
        """Return every agent with its track record."""

    async def explain_choice(self, job_id: int, step: str | None) -> tuple[ChoiceRow, ...]:
        """Return who was chosen for a job's steps, or one of them, among whom, and why."""

    async def status(self) -> StudioStatus:
        """Return the studio at a glance."""

    async def list_made(self, channel: str, limit: int) -> tuple[MadeVideo, ...]:
        """Return what a channel made, newest first; refused and failed jobs do not count."""

    async def list_offers(self) -> tuple[Offer, ...]:
        """Return every active product of the catalogue."""

    async def make_link(self, job_id: int, product_id: int) -> Offer:
        """Return the offer with this job's own tracked link; the same link when asked twice."""

    async def check_approved(self, job_id: int, digest: str) -> None:
        """Raise `Refused` unless an operator approved this very digest in time."""

    async def arm_post(self, job_id: int, post: Post) -> Armed:
        """Claim the one post of this job and target; commit before anything is sent."""

    async def mark_sending(self, post_id: int, attempt: int, owner: str) -> None:
        """Note that the next step has an outside effect, and begin `owner`'s lease."""

    async def keep_sending(
        self, post_id: int, attempt: int, owner: str, handle: str | None = None
    ) -> bool:
        """Prolong the lease, keep `handle` for later attempts, tell whether it is still ours."""

    async def mark_posted(
        self, post_id: int, external_id: str, url: str, attempt: int | None = None
    ) -> Publication:
        """Write the receipt, however late; the same receipt when called twice."""

    async def mark_unknown(self, post_id: int, attempt: int, reason: str) -> None:
        """Note that it may be out or not; the next attempt asks the platform first."""

    async def mark_not_posted(
        self, post_id: int, attempt: int, why: NotPosted, owner: str | None = None
    ) -> float | None:
        """Note that certainly nothing went out; return after how many seconds a retry may send.

        `owner` says so about his own send, nobody about what the platform was asked. None: never by
        itself, the post is a dead letter now.
        """

    async def get_approval(self, approval_id: int) -> ApprovalRow:
        """Return one approval; raises `Refused` when there is none."""


class Fetch(Protocol):
    """The one gate to the network: size, time and address limits inside."""

    async def __call__(self, url: str, *, accept: str = "*/*") -> "Fetched":
        """Return the body of `url`; raises `Refused` or `TryLater` with the reason and the mend."""


class Fetched(Record):
    """What came back: `url` is the last one after redirects."""

    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What the server lends to a tool. Never part of the MCP schema, never sent by an agent.

    `work_dir` is the studio's folder for job files (`work_dir / str(job_id)`); `config` is the
    TOML table of the plug-ins by name; `progress(fraction, message)` reaches the caller.
    """

    desk: Desk
    fetch: Fetch
    work_dir: Path
    gallery_dir: Path
    principal: str
    progress: Callable[[float, str], Awaitable[None]]
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing the studio can do.

    Attributes:
        run: coroutine function; its parameters after the first are the MCP schema, each an
            `Annotated[type, Field(description=..., bounds)]`; its docstring is what a model reads.
        title: for people.
        scope: the right a caller needs.
        timeout_s: the guard cancels the call after this many seconds.
        needs_approval: the guard refuses the call until an operator has said yes to the job;
            such a tool takes `job_id` and `post`.
        confirm: returns the question that a client's person is asked before the call, from the same
            arguments as `run`, or None; the same question each time, for an answer counts only
            for the very question that was shown.
        private: arguments that hold a person's own words: they stay out of the audit log, even as a
            digest, so that they can be erased.
        task: long work of a processor, such as rendering: for clients that know tasks, only a few
            of these run side by side and a bounded number waits.
        read_only, destructive, idempotent, open_world: the four MCP hints.
    """

    run: Callable[Concatenate[ToolContext, ...], Awaitable[Record]]
    title: str
    scope: Scope
    timeout_s: float
    needs_approval: bool = False
    confirm: Callable[Concatenate[ToolContext, ...], Awaitable[str | None]] | None = None
    private: frozenset[str] = frozenset()
    task: bool = False
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False

    @property
    def name(self) -> str:
        """The file's and the MCP tool's name."""
        return self.run.__name__
