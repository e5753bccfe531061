"""The studio's memory as the tools and the doors see it: `tools.base.Desk`, from the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bookai.db import approvals, audit, control, executions, jobs, offers, outbox
from bookai.duty import AgentRow, ChoiceRow
from bookai.errors import Refused
from bookai.house import VERSION
from bookai.models import Offer
from studio.channels.desk import ChannelDesk
from studio.crew.words import agent_row, explain
from studio.market.desk import MarketDesk
from tools.affiliates.base import Network
from tools.base import (
    AuditRow,
    JobDetail,
    JobRow,
    MadeVideo,
    StudioStatus,
)
from tools.lists.rows import shot_line

_PLAIN = ("job_id", "source", "channel", "status", "stage", "percent", "title", "reason")
_TIMES = ("approval_id", "url", "created_at", "updated_at", "not_before")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioDesk(ChannelDesk, MarketDesk):
    """Every question and every change an operator or an agent's tool may ask for.

    What concerns approvals stands in `studio.approvals`, the outbox in `studio.posts`, pauses and
    changes to jobs in `studio.steer`, channels in `studio.channels`, the market in
    `studio.market`.
    """

    networks: Mapping[str, Network]
    writer: Callable[[], str]

    async def create_job(self, source: str, channel: str, requested_by: str) -> JobRow:
        """Write a job and its queue entry in one transaction."""
        if not source.strip() or len(source) > 2000:
            raise Refused("a source is a path, a URL or a topic of 1 to 2000 characters.")
        self.check_makes(channel)
        async with self.pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, source, channel, requested_by)
            await self.engine.enqueue(con, job_id)
            # Read before the commit: what fails afterwards would look as if nothing had been done.
            row = await jobs.get(con, job_id)
        return _job(row)

    async def create_due_job(self, source: str, channel: str, every_s: int) -> JobRow | None:
        """Make a source's next job when it is due, once among all processes; else return None.

        It is not due while its last job is younger than `every_s`, unfinished, or unanswered:
        never make what nobody looks at; nor while its channel is paused.
        """
        self.check_makes(channel)
        async with self.pool.acquire() as con, con.transaction():
            if await control.pause_of(con, channel) is not None:
                return None
            if not await jobs.is_due(con, source, every_s):
                return None
            job_id = await jobs.create(con, source, channel, "schedule")
            await self.engine.enqueue(con, job_id)
            made = await jobs.get(con, job_id)
        return _job(made)

    async def resume_job(self, job_id: int, requested_by: str) -> JobRow:
        """Queue a stopped job again, from its last finished step.

        Raises:
            Refused: the job is finished or cancelled, or waits for an operator.
        """
        row = await jobs.get(self.pool, job_id)
        async with self.pool.acquire() as con, con.transaction():
            # Locked: a worker may set it waiting at this very moment.
            status = await jobs.lock_status(con, job_id)
            if status == "done":
                raise Refused(f"job {job_id} is done: {row.url}.")
            if status == "waiting":
                raise Refused(
                    f"job {job_id} waits for an operator: bookai approve {row.approval_id}, "
                    f"or bookai reject {row.approval_id} --reason …"
                )
            if status == "cancelled":
                raise Refused(
                    f"job {job_id} was cancelled for good. Make its video anew: "
                    f"bookai make {row.source!r}"
                )
            await jobs.set_status(con, job_id, "queued", actor=requested_by)
            await self.engine.enqueue(con, job_id)
            queued = await jobs.get(con, job_id)
        return _job(queued)

    async def list_jobs(
        self,
        status: str | None,
        limit: int,
        *,
        channel: str | None = None,
        before: int | None = None,
    ) -> tuple[JobRow, ...]:
        """Return jobs, newest first."""
        which = jobs.Which(status=status, channel=channel, before=before)
        return tuple(_job(row) for row in await jobs.list_rows(self.pool, which, limit))

    async def get_job(self, job_id: int) -> JobDetail:
        """Return one job with its script, files, findings, fallbacks and times."""
        row, job = await jobs.get(self.pool, job_id), await jobs.load(self.pool, job_id)
        return JobDetail(
            job=_job(row),
            script=tuple(line.text for line in job.script.lines) if job.script else (),
            video_path=job.render.video_path if job.render else None,
            thumbnail_path=job.render.thumbnail_path if job.render else None,
            findings=job.check.findings if job.check else (),
            fallbacks=job.fallbacks,
            stage_seconds=row.stage_seconds,
            shots=tuple(shot_line(one) for one in job.render.shots) if job.render else (),
        )

    async def search_audit(
        self,
        *,
        kind: str | None,
        actor: str | None,
        job_id: int | None,
        limit: int,
        before: int | None = None,
    ) -> tuple[AuditRow, ...]:
        """Return audit events, newest first."""
        rows = await audit.search(
            self.pool, kind=kind, actor=actor, job_id=job_id, before=before, limit=limit
        )
        return tuple(
            AuditRow(
                event_id=row.event_id,
                at=row.at,
                kind=row.kind,
                actor=row.actor,
                body=row.body,
                sealed=row.sealed,
            )
            for row in rows
        )

    async def list_agents(self) -> tuple[AgentRow, ...]:
        """Return every agent with its track record, and where it is on duty."""
        return tuple(agent_row(record) for record in await executions.track_records(self.pool))

    async def explain_choice(self, job_id: int, step: str | None) -> tuple[ChoiceRow, ...]:
        """Return who was chosen for a job's steps, or one of them, among whom, and why.

        Raises:
            Refused: there is no such job.
        """
        await jobs.get(self.pool, job_id)
        return explain(await executions.attempts(self.pool, job_id, step))

    async def status(self) -> StudioStatus:
        """Return the studio at a glance."""
        totals = await audit.totals(self.pool)
        return StudioStatus(
            version=VERSION,
            jobs=await jobs.count_by_status(self.pool),
            approvals_pending=await approvals.count_pending(self.pool),
            published=await outbox.count_posted(self.pool),
            audit_events=totals.events,
            audit_unsealed=totals.unsealed,
            writer=self.writer(),
            home=self.home,
            paused=await self.list_pauses(),
        )

    async def list_made(self, channel: str, limit: int) -> tuple[MadeVideo, ...]:
        """Return what a channel made, newest first."""
        made = await jobs.list_made(self.pool, channel, limit)
        return tuple(
            MadeVideo(title=one.title, url=one.url, created_at=one.created_at) for one in made
        )

    async def list_offers(self) -> tuple[Offer, ...]:
        """Return every active product of the catalogue."""
        return await offers.list_active(self.pool)

    async def make_link(self, job_id: int, product_id: int) -> Offer:
        """Return the offer with this job's own tracked link."""
        return await offers.make_link(self.pool, job_id, product_id, self.networks)

    async def check_approved(self, job_id: int, digest: str) -> None:
        """Raise `Refused` unless an operator approved this very digest in time."""
        begun = await outbox.is_begun(self.pool, job_id, digest)
        await approvals.check(self.pool, job_id, digest, self.now(), begun=begun)


def _job(row: jobs.JobRow) -> JobRow:
    return JobRow(**{name: getattr(row, name) for name in _PLAIN + _TIMES})
