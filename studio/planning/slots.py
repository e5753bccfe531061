"""When a channel publishes: the moments of its cadence, in its own time zone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bookai.channels import DAYS, CadenceSettings, Day

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_WEEKDAYS: Mapping[Day, int] = {day: number for number, day in enumerate(DAYS)}


def slots_between(
    cadence: CadenceSettings, zone: ZoneInfo, after: datetime, until: datetime
) -> tuple[datetime, ...]:
    """Return the slots later than `after` and not later than `until`, aware UTC, in order.

    A time that a day leaves out, as when summer time begins, is moved to the next that there is;
    one that a day has twice counts once, the first time. Two that fall together are one slot.
    """
    found = {
        moment(day, at, zone)
        for day in _days(cadence, zone, after, until)
        for at in map(time.fromisoformat, cadence.times)
    }
    return tuple(sorted(one for one in found if after < one <= until))


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when that zone's clocks show `at` on `day`, aware UTC."""
    shown = datetime.combine(day, at)
    while True:
        # fold = 0: of a time that is shown twice, the first.
        found = shown.replace(tzinfo=zone).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) == shown:
            return found
        shown += _MINUTE


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the day that it is in that zone."""
    return at.astimezone(zone).date()


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins there, aware UTC; some have 23 or 25 hours."""
    return moment(day, time(), zone)


def _days(
    cadence: CadenceSettings, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[date]:
    """Yield the days whose slots may lie in between; a skipped time may end on the next day."""
    wanted = {_WEEKDAYS[day] for day in cadence.days}
    day, last = day_of(after, zone) - _DAY, day_of(until, zone)
    while day <= last:
        if day.weekday() in wanted:
            yield day
        day += _DAY
