"""What is out, or will be: day by day, and in any 24 hours."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Underway
from studio.planning.platform import DAY, day_cap
from studio.planning.slots import day_of


class Calendar:
    """When posts of a channel, and of those who share its platform's cap, are or will be out.

    Without the late: they are added where they go.
    """

    def __init__(self, passport: ChannelSettings, counts: Counts, at: datetime) -> None:
        self._zone = ZoneInfo(passport.time_zone)
        self._per_day = passport.cadence.posts_per_day
        cap = day_cap(passport.platform)
        self._per_24_h = cap.most if cap else None
        self._days: Counter[date] = Counter()
        self._all = [*counts.out.others, *counts.others]
        loose = (_goes_out(one, at) for one in counts.alive if _is_loose(one, at))
        for one in (*counts.out.ours, *counts.taken, *loose):
            self.add(one)

    def add(self, at: datetime) -> None:
        """Count one more post."""
        self._days[day_of(at, self._zone)] += 1
        self._all.append(at)

    def fits(self, slot: datetime) -> bool:
        """Tell whether one more at `slot` passes no cap."""
        return bool(self.within_platform(self.within_posts([slot])))

    def within_posts(self, free: Sequence[datetime]) -> list[datetime]:
        """Return the slots that `posts_per_day` leaves, the earliest of each day."""
        found, days = [], Counter(self._days)
        for slot in free:
            day = day_of(slot, self._zone)
            if self._per_day is None or days[day] < self._per_day:
                days[day] += 1
                found.append(slot)
        return found

    def within_platform(self, free: Sequence[datetime]) -> list[datetime]:
        """Return the slots that the platform's own cap leaves: no 24 hours hold more."""
        found, times = [], list(self._all)
        for slot in free:
            if self._per_24_h is None or _fits(slot, times, self._per_24_h):
                times.append(slot)
                found.append(slot)
        return found


def is_late(one: Underway, at: datetime) -> bool:
    """Tell whether a job's slot passed before it was approved."""
    passed = one.slot_at is not None and one.slot_at <= at
    return passed and one.approval != "approved" and not one.is_out


def _is_loose(one: Underway, at: datetime) -> bool:
    """Tell whether a job will be out at no slot of the calendar, and is not out yet."""
    if one.is_out or is_late(one, at):
        return False
    return one.slot_at is None or one.slot_at <= at


def _goes_out(one: Underway, at: datetime) -> datetime:
    return max(at, one.not_before or at)


def _fits(slot: datetime, times: Sequence[datetime], most: int) -> bool:
    """Tell whether one more at `slot` leaves every 24 hours with at most so many."""
    near = [slot, *(one for one in times if slot - DAY < one < slot + DAY)]
    ends = [one for one in near if one >= slot]
    return all(sum(end - DAY < one <= end for one in near) <= most for end in ends)
