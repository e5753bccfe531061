"""What a channel's plan says: its slots, what limits it, and which limit allowed no more."""

from datetime import datetime
from typing import Literal

from bookai.records import Record

LimitName = Literal[
    "slots",
    "posts_per_day",
    "platform",
    "waiting",
    "approvals",
    "videos",
    "cents",
    "failures",
    "paused",
    "standing",
    "stories",
]
Bound = LimitName | Literal["none"]
SlotState = Literal["free", "making", "asked", "approved", "out", "missed", "unused"]


class Limit(Record):
    """One limit and its figure; `left` is how many videos it allows now, None: any number."""

    name: LimitName
    left: int | None
    told: str


class SlotView(Record):
    """One slot of a calendar. `local` is the channel's own clock, with its distance from UTC.

    `free`: nothing is made for it yet. `asked`: its video waits for an operator. `missed`: it
    passed without one. `unused`: its job came to nothing, and it will be given to another.
    """

    at: datetime
    local: str
    state: SlotState
    job_id: int | None = None
    approval_id: int | None = None
    title: str = ""
    url: str | None = None


class PlanView(Record):
    """A channel's next days: what would start now, every limit, and which one allows no more."""

    channel: str
    as_of: datetime
    time_zone: str
    starts: int
    bound: Bound
    told: str
    limits: tuple[Limit, ...]
    slots: tuple[SlotView, ...]
