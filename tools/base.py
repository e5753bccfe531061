"""What a tool file exports: `TOOL`, one thing the studio can do, and what the server lends it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, Literal, Protocol

from bookai.decisions import BundleReport, Via
from bookai.duty import AgentRow, ChoiceRow
from bookai.market import EarningsBy, EarningsReport, Watched
from bookai.models import (
    Feed,
    MadeVideo,
    NotPosted,
    Offer,
    Post,
    PostEdit,
    Publication,
    Record,
)
from tools.lists.channels import ChannelChange
from tools.lists.rows import (
    ApprovalRow,
    Armed,
    AuditRow,
    CheckRow,
    Decision,
    JobDetail,
    JobRow,
    JobTicket,
    PauseRow,
    PublicationRow,
    StudioStatus,
)

__all__ = [
    "ApprovalRow",
    "Armed",
    "AuditRow",
    "CheckRow",
    "Decision",
    "Desk",
    "Fetch",
    "Fetched",
    "JobDetail",
    "JobRow",
    "JobTicket",
    "MadeVideo",
    "PauseRow",
    "PublicationRow",
    "Scope",
    "StudioStatus",
    "Tool",
    "ToolContext",
]

Scope = Literal["read", "operate", "approve", "agent", "admin"]


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

    async def swap_shot(self, job_id: int, line: int, kind: str, by: str) -> None:
        """Have line `line` of a job that waits for approval shown in another way."""

    async def set_pause(
        self, paused: bool, channel: str | None, reason: str, by: str
    ) -> tuple[PauseRow, ...]:
        """Pause or resume a channel, or everything without one; return what is paused now."""

    async def set_channel(
        self, channel: str, changes: str, clear: str, by: str, *, add: bool = False
    ) -> ChannelChange:
        """Change a channel's passport by lines of TOML, as far as a client may."""

    async def examine(self) -> tuple[CheckRow, ...]:
        """Look at everything the studio needs, as `bookai doctor` does."""

    async def get_job(self, job_id: int) -> JobDetail:
        """Return one job; raises `Refused` when there is none."""

    async def list_approvals(
        self, state: str | None, limit: int, skip: int = 0, after: int | None = None
    ) -> tuple[ApprovalRow, ...]:
        """Return approvals, oldest pending first: not the first `skip`, numbers above `after`."""

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

    async def rest_account(self, post_id: int, after_s: float, why: str) -> None:
        """Send nothing as this post's account for so long: its platform told it to wait."""

    async def get_approval(self, approval_id: int) -> ApprovalRow:
        """Return one approval; raises `Refused` when there is none."""

    async def claim_feeds(self, feeds: Mapping[str, int]) -> tuple[str, ...]:
        """Return which of these are due, by seconds since the last try; each to one caller only."""

    async def note_feed(self, url: str, feed: Feed) -> None:
        """Remember what a feed shows now."""

    async def note_feed_failure(self, url: str, error: str) -> None:
        """Remember why a feed could not be read."""

    async def seen_in_feeds(self, feeds: Sequence[str], window: timedelta) -> Watched:
        """Return what these feeds showed that appeared within `window`, and how they are."""

    async def sum_earnings(
        self,
        since: date | None,
        until: date | None,
        time_zone: str,
        by: EarningsBy,
        limit: int,
    ) -> EarningsReport:
        """Return what was earned from the day `since` through the day `until` of that zone."""


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
