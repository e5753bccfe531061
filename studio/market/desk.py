"""The desk's part about the market: remembered feeds, and what was earned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bookai.db.market import earnings, trends
from bookai.errors import Refused
from bookai.market import EarningsBy, EarningsReport, Watched
from bookai.models import Feed
from studio.approvals import LendingDesk

# How fast something grows is measured over the last day: last week's growth is no news.
GROWTH = timedelta(days=1)
LONGEST_DAYS = 400
USUAL_DAYS = 7
# No network reported before; and a year 1 has no UTC east of Greenwich.
FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDesk(LendingDesk):
    """Every question about trends and earnings."""

    async def claim_feeds(self, feeds: Mapping[str, int]) -> tuple[str, ...]:
        """Return which of these are due, by seconds since the last try; each to one caller only."""
        return await trends.claim(self.pool, feeds, self.now())

    async def note_feed(self, url: str, feed: Feed) -> None:
        """Remember what a feed shows now."""
        await trends.note(self.pool, url, feed, self.now())

    async def note_feed_failure(self, url: str, error: str) -> None:
        """Remember why a feed could not be read."""
        await trends.note_failure(self.pool, url, error)

    async def seen_in_feeds(self, feeds: Sequence[str], window: timedelta) -> Watched:
        """Return what these feeds showed that appeared within `window`, and how they are."""
        now = self.now()
        items = await trends.seen_since(self.pool, feeds, now - window, now - GROWTH)
        return Watched(
            now=now,
            feeds=await trends.feed_states(self.pool, feeds),
            items=items,
            whole=len(items) < trends.MOST_ITEMS,
        )

    async def forget_old_trends(self) -> None:
        """Forget what no feed has shown for long."""
        await trends.forget_old(self.pool, self.now())

    async def sum_earnings(
        self,
        since: date | None,
        until: date | None,
        time_zone: str,
        by: EarningsBy,
        limit: int,
    ) -> EarningsReport:
        """Return what was earned from the day `since` through the day `until`, as that zone's days.

        Without `until` through today, without `since` the seven days up to `until`.

        Raises:
            Refused: there is no such zone, or the days make no span of at most 400 days.
        """
        zone = _zone(time_zone)
        last = until or self.now().astimezone(zone).date()
        if last > self.now().astimezone(zone).date() + timedelta(days=1):
            raise Refused(f"until {last} is yet to come: nothing is earned there.")
        first = since or max(last, date(FIRST_YEAR, 1, 8)) - timedelta(days=USUAL_DAYS - 1)
        if first.year < FIRST_YEAR or not 0 <= (last - first).days < LONGEST_DAYS:
            raise Refused(
                f"from {first} through {last} is no span of 1 to {LONGEST_DAYS} days "
                f"after {FIRST_YEAR}. Ask for a shorter one, since before until."
            )
        span = earnings.Span(_begin(first, zone), _begin(last, zone, days=1), time_zone)
        return await earnings.sum_up(self.pool, span, by, limit)


def _begin(day: date, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """Return the moment at which a day begins; some have 23 or 25 hours."""
    return datetime.combine(day + timedelta(days=days), time(), tzinfo=zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(
            f"there is no time zone {name[:80]!r}. Use an IANA name, such as Europe/Berlin."
        ) from error
