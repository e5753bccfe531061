"""What the loop does for one channel: look, work out, and start what can be told today."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bookai.channels import ChannelSettings
from bookai.db import jobs, planning
from bookai.db.planning import Asked, Claim
from bookai.db.pool import Con
from bookai.metrics import PLAN_BOUND, PLAN_STARTED
from bookai.settings import Settings
from studio.office import Office
from studio.planning.asked import asked_of, passport_of
from studio.planning.plan import Plan, narrowest_without_slots, plan, with_stories
from studio.planning.platform import counted_as
from studio.planning.stories import Story, choose, sources_of, why_no_more

MOST_AT_ONCE = 20
"""A tick is short: what more there is to start has time until the next one."""

SCHEDULE = "schedule"


class _Taken(Exception):
    """Somebody resumed the job that had given up this slot: the new one is not created."""


async def plan_channel(
    office: Office, channel: str, at: datetime, settings: Settings | None = None
) -> str:
    """Start what a channel can still get approved and published; return in words what was done.

    `settings` are those of this moment, where they changed since the office was opened. A second
    call for the same moment starts nothing more: a slot has one job. A channel without
    `cadence.times` has no slots: each of its sources has a video made when it is due.
    """
    settings = settings or office.settings
    passport = passport_of(settings, channel)
    if not passport.cadence.times:
        return await _by_source(office, asked_of(settings, channel, at), passport, settings)
    asked = asked_of(settings, channel, at)
    found = plan(passport, await planning.count(office.database.pool, asked), at)
    if not (found.slots or found.moves or found.unused):
        PLAN_BOUND.labels(found.bound).inc()
        return found.told
    sources = sources_of(channel, passport, settings.sources)
    most = min(len(found.slots), MOST_AT_ONCE)
    stories = await choose(office.desk, channel, sources, most, at)
    why = None if len(stories) == most else why_no_more(channel, sources, len(stories))
    return await _carry_out(office, asked, passport, stories, why)


async def _carry_out(
    office: Office,
    asked: Asked,
    passport: ChannelSettings,
    stories: Sequence[Story],
    why: str | None,
) -> str:
    """Count again where nobody else plans meanwhile, and do what then still holds."""
    channel, at = asked.channel, asked.at
    async with office.database.pool.acquire() as con, con.transaction():
        await planning.lock(con, channel, counted_as(passport.platform, passport.account))
        now = plan(passport, await planning.count(con, asked), at)
        if why is not None:
            now = with_stories(now, len(stories), why)
        freed = await planning.give_up(con, channel, now.unused) if now.unused else 0
        for move in now.moves:
            late = Claim(channel, move.slot_at, move.job_id)
            await planning.move(con, late, move.to, at)
        started = 0
        for slot, story in zip(now.slots, stories, strict=False):
            started += await _start(office, con, Claim(channel, slot, 0), story, at)
    PLAN_STARTED.inc(started)
    PLAN_BOUND.labels(now.bound).inc()
    return _told(now, started, freed)


async def _start(office: Office, con: Con, wanted: Claim, story: Story, at: datetime) -> bool:
    """Create a job for a slot; return False, and leave none, when the slot is taken after all."""
    why = (story.title, *story.why) if story.title else story.why
    try:
        async with con.transaction():
            job_id = await jobs.create(con, story.source, wanted.channel, SCHEDULE)
            claimed = replace(wanted, job_id=job_id)
            if not await planning.claim(con, claimed, at, why):
                raise _Taken
            await office.engine.enqueue(con, job_id)
    except _Taken:
        return False
    return True


def _told(found: Plan, started: int, freed: int) -> str:
    parts = [f"started {found.told}"]
    if started < len(found.slots):
        parts.append(f"{started} now, the others at the next look")
    if found.moves:
        parts.append(f"{len(found.moves)} that were late got a later slot")
    if freed:
        parts.append(f"{freed} unused slots freed")
    return "; ".join(parts)


async def _by_source(
    office: Office, asked: Asked, passport: ChannelSettings, settings: Settings
) -> str:
    """Start a video of each source that is due, as far as the limits that need no slots allow."""
    started = 0
    own = [one for one in settings.sources if one.channel == asked.channel]
    counts = await planning.count(office.database.pool, asked)
    bound = narrowest_without_slots(passport, counts, asked.at, len(own))
    left = len(own) if bound is None or bound.left is None else bound.left
    for source in own:
        if started >= left:
            break
        made = await office.desk.create_due_job(source.url, asked.channel, source.every_s)
        started += made is not None
    PLAN_STARTED.inc(started)
    told = f"started {started} of {len(own)} sources; no cadence.times, so each goes by its every_s"
    if bound is None or started < left:
        return told
    PLAN_BOUND.labels(bound.name).inc()
    return f"{told}; no more: {bound.told}"
