"""How many videos a channel may start now, and which limit says so: worked out, nothing is done.

One works backwards: from the slots in which a post could go out, to what may be posted, to what
operators can decide on, to what may be made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Underway
from bookai.running.plans import Bound, Limit
from studio.planning import limits
from studio.planning.calendar import Calendar, is_late
from studio.planning.platform import told_cap
from studio.planning.slots import slots_between


@dataclass(frozen=True, slots=True)
class Move:
    """A job whose slot passed before it was approved, and the slot that it gets instead."""

    job_id: int
    slot_at: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now: start a video for each of `slots`, move the late, free the `unused`.

    `bound` names the limit that allowed no more: "slots" when none is free, "none" when each free
    one gets a video. `told` says it in words, out of so many `free` slots.
    """

    free: int
    slots: tuple[datetime, ...]
    moves: tuple[Move, ...]
    unused: tuple[datetime, ...]
    limits: tuple[Limit, ...]
    bound: Bound
    told: str


def plan(passport: ChannelSettings, counts: Counts, at: datetime) -> Plan:
    """Return what a channel starts at `at`, aware UTC; it has slots within `lead_hours`."""
    zone = ZoneInfo(passport.time_zone)
    until = at + timedelta(hours=passport.cadence.lead_hours)
    grid = slots_between(passport.cadence, zone, at, until)
    taken = {*counts.taken}
    free = [one for one in grid if one not in taken]
    days = Calendar(passport, counts, at)
    moves = _move_late(counts.alive, free, days, at)
    free = [one for one in free if one not in {move.to for move in moves}]
    by_day = days.within_posts(free)
    open_ = days.within_platform(by_day)
    found = (
        limits.paused(counts),
        limits.standing(passport),
        limits.slots(passport, len(free), len(grid)),
        limits.posts(passport, len(by_day), len(free)),
        Limit(name="platform", left=len(open_), told=told_cap(passport.platform)),
        limits.failures(counts.last, at),
        limits.waiting(passport, counts.alive),
        limits.approvals(passport, counts),
        limits.videos(passport, counts),
        limits.cents(passport, counts),
    )
    return _chosen(open_, free, moves, counts.unused, found)


def narrowest_without_slots(
    passport: ChannelSettings, counts: Counts, at: datetime, most: int
) -> Limit | None:
    """Return what allows the fewest videos now, of up to `most`, where no slots are set.

    What is made then may be out as soon as it is approved. How much operators decide is asked only
    where `approvals_per_day` says it: each source waits for its answer anyhow.
    """
    days = Calendar(passport, counts, at)
    by_day = days.within_posts([at] * most)
    open_ = days.within_platform(by_day)
    found = [
        limits.paused(counts),
        limits.standing(passport),
        limits.posts(passport, len(by_day), most),
        Limit(name="platform", left=len(open_), told=told_cap(passport.platform)),
        limits.failures(counts.last, at),
        limits.waiting(passport, counts.alive),
        limits.videos(passport, counts),
        limits.cents(passport, counts),
    ]
    if passport.cadence.approvals_per_day is not None:
        found.append(limits.approvals(passport, counts))
    narrow = [one for one in found if one.left is not None and one.left < most]
    return min(narrow, key=lambda one: one.left or 0, default=None)


def _chosen(
    open_: Sequence[datetime],
    free: Sequence[datetime],
    moves: tuple[Move, ...],
    unused: tuple[datetime, ...],
    found: tuple[Limit, ...],
) -> Plan:
    """Take as many of the open slots as the narrowest limit allows, the earliest first."""
    allowed = [(one.left, one) for one in found if one.left is not None]
    left, narrowest = min(allowed, key=lambda pair: pair[0])
    starts = min(left, len(open_))
    served = bool(free) and starts == len(free)
    told = "each free slot gets its video" if served else narrowest.told
    return Plan(
        free=len(free),
        slots=tuple(open_[:starts]),
        moves=moves,
        unused=unused,
        limits=found,
        bound="none" if served else narrowest.name,
        told=f"{starts} of {len(free)}: {told}",
    )


def _move_late(
    alive: Sequence[Underway], free: Sequence[datetime], days: Calendar, at: datetime
) -> tuple[Move, ...]:
    """Give those whose slot passed before they were approved the next free ones, in order.

    Not one at which an approval that is asked for already would be over, nor one too many of a day.
    Who gets none is out today, as far as anybody knows.
    """
    left, moves = list(free), []
    late = [one for one in alive if is_late(one, at)]
    for one in sorted(late, key=lambda one: one.slot_at or at):
        ends = one.expires_at
        usable = (slot for slot in left if (ends is None or slot < ends) and days.fits(slot))
        to = next(usable, None)
        days.add(to or at)
        if to is not None and one.slot_at is not None:
            left.remove(to)
            moves.append(Move(one.job_id, one.slot_at, to))
    return tuple(moves)


def with_stories(found: Plan, stories: int, why: str) -> Plan:
    """Return the plan for no more than so many stories; `why` says why there are no more."""
    if stories >= len(found.slots):
        return found
    return replace(
        found,
        slots=found.slots[:stories],
        limits=(*found.limits, Limit(name="stories", left=stories, told=why)),
        bound="stories",
        told=f"{stories} of {found.free}: {why}",
    )
