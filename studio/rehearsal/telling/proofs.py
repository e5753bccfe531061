"""What a rehearsal proves: each promise, whether it was kept, and what was found."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit, loop, rehearsal
from bookai.db.audit import Event
from bookai.db.outbox import OutboxRow
from bookai.db.rehearsal import standing
from bookai.db.rehearsal.standing import Mark, Stuck
from bookai.db.seal.files import read_verifier
from bookai.db.seal.verify import verify
from bookai.decisions import RULE
from studio.database import notes_path
from studio.engine import LOCK_PREFIX
from studio.rehearsal.peers.video import Out
from studio.rehearsal.record import Broken, Film, Proof
from studio.rehearsal.stage import Stage
from studio.rehearsal.telling.ladder import Breaches
from studio.rehearsal.telling.slots import Slots, count_slots

TOLD = 5
"""So many of what broke a promise are named."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was gathered already: films, posts by job, what broke, ticks and the ladder's events."""

    films: Sequence[Film]
    posts: Mapping[int, OutboxRow]
    broken: Sequence[Broken]
    marks: Mapping[tuple[str, str], Sequence[Mark]]
    events: Sequence[Event]
    until: datetime


async def proofs_of(stage: Stage, found: Found) -> tuple[Proof, ...]:
    """Return every promise of a rehearsal with what was found."""
    pool = stage.house.office.database.pool
    stuck = await standing.list_stuck(pool, LOCK_PREFIX, found.until)
    slots = count_slots(await loop.list_(pool), found.marks, found.until)
    return (
        once_out(tuple(stage.host.out.values()), found.posts),
        asked_for(found.films),
        by_rule_only(found.events, found.films, found.posts),
        all_met(found.broken),
        none_stuck(stuck, len(found.films)),
        each_slot_once(slots, found.films),
        await _verified(stage),
        await _marked(stage, found.posts),
    )


def once_out(out: Sequence[Out], posts: Mapping[int, OutboxRow]) -> Proof:
    """Compare what is out at the platform with the studio's receipts."""
    seen = Counter((one.account, one.title) for one in out)
    twice = [one for one, times in seen.items() if times > 1]
    ours = {row.external_id for row in posts.values() if row.state == "posted"}
    there = {str(one.number) for one in out}
    lost, gone = there - ours, ours - there
    return Proof(
        promise="nothing was published twice, and no post was lost",
        ok=not twice and not lost and not gone,
        found=f"{len(out)} posts out, {len(twice)} twice, {len(lost)} unknown to the studio, "
        f"{len(gone)} known to it alone",
    )


def asked_for(films: Sequence[Film]) -> Proof:
    """Look for what went out without an approval."""
    out = [one for one in films if one.published_at]
    unasked = [one.job_id for one in out if one.decided != "approved"]
    return Proof(
        promise="nothing was published without a yes",
        ok=not unasked,
        found=f"{len(unasked)} of {len(out)}",
    )


def by_rule_only(
    events: Sequence[Event], films: Sequence[Film], posts: Mapping[int, OutboxRow]
) -> Proof:
    """Follow the ladder through the audit log: no yes beyond a rule, and a no takes it away."""
    channels, breaches = {one.job_id: one.channel for one in films}, Breaches()
    for event in events:
        channel = json.loads(event.body).get("channel") or channels.get(event.job_id or 0, "")
        breaches.see(event, channel)
    ruled = [one for one in films if (one.decided_by or "").startswith(RULE)]
    late = [
        f"job {one.job_id} was sent after its channel was locked"
        for one in ruled
        if (post := posts.get(one.job_id)) and post.sent_at and one.decided_at
        if breaches.locked_between(one.channel, one.decided_at, post.sent_at)
    ]
    problems = [*breaches.found, *late]
    rules = sorted({one.decided_by or "" for one in ruled})
    said = f"{len(ruled)} yes by rule" + (f" ({', '.join(rules)})" if rules else "")
    return Proof(
        promise="the studio said yes by itself only within a rule, and a no took the rule away",
        ok=not problems,
        found=f"{said}, locked {_times(breaches.locks)}" + _named(problems),
    )


def all_met(broken: Sequence[Broken]) -> Proof:
    """Look for faults that were not met."""
    unmet = [f"{one.what}: {why}" for one in broken for why in one.unmet]
    return Proof(
        promise="what broke was met",
        ok=not unmet,
        found=f"{sum(one.times for one in broken)} faults of {len(broken)} kinds, "
        f"{len(unmet)} not met" + _named(unmet),
    )


def none_stuck(stuck: Sequence[Stuck], jobs: int) -> Proof:
    """Look for jobs that should move and do not."""
    named = [f"job {one.job_id} is {one.status} at {one.stage}: {one.why}" for one in stuck]
    return Proof(
        promise="no job is stuck",
        ok=not stuck,
        found=f"{len(stuck)} of {jobs} jobs" + _named(named),
    )


def each_slot_once(slots: Slots, films: Sequence[Film]) -> Proof:
    """Look for slots of the loop and of the channels' calendars that were lost or used twice."""
    used = Counter((one.channel, one.slot_at) for one in films if one.slot_at and one.published_at)
    doubled = [
        *slots.doubled,
        *(f"{name} at {at:%a %H:%M}" for (name, at), n in used.items() if n > 1),
    ]
    named = [*(f"lost: {one}" for one in slots.lost), *(f"twice: {one}" for one in doubled)]
    return Proof(
        promise="no slot was lost or done twice",
        ok=not named,
        found=f"{slots.all} slots of the loop and {len(used)} of the calendar, "
        f"{len(slots.lost)} lost, {len(doubled)} twice" + _named(named),
    )


async def _verified(stage: Stage) -> Proof:
    office = stage.house.office
    pool, settings = office.database.pool, office.settings
    verifier = read_verifier(settings.audit_dir / "signing.pub")
    verified = await verify(pool, verifier, notes_path(settings))
    totals = await audit.totals(pool)
    return Proof(
        promise="the audit log verifies",
        ok=verified.ok,
        found=f"{verified.sealed} of {totals.events} events sealed" + _named(verified.problems),
    )


async def _marked(stage: Stage, posts: Mapping[int, OutboxRow]) -> Proof:
    unmarked = await rehearsal.count_unmarked(stage.house.office.database.pool)
    wrong = [post.post_id for post in posts.values() if post.platform != rehearsal.PLATFORM]
    return Proof(
        promise="all of it is marked as simulated, and went to no platform",
        ok=not unmarked and not wrong,
        found=f"{unmarked} events, jobs and posts without the mark",
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _named(problems: Sequence[str]) -> str:
    more = f"; and {len(problems) - TOLD} more" if len(problems) > TOLD else ""
    return "".join(f"; {one}" for one in problems[:TOLD]) + more
