"""What the studio lends to resources: what is read, and links to what is too large to be read."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol

from bookai.decisions import LadderRow
from bookai.models import Change, Record, VideoJob
from bookai.running.plans import PlanView
from mcp_server.auth import Principal
from mcp_server.rooms.sheets import Capabilities, ResultsSheet
from tools.base import ApprovalRow, AuditRow, JobDetail, JobRow, PublicationRow, StudioStatus
from tools.lists.channels import ChannelDetail, ChannelRow

NumberedKind = Literal["job", "script", "video", "approval", "event"]
"""What has a number of its own; scripts, thumbnails and videos have their job's."""

Kind = NumberedKind | Literal["channel"]
"""What there are many of; channels have names."""


class Library(Protocol):
    """The studio as its readers see it; whether they may is asked before.

    What is not there raises `Refused`.
    """

    async def job(self, job_id: int) -> JobDetail:
        """Return a job as get_job shows it."""

    async def record(self, job_id: int) -> VideoJob:
        """Return a job's whole record: the article, the script with its spans, the render."""

    async def thumbnail(self, job_id: int) -> bytes:
        """Return the picture, a JPEG, certain to be the one that was rendered."""

    async def approval(self, approval_id: int) -> ApprovalRow:
        """Return an approval."""

    async def event(self, event_id: int) -> AuditRow:
        """Return an audit event."""

    async def jobs(self, limit: int) -> tuple[JobRow, ...]:
        """Return jobs, newest first."""

    async def pending(self, limit: int) -> tuple[ApprovalRow, ...]:
        """Return what waits for an operator, the longest waiting first."""

    async def publications(self, limit: int) -> tuple[PublicationRow, ...]:
        """Return posts, newest first."""

    async def results(self, limit: int) -> ResultsSheet:
        """Return what became of posts, newest first, of product pages, and of forecasts."""

    async def plans(self, limit: int) -> tuple[PlanView, ...]:
        """Return the plans of so many channels with slots, by name."""

    async def status(self) -> StudioStatus:
        """Return the studio at a glance."""

    async def capabilities(self) -> Capabilities:
        """Return what this studio can do, on this machine, now."""

    async def autonomy(self) -> tuple[LadderRow, ...]:
        """Return each channel's rung on the ladder of autonomy."""

    async def channel(self, name: str) -> ChannelDetail:
        """Return one channel with its passport."""

    async def list_channels(self) -> tuple[ChannelRow, ...]:
        """Return every channel, by name."""

    async def newest(self, kind: NumberedKind, prefix: str, limit: int) -> tuple[int, ...]:
        """Return numbers that exist and begin with `prefix`, newest first."""

    def channels(self) -> tuple[str, ...]:
        """Return the channels' names, sorted."""


class SignedLink(Record):
    """Where one file can be fetched without a token, until `expires_at`."""

    url: str
    expires_at: datetime


FileKind = Literal["video", "thumbnail", "captions"]
Signer = Callable[[int, FileKind, Principal], Awaitable[SignedLink]]
"""Signs a link to a job's file for one principal; raises `Refused` or `OperatorNeeded`."""


class Wire(Protocol):
    """Where word of changes comes from, whichever process made them."""

    def subscribe(self, hear: Callable[[Change], None]) -> Callable[[], None]:
        """Tell `hear` of every change from now on; return what ends that."""
