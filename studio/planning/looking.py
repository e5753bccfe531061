"""Look at a channel's calendar and limits; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookai.db import planning
from bookai.db.planning import Taken
from bookai.running.plans import PlanView, SlotState, SlotView
from bookai.settings import Settings
from studio.market.desk import MarketDesk
from studio.planning.asked import asked_of, passport_of
from studio.planning.plan import Plan, plan, with_stories
from studio.planning.slots import begin_of, day_of, slots_between
from studio.planning.stories import choose, sources_of, why_no_more

_CAME_TO_NOTHING = ("refused", "failed", "cancelled")
NO_TIMES = "no cadence.times: its sources alone say how often a video is made"


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at plans as of now. `desk` knows which stories are left to tell."""

    desk: MarketDesk
    settings: Settings

    async def see(self, channel: str, at: datetime, days: int, *, ranked: bool = True) -> PlanView:
        """Return a channel's plan, and its calendar from today through so many days.

        Ranking its stories takes up to a second; without, only whether it has a source is told.

        Raises:
            OperatorNeeded: there is no such channel.
        """
        passport = passport_of(self.settings, channel)
        zone = ZoneInfo(passport.time_zone)
        asked = asked_of(self.settings, channel, at)
        pool = self.desk.pool
        found = plan(passport, await planning.count(pool, asked), at)
        found = await self._with_stories(channel, found, at, ranked=ranked)
        until = begin_of(day_of(at, zone) + timedelta(days=days), zone)
        grid = slots_between(passport.cadence, zone, asked.day_began, until)
        taken = await planning.list_taken(pool, channel, asked.day_began, until)
        has_slots = bool(passport.cadence.times)
        return PlanView(
            channel=channel,
            as_of=at,
            time_zone=passport.time_zone,
            starts=len(found.slots),
            bound=found.bound,
            told=found.told if has_slots else NO_TIMES,
            limits=found.limits if has_slots else (),
            slots=_calendar(grid, taken, at, zone),
        )

    async def _with_stories(self, channel: str, found: Plan, at: datetime, *, ranked: bool) -> Plan:
        """Return the plan for no more than the stories that there are."""
        passport = self.settings.channel(channel)
        sources = sources_of(channel, passport, self.settings.sources)
        if sources and not ranked:
            return found
        stories = await choose(self.desk, channel, sources, len(found.slots), at)
        return with_stories(found, len(stories), why_no_more(channel, sources, len(stories)))

    async def see_all(self, at: datetime, days: int, most: int) -> tuple[PlanView, ...]:
        """Return the plans of the first so many channels that have slots, by name."""
        planned = [name for name, one in self.settings.channels.items() if one.cadence.times]
        return tuple(
            [await self.see(name, at, days, ranked=False) for name in sorted(planned)[:most]]
        )


def _calendar(
    grid: Sequence[datetime], taken: Sequence[Taken], at: datetime, zone: ZoneInfo
) -> tuple[SlotView, ...]:
    used = {one.slot_at for one in taken}
    rows = [
        SlotView(at=slot, local=_local(slot, zone), state="free" if slot > at else "missed")
        for slot in grid
        if slot not in used
    ]
    rows += [
        SlotView(
            at=one.slot_at,
            local=_local(one.slot_at, zone),
            state=_state(one, at),
            job_id=one.job_id,
            approval_id=one.approval_id,
            title=one.title or one.source,
            url=one.url,
        )
        for one in taken
    ]
    return tuple(sorted(rows, key=lambda row: (row.at, row.job_id or 0)))


def _state(one: Taken, at: datetime) -> SlotState:
    if one.url or one.status == "done":
        return "out"
    if one.status in _CAME_TO_NOTHING:
        return "unused" if one.slot_at > at else "missed"
    if one.approval == "approved":
        return "approved"
    return "asked" if one.approval == "pending" else "making"


def _local(at: datetime, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there:%a %Y-%m-%d %H:%M} {there:%z}"
