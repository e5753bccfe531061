"""Gather what came of a rehearsal, from the studio's own rows and from the peers' side."""

from datetime import datetime

from bookai.db import approvals, jobs, outbox, rehearsal
from bookai.db.approvals import Approval
from bookai.db.outbox import OutboxRow
from bookai.db.rehearsal import standing
from bookai.models import VideoJob
from studio.rehearsal.record import Earned, Film, RehearsalReport, TickRow
from studio.rehearsal.stage import Stage
from studio.rehearsal.telling.feeds import troubles_met
from studio.rehearsal.telling.ladder import climbs_of, ladder_events
from studio.rehearsal.telling.meeting import facts_of, faults_met
from studio.rehearsal.telling.proofs import Found, proofs_of

MOST = 10_000


async def gather(stage: Stage, until: datetime, took_s: float) -> RehearsalReport:
    """Return the report of a rehearsal that is over."""
    pool = stage.house.office.database.pool
    asked = {row.job_id: row for row in reversed(await approvals.list_(pool, limit=MOST))}
    posts = {row.job_id: row for row in await outbox.list_(pool, limit=MOST)}
    rows = await jobs.list_rows(pool, jobs.Which(), MOST)
    films = []
    for row in sorted(rows, key=lambda one: one.job_id):
        job = await jobs.load(pool, row.job_id)
        films.append(_film(row, job, asked.get(row.job_id), posts.get(row.job_id), stage))
    marks = await standing.list_marks(pool)
    broken = (
        *faults_met(stage.host.met, await facts_of(pool, stage.host.out)),
        *await troubles_met(pool, stage.press, marks, until),
    )
    events = await ladder_events(pool)
    return RehearsalReport(
        seed=stage.seed,
        begins_at=stage.world.start,
        ends_at=until,
        films=tuple(films),
        acts=tuple(f"{at:%a %H:%M} {who} {did}" for at, who, did in stage.people.acts),
        broken=broken,
        climbs=climbs_of(events, {film.job_id: film.title for film in films}),
        earned=await _earned(stage, until),
        ticks=tuple(
            TickRow(name=one.name, ticks=one.ticks, slots=one.slots, failed=one.failed)
            for one in await rehearsal.list_ticks(pool)
        ),
        proofs=await proofs_of(stage, Found(films, posts, broken, marks, events, until)),
        real_films=stage.films.real,
        took_s=round(took_s, 1),
    )


def _film(
    row: jobs.JobRow,
    job: VideoJob,
    asked: Approval | None,
    post: OutboxRow | None,
    stage: Stage,
) -> Film:
    number = post.external_id if post else None
    # A dead letter says why it is one; its job may have been stopped by something else since.
    reason = post.reason if post and post.state == "dead" else row.reason
    return Film(
        job_id=row.job_id,
        channel=row.channel,
        title=(post.title if post else row.title) or row.source.rpartition("/")[2],
        asked_at=asked.requested_at if asked else None,
        decided_by=asked.decided_by if asked else None,
        decided_at=asked.decided_at if asked else None,
        decided=asked.state if asked else "not asked",
        slot_at=row.not_before,
        published_at=post.published_at if post else None,
        views=stage.host.views_of(number) if number else None,
        state=row.status,
        reason=reason if row.status in ("refused", "failed", "cancelled") else None,
    )


async def _earned(stage: Stage, until: datetime) -> tuple[Earned, ...]:
    begin = stage.world.start.date()
    told = await stage.house.office.desk.sum_earnings(begin, until.date(), "UTC", "day", 400)
    if not told.money and told.clicks:
        return (Earned(currency="-", clicks=told.clicks, sales=0, minor=0),)
    return tuple(
        Earned(
            currency=one.currency,
            clicks=told.clicks if number == 0 else 0,
            sales=one.sales,
            minor=one.pending + one.confirmed,
        )
        for number, one in enumerate(told.money)
    )
