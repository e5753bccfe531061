"""How an attempt ended, and what each ending teaches the router.

A refusal counts as success: whoever says "this interview cannot become a script" did the work, and
another candidate would have to say the same. Bad output says something about skill; a crash, a
dropped connection or a time-out says something about health. Whoever is busy, whatever a caller did
wrong and what was cancelled or lost say nothing about the one who was asked.
"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "ok", "refused", "quality", "infra", "timeout", "busy", "client", "cancelled", "lost"
]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one ending adds: `health` and `skill` are +1, -1 or 0; `timed`: it tells the latency."""

    health: int
    skill: int
    timed: bool


WELL = Lesson(health=1, skill=1, timed=True)
# A time-out's length is the least that the work would have taken.
LESSONS: dict[Outcome, Lesson] = {
    "ok": WELL,
    "refused": WELL,
    "quality": Lesson(health=1, skill=-1, timed=True),
    "infra": Lesson(health=-1, skill=0, timed=False),
    "timeout": Lesson(health=-1, skill=0, timed=True),
}
