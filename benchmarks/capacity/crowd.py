"""A large studio's settings: as many channels and feeds as are asked for, each with its times."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.unattended.feeds import Feeds
from bookai.running import LoopSettings

DAY_S = 86_400
MAKING_S = 60.0
"""What is left for making and approving a video after the slowest look of the planner."""

FIRST_S = 60.0
MOST_TIMES = 96
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the studio is; `jobs` a day."""

    feeds: int
    channels: int
    products: int
    jobs: int

    @property
    def job_every_s(self) -> float:
        """How often each feed gives a job, in seconds, at rate 1."""
        return DAY_S * self.feeds / self.jobs

    @property
    def story_every_s(self) -> float:
        """How often a feed shows a new story: more often than a job needs one."""
        return self.job_every_s / 2

    def slots_in(self, seconds: float, rate: float) -> float:
        """Return how many slots of all channels come up within so many seconds."""
        return self.jobs * rate * seconds / DAY_S


@dataclass(frozen=True, slots=True)
class Calendar:
    """When each channel publishes: `channels` take turns, and a slot stands at a whole minute.

    The first is `opens`, a whole minute, aware UTC. Times of day come again, so it holds for less
    than a day.
    """

    size: Size
    rate: float
    opens: datetime

    @property
    def lead_s(self) -> float:
        """How long before its slot a video is begun at the earliest: no look may come too late.

        The studio's own lead is six hours. It is short here so that what is begun within a
        measurement is also published within it.
        """
        return LoopSettings().plan_every_s / self.rate + MAKING_S

    def slots(self) -> Iterator[tuple[int, datetime]]:
        """Yield channels and their slots, in order of time."""
        channels = self.size.channels
        apart = DAY / (self.size.jobs * self.rate)
        for number in range(channels * MOST_TIMES):
            slot = _up_to_a_minute(self.opens + number * apart)
            if slot >= self.opens + DAY - timedelta(seconds=2 * self.lead_s):
                return
            yield number % channels, slot

    def count(self, since: datetime, until: datetime) -> int:
        """Return how many slots lie after `since`, and not after `until`."""
        return sum(since < slot <= until for _, slot in set(self.slots()))

    def times(self) -> list[list[str]]:
        """Return each channel's times as its passport says them."""
        found: list[dict[str, None]] = [{} for _ in range(self.size.channels)]
        for number, slot in self.slots():
            found[number][f"{slot:%H:%M}"] = None
        return [list(one) for one in found]


def calendar_of(size: Size, rate: float, start: datetime) -> Calendar:
    """Return the calendar of a studio that starts at `start`.

    It opens before a whole lead has passed only where that would be long: then what it shows at
    once is begun at once.
    """
    lead_s = Calendar(size, rate, start).lead_s
    return Calendar(size, rate, _up_to_a_minute(start + timedelta(seconds=min(lead_s, FIRST_S))))


def settings_text(size: Size, feeds: Feeds, calendar: Calendar) -> str:
    """Return studio.toml: every feed belongs to one channel and has a niche of its own."""
    lines = ['allow_private = ["127.0.0.1"]', "", "[approvals]", "single_operator = true"]
    for number, times in enumerate(calendar.times()):
        lines += ["", f"[channels.{channel(number)}]", f'account = "{channel(number)}"']
        lines += [f"[channels.{channel(number)}.cadence]"]
        lines += [f"times = {json.dumps(times)}"]
        lines += [f"lead_hours = {calendar.lead_s / 3600:.5f}"]
        lines += ["waiting = 10000", "approvals_per_day = 10000"]
    for number in range(size.feeds):
        lines += [
            "",
            "[[sources]]",
            f'url = "{feeds.url(number)}"',
            f'channel = "{channel(number % size.channels)}"',
            f'niche = "niche {number}"',
            f"every_s = {round(size.job_every_s)}",
        ]
    return "\n".join(lines) + "\n"


def channel(number: int) -> str:
    """Return a channel's name."""
    return f"channel{number:03}"


def _up_to_a_minute(at: datetime) -> datetime:
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + MINUTE
