"""What each resource reads, from what the studio lends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bookai.errors import BookAIError, Refused
from bookai.models import Record, VideoJob
from mcp_server.auth import Principal
from mcp_server.rooms import addresses
from mcp_server.rooms.lent import Library, Signer
from mcp_server.rooms.sheets import (
    ApprovalList,
    ApprovalSheet,
    ChannelList,
    ChannelSheet,
    EventSheet,
    JobList,
    JobSheet,
    Ladder,
    LineSheet,
    PlanSheet,
    PlatformSpec,
    PlatformTable,
    PublicationList,
    ScriptSheet,
    StatusSheet,
    VideoSheet,
    Waiting,
    passage_of,
    provenance_of,
)
from mcp_server.wire import scrub
from tools.base import ApprovalRow
from tools.platforms.base import platforms

LISTED = 20
_CHANGE = "With the right to administer: set_channel. Else on its machine: bookai channels set"
_NO_LINKS = "This server signs no links. Ask the one that `bookai serve` runs, or open its pages."


@dataclass(frozen=True, slots=True)
class Reader:
    """One who reads: what the studio lends, in whose name."""

    library: Library
    signer: Signer | None
    principal: Principal


async def read_job(reader: Reader, job_id: int) -> str:
    """Return a job."""
    detail, record = await reader.library.job(job_id), await reader.library.record(job_id)
    sheet = JobSheet(
        provenance=provenance_of(record.article),
        job=detail.job,
        script=detail.script,
        findings=detail.findings,
        fallbacks=detail.fallbacks,
        stage_seconds=detail.stage_seconds,
        related=_related(record),
    )
    return _text(sheet)


async def read_script(reader: Reader, job_id: int) -> str:
    """Return a script, each sentence beside the passage that supports it."""
    record = await reader.library.record(job_id)
    script = record.script
    if script is None:
        raise Refused(f"Job {job_id} has no script yet; {addresses.JOB.at(job_id)} says how far.")
    lines = (
        LineSheet(
            text=line.text,
            kind=line.kind,
            span=line.span,
            passage=passage_of(record.article, line.span),
        )
        for line in script.lines
    )
    sheet = ScriptSheet(
        provenance=provenance_of(record.article),
        job_id=job_id,
        title=script.title,
        language=script.language,
        writer=script.writer,
        draft_kind=script.draft_kind,
        seconds_est=script.seconds_est,
        lines=tuple(lines),
    )
    return _text(sheet)


async def read_thumbnail(reader: Reader, job_id: int) -> bytes:
    """Return the picture."""
    return await reader.library.thumbnail(job_id)


async def read_video(reader: Reader, job_id: int) -> str:
    """Return a video's facts and, where links are signed, a link for this very reader."""
    record = await reader.library.record(job_id)
    made = record.render
    if made is None:
        raise Refused(f"Job {job_id} has no video yet; {addresses.JOB.at(job_id)} says how far.")
    link, mend = None, None
    if reader.signer is None:
        mend = _NO_LINKS
    else:
        try:
            link = await reader.signer(job_id, "video", reader.principal)
        except BookAIError as error:
            mend = scrub(str(error))
    sheet = VideoSheet(
        job_id=job_id,
        title=record.script.title if record.script else "",
        sha256=made.sha256,
        size_bytes=made.size_bytes,
        duration_s=made.duration_s,
        width=made.width,
        height=made.height,
        fps=made.fps,
        encoder=made.encoder,
        encoder_reason=made.encoder_reason,
        credentials=made.credentials,
        url=link.url if link else None,
        expires_at=link.expires_at if link else None,
        mend=mend,
    )
    return _text(sheet)


async def read_approval(reader: Reader, approval_id: int) -> str:
    """Return an approval."""
    row = await reader.library.approval(approval_id)
    job = addresses.JOB, addresses.SCRIPT, addresses.THUMBNAIL, addresses.VIDEO
    sheet = ApprovalSheet(approval=row, related=tuple(room.at(row.job_id) for room in job))
    # Where the file lies on the studio's machine is nobody's business over the wire.
    return sheet.model_dump_json(exclude={"approval": {"video_path"}})


async def read_event(reader: Reader, event_id: int) -> str:
    """Return an audit event."""
    return _text(EventSheet(event=await reader.library.event(event_id)))


async def read_channel(reader: Reader, name: str) -> str:
    """Return a channel's passport."""
    detail = await reader.library.channel(name)
    return _text(ChannelSheet(channel=detail.channel, passport=detail.passport, change=_CHANGE))


async def read_channels(reader: Reader) -> str:
    """Return every channel."""
    return _text(ChannelList(channels=await reader.library.list_channels()))


async def read_status(reader: Reader) -> str:
    """Return the studio at a glance."""
    status = StatusSheet(status=await reader.library.status())
    return status.model_dump_json(exclude={"status": {"home"}})


async def read_jobs(reader: Reader) -> str:
    """Return the newest jobs."""
    return _text(JobList(jobs=await reader.library.jobs(LISTED)))


async def read_approvals(reader: Reader) -> str:
    """Return what waits for an operator."""
    rows = await reader.library.pending(LISTED)
    return _text(ApprovalList(approvals=tuple(_waiting(row) for row in rows)))


async def read_publications(reader: Reader) -> str:
    """Return the newest posts."""
    return _text(PublicationList(publications=await reader.library.publications(LISTED)))


async def read_results(reader: Reader) -> str:
    """Return what became of posts, product pages and forecasts."""
    return _text(await reader.library.results(LISTED))


async def read_plan(reader: Reader) -> str:
    """Return what the channels publish when."""
    return _text(PlanSheet(plans=await reader.library.plans(LISTED)))


async def read_platforms(reader: Reader) -> str:
    """Return what each platform takes."""
    table = PlatformTable(
        platforms=tuple(
            PlatformSpec(
                name=name,
                limits=one.limits,
                visibilities=tuple(sorted(one.sees)),
                knows_made_for_kids=one.knows_kids,
                shows=one.shows,
                resend=one.resend,
            )
            for name, one in sorted(platforms().items())
        )
    )
    return _text(table)


async def read_capabilities(reader: Reader) -> str:
    """Return what this studio can do."""
    found = await reader.library.capabilities()
    return _text(found.model_copy(update={"links": reader.signer is not None}))


async def read_autonomy(reader: Reader) -> str:
    """Return what channels may do alone."""
    return _text(Ladder(channels=await reader.library.autonomy()))


NUMBERED: dict[addresses.Room, Callable[[Reader, int], Awaitable[str | bytes]]] = {
    addresses.JOB: read_job,
    addresses.SCRIPT: read_script,
    addresses.THUMBNAIL: read_thumbnail,
    addresses.VIDEO: read_video,
    addresses.APPROVAL: read_approval,
    addresses.EVENT: read_event,
}
NAMED: dict[addresses.Room, Callable[[Reader, str], Awaitable[str]]] = {
    addresses.CHANNEL: read_channel,
}
FIXED: dict[addresses.Room, Callable[[Reader], Awaitable[str]]] = {
    addresses.STATUS: read_status,
    addresses.JOBS: read_jobs,
    addresses.CHANNELS: read_channels,
    addresses.APPROVALS: read_approvals,
    addresses.AUTONOMY: read_autonomy,
    addresses.PUBLICATIONS: read_publications,
    addresses.RESULTS: read_results,
    addresses.PLAN: read_plan,
    addresses.PLATFORMS: read_platforms,
    addresses.CAPABILITIES: read_capabilities,
}


def _text(sheet: Record) -> str:
    return sheet.model_dump_json()


def _waiting(row: ApprovalRow) -> Waiting:
    return Waiting(
        approval_id=row.approval_id,
        job_id=row.job_id,
        channel=row.channel,
        title=row.title,
        needed=row.needed,
        votes=len(row.votes),
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        uri=addresses.APPROVAL.at(row.approval_id),
    )


def _related(record: VideoJob) -> tuple[str, ...]:
    rooms = [addresses.SCRIPT] if record.script else []
    rooms += [addresses.THUMBNAIL, addresses.VIDEO] if record.render else []
    found = [room.at(record.job_id) for room in rooms]
    if record.approval_id is not None:
        found.append(addresses.APPROVAL.at(record.approval_id))
    return tuple(found)
