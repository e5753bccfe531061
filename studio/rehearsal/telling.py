"""Gather what came of a rehearsal, from the studio's own rows and from the peers' side."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from bookai.db import approvals, audit, jobs, outbox, rehearsal
from bookai.db.approvals import Approval
from bookai.db.outbox import OutboxRow
from bookai.db.seal.files import read_verifier
from bookai.db.seal.verify import verify
from bookai.models import VideoJob
from studio.database import notes_path
from studio.rehearsal.record import Broken, Earned, Film, Proof, RehearsalReport, TickRow

if TYPE_CHECKING:
    from studio.rehearsal.run import Stage

MOST = 10_000

_MET = {
    "busy": "waited as long as the platform asked (429), then sent it",
    "lost answer": "asked the platform by the post's key, found it, sent nothing again",
    "late index": "the platform's search did not know it yet: sent again under the same key",
    "duplicate": "the platform answered with the first receipt: one post, not two",
    "rejected": "given up for good, nothing sent again, the operator told why",
    "expired token": "the job stopped, an operator renewed the token, the job went on",
}


async def gather(stage: "Stage", until: datetime, took_s: float) -> RehearsalReport:
    """Return the report of a rehearsal that is over."""
    office = stage.house.office
    pool = office.database.pool
    asked = {row.job_id: row for row in reversed(await approvals.list_(pool, limit=MOST))}
    posts = {row.job_id: row for row in await outbox.list_(pool, limit=MOST)}
    rows = await jobs.list_rows(pool, jobs.Which(), MOST)
    films = []
    for row in sorted(rows, key=lambda one: one.job_id):
        job = await jobs.load(pool, row.job_id)
        films.append(_film(row, job, asked.get(row.job_id), posts.get(row.job_id), stage))
    return RehearsalReport(
        seed=stage.seed,
        begins_at=stage.world.start,
        ends_at=until,
        films=tuple(films),
        acts=tuple(f"{at:%a %H:%M} {who} {did}" for at, who, did in stage.people.acts),
        broken=_broken(stage, posts),
        earned=await _earned(stage, until),
        ticks=tuple(
            TickRow(name=one.name, ticks=one.ticks, slots=one.slots, failed=one.failed)
            for one in await rehearsal.list_ticks(pool)
        ),
        proofs=await _proofs(stage, films, posts),
        real_films=stage.films.real,
        took_s=round(took_s, 1),
    )


def _film(
    row: jobs.JobRow,
    job: VideoJob,
    asked: Approval | None,
    post: OutboxRow | None,
    stage: "Stage",
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
        decided=asked.state if asked else "not asked",
        slot_at=row.not_before,
        published_at=post.published_at if post else None,
        views=stage.host.views_of(number) if number else None,
        state=row.status,
        reason=reason if row.status in ("refused", "failed", "cancelled") else None,
    )


def _broken(stage: "Stage", posts: dict[int, OutboxRow]) -> tuple[Broken, ...]:
    found = []
    for fault in dict.fromkeys(met.fault for met in stage.host.met):
        those = [met for met in stage.host.met if met.fault == fault]
        found.append(
            Broken(
                what=f"the platform: {fault}",
                at=those[0].at,
                times=len(those),
                met=_MET[fault],
            )
        )
    found += [
        Broken(
            what=told,
            at=None,
            times=times,
            met="the tick says so and the next one reads it again; no story is lost",
        )
        for told, times in stage.press.troubled.items()
    ]
    return tuple(found)


async def _earned(stage: "Stage", until: datetime) -> tuple[Earned, ...]:
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


async def _proofs(
    stage: "Stage", films: list[Film], posts: dict[int, OutboxRow]
) -> tuple[Proof, ...]:
    office = stage.house.office
    pool = office.database.pool
    out = list(stage.host.out.values())
    twice = [key for key, times in Counter(one.key for one in out).items() if times > 1]
    ours = {row.external_id for row in posts.values() if row.state == "posted"}
    lost = [one.number for one in out if str(one.number) not in ours]
    unasked = [one.job_id for one in films if one.published_at and one.decided != "approved"]
    unmarked = await rehearsal.count_unmarked(pool)
    verified = await verify(
        pool, read_verifier(office.settings.audit_dir / "signing.pub"), notes_path(office.settings)
    )
    totals = await audit.totals(pool)
    wrong = [post.post_id for post in posts.values() if post.platform != rehearsal.PLATFORM]
    return (
        Proof(
            promise="nothing was published twice, and no post was lost",
            ok=not twice and not lost,
            found=f"{len(out)} posts out, {len(twice)} twice, {len(lost)} unknown to the studio",
        ),
        Proof(
            promise="nothing was published without a yes",
            ok=not unasked,
            found=f"{len(unasked)} of {sum(one.published_at is not None for one in films)}",
        ),
        Proof(
            promise="the audit log verifies",
            ok=verified.ok,
            found=f"{verified.sealed} of {totals.events} events sealed"
            + "".join(f"; {one}" for one in verified.problems[:3]),
        ),
        Proof(
            promise="all of it is marked as simulated, and went to no platform",
            ok=not unmarked and not wrong,
            found=f"{unmarked} events, jobs and posts without the mark",
        ),
    )
