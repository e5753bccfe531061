"""When a post that is one too many may go out: the next place that no cap closes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Out
from studio.planning.calendar import Calendar
from studio.planning.platform import DAY, told_cap
from studio.planning.slots import begin_of, day_of, slots_between

FAR = 14
"""So many days ahead a place is looked for."""
_BESIDE = timedelta(minutes=1)


def why_not(passport: ChannelSettings, out: Out, at: datetime) -> str | None:
    """Return which cap one more post at `at` would pass, in words; None: it may go out."""
    calendar = Calendar(passport, Counts(out=out), at)
    if not calendar.within_posts([at]):
        cap = passport.cadence.posts_per_day
        return f"the channel's posts_per_day is {cap}, and as many are out today or may be"
    if not calendar.within_platform([at]):
        return f"{told_cap(passport.platform)}, and as many are out or may be"
    return None


def next_place(passport: ChannelSettings, counts: Counts, job_id: int, at: datetime) -> datetime:
    """Return when the post of `job_id` may go out at the earliest, as far as is known at `at`.

    At a slot of the channel that nobody has, where it has slots; beside what others have claimed.
    Without any place within two weeks it is a day later: then it is asked again.
    """
    counts = without(counts, job_id)
    calendar = Calendar(passport, counts, at)
    taken = {*counts.taken, *counts.unused}
    places = chain(_slots(passport, taken, at), _moments(passport, counts, taken, at))
    return next((place for place in places if calendar.fits(place)), at + DAY)


def without(counts: Counts, job_id: int) -> Counts:
    """Return the counts as they are for all jobs but one, which gives its slot up."""
    own = {one.slot_at for one in counts.alive if one.job_id == job_id}
    return replace(
        counts,
        alive=tuple(one for one in counts.alive if one.job_id != job_id),
        taken=tuple(one for one in counts.taken if one not in own),
    )


def _slots(passport: ChannelSettings, taken: set[datetime], at: datetime) -> Iterator[datetime]:
    until = at + timedelta(days=FAR)
    grid = slots_between(passport.cadence, ZoneInfo(passport.time_zone), at, until)
    return (one for one in grid if one not in taken)


def _moments(
    passport: ChannelSettings, counts: Counts, taken: set[datetime], at: datetime
) -> Sequence[datetime]:
    """Return when a day begins, or a post is a day old: only then a cap can open."""
    zone = ZoneInfo(passport.time_zone)
    today = day_of(at, zone)
    days = [begin_of(today + timedelta(days=n), zone) for n in range(1, FAR + 1)]
    out = (*counts.out.ours, *counts.out.others, *counts.taken, *counts.others)
    found = {_free(one, taken) for one in (*days, *(one + DAY for one in out))}
    return sorted(one for one in found if one > at)


def _free(moment: datetime, taken: set[datetime]) -> datetime:
    while moment in taken:
        moment += _BESIDE
    return moment
