"""The studio as the readers of MCP resources see it: `mcp_server.rooms.Library`."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bookai.db import jobs, rooms
from bookai.decisions import LadderRow
from bookai.errors import Refused
from bookai.models import VideoJob
from bookai.running.plans import PlanView
from mcp_server.rooms.lent import NumberedKind
from mcp_server.rooms.sheets import Capabilities, ResultsSheet
from studio.desk import StudioDesk
from studio.planning.looking import Looker
from studio.rooms.results import results
from tools.base import ApprovalRow, AuditRow, JobDetail, JobRow, PublicationRow, StudioStatus
from tools.lists.channels import ChannelDetail, ChannelRow
from tools.media.paths import inside

PLANNED_DAYS = 2
MAX_PICTURE_BYTES = 2 * 1024 * 1024
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioLibrary:
    """Reads through the desk where the desk has it; `look` tells what this machine can do.

    `ladder` tells what channels may do alone.
    """

    desk: StudioDesk
    work_dir: Path
    look: Callable[[], Capabilities]
    ladder: Callable[[], Awaitable[tuple[LadderRow, ...]]]
    looker: Callable[[], Looker]

    async def job(self, job_id: int) -> JobDetail:
        """Return a job as get_job shows it."""
        return await self.desk.get_job(job_id)

    async def record(self, job_id: int) -> VideoJob:
        """Return a job's whole record."""
        return await jobs.load(self.desk.pool, job_id)

    async def thumbnail(self, job_id: int) -> bytes:
        """Return the picture of a job.

        Raises:
            Refused: there is none yet, it is gone, or its bytes are not those that were rendered.
        """
        made = (await self.record(job_id)).render
        if made is None:
            raise Refused(f"job {job_id} has no picture yet.")
        try:
            path = inside(self.work_dir, job_id, made.thumbnail_path)
        except Refused as error:
            # Its own words name folders of this machine.
            raise Refused(f"the picture of job {job_id} lies outside the job's folder.") from error
        picture = await asyncio.to_thread(_read_picture, path, job_id)
        if hashlib.sha256(picture).hexdigest() != made.thumbnail_sha256:
            raise Refused(
                f"the picture of job {job_id} is not the one that was rendered: make it again."
            )
        return picture

    async def approval(self, approval_id: int) -> ApprovalRow:
        """Return an approval."""
        return await self.desk.get_approval(approval_id)

    async def event(self, event_id: int) -> AuditRow:
        """Return an audit event."""
        event = await rooms.get_event(self.desk.pool, event_id)
        return AuditRow(**{name: getattr(event, name) for name in AuditRow.model_fields})

    async def jobs(self, limit: int) -> tuple[JobRow, ...]:
        """Return jobs, newest first."""
        return await self.desk.list_jobs(None, limit)

    async def pending(self, limit: int) -> tuple[ApprovalRow, ...]:
        """Return what waits for an operator, the longest waiting first."""
        return await self.desk.list_approvals("pending", limit)

    async def publications(self, limit: int) -> tuple[PublicationRow, ...]:
        """Return posts, newest first."""
        return await self.desk.list_publications(limit)

    async def results(self, limit: int) -> ResultsSheet:
        """Return what became of posts, newest first, of product pages, and of forecasts."""
        return await results(self.desk.pool, limit, self.desk.now())

    async def plans(self, limit: int) -> tuple[PlanView, ...]:
        """Return the plans of so many channels with slots, today and tomorrow."""
        return await self.looker().see_all(self.desk.now(), PLANNED_DAYS, limit)

    async def status(self) -> StudioStatus:
        """Return the studio at a glance."""
        return await self.desk.status()

    async def capabilities(self) -> Capabilities:
        """Return what this studio can do, on this machine, now."""
        return await asyncio.to_thread(self.look)

    async def autonomy(self) -> tuple[LadderRow, ...]:
        """Return each channel's rung on the ladder of autonomy."""
        return await self.ladder()

    async def newest(self, kind: NumberedKind, prefix: str, limit: int) -> tuple[int, ...]:
        """Return numbers that exist and begin with `prefix`, newest first."""
        return await rooms.newest(self.desk.pool, kind, prefix, limit)

    async def channel(self, name: str) -> ChannelDetail:
        """Return one channel with its passport."""
        return await self.desk.get_channel(name)

    async def list_channels(self) -> tuple[ChannelRow, ...]:
        """Return every channel, by name."""
        return await self.desk.list_channels()

    def channels(self) -> tuple[str, ...]:
        """Return the channels' names, sorted."""
        return tuple(sorted(self.desk.channels))


def _read_picture(path: Path, job_id: int) -> bytes:
    try:
        # Non-blocking: a named pipe in its place must not hold us up.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(
            f"the picture of job {job_id} is not there any more ({error.strerror})."
        ) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(f"the picture of job {job_id} is no file.")
        picture = file.read(MAX_PICTURE_BYTES + 1)
    if len(picture) > MAX_PICTURE_BYTES or not picture.startswith(_JPEG):
        raise Refused(f"the picture of job {job_id} is no JPEG of at most 2 MiB.")
    return picture
