"""All that outcomes have taught about one member, whatever order they were heard in.

A refusal counts as success: whoever says "this interview cannot become a script" did the work, and
another candidate would have to say the same. Bad output says something about skill; a crash, a
dropped connection or a time-out says something about health. Whoever is busy, whatever a caller did
wrong and what was cancelled or lost say nothing about the one who was asked.
"""

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bookai.router.breaker import Breaker
from bookai.router.params import Params
from bookai.router.posterior import Latency, Skill, Tally

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
    # Whoever says no does so at once: its speed is not that of the work.
    "refused": Lesson(health=1, skill=1, timed=False),
    "quality": Lesson(health=1, skill=-1, timed=True),
    "infra": Lesson(health=-1, skill=0, timed=False),
    "timeout": Lesson(health=-1, skill=0, timed=True),
}


class Event(NamedTuple):
    """One outcome; events sort by the time they ended."""

    at: float
    capability: str
    outcome: Outcome
    seconds: float


class Craft:
    """What is known of a member at one capability. Its latency may be shared with the others."""

    __slots__ = ("breaker", "latency", "skill")

    def __init__(self, skill: Skill, latency: Latency, breaker: Breaker) -> None:
        self.skill = skill
        self.latency = latency
        self.breaker = breaker


class Evidence:
    """A member's health, its breaker and its crafts. Feed it in the order of time."""

    __slots__ = ("breaker", "crafts", "health", "latency")

    def __init__(self, salt: float) -> None:
        self.health = Tally()
        self.latency = Latency()
        self.breaker = Breaker(salt)
        self.crafts: dict[str, Craft] = {}

    def declare(self, capability: str, skill: float, params: Params) -> None:
        """Set what the member says of itself; what is known stays."""
        craft = self.crafts.get(capability)
        if craft is None:
            latency = self.latency if params.one_latency else Latency()
            self.crafts[capability] = Craft(Skill(skill), latency, Breaker(self.breaker.salt))
        else:
            craft.skill.declared = skill

    def take(self, event: Event, params: Params) -> None:
        """Learn an outcome that ended after all others."""
        lesson = LESSONS.get(event.outcome)
        craft = self.crafts.get(event.capability)
        if lesson is None or craft is None:
            return
        at, well = event.at, lesson.health > 0
        if lesson.timed:
            cut = event.outcome == "timeout"
            craft.latency.take(event.seconds, at, params.latency_decay_s, cut=cut)
        self.health.add(float(well), float(not well), at, params.health_half_life_s)
        if lesson.skill:
            craft.skill.take(lesson.skill > 0, at, params)
        if well:
            if self.breaker.succeed(at, params):
                self.health.losses *= params.amnesty
            craft.breaker.succeed(at, params)
        elif not self.breaker.fail(at, params) and self.breaker.state(at) == "closed":
            # It works for other capabilities: only this one may be broken.
            craft.breaker.fail(at, params)

    def take_late(self, event: Event, params: Params) -> None:
        """Count an outcome that is older than all we could sort it among."""
        lesson = LESSONS.get(event.outcome)
        craft = self.crafts.get(event.capability)
        if lesson is None or craft is None:
            return
        well = lesson.health > 0
        self.health.add(float(well), float(not well), event.at, params.health_half_life_s)
        if lesson.skill:
            craft.skill.take_late(lesson.skill > 0, event.at, params)
        if lesson.timed and craft.latency.seconds is None:
            craft.latency.take(event.seconds, event.at, params.latency_decay_s)

    def copy(self) -> "Evidence":
        """Return one that changes on its own."""
        other = Evidence(self.breaker.salt)
        other.health, other.latency = self.health.copy(), self.latency.copy()
        other.breaker = self.breaker.copy()
        for capability, craft in self.crafts.items():
            shared = craft.latency is self.latency
            latency = other.latency if shared else craft.latency.copy()
            other.crafts[capability] = Craft(craft.skill.copy(), latency, craft.breaker.copy())
        return other


class Memory:
    """A member's evidence, and its last events so that a late one takes its place among them.

    Every `Params.replay` events the evidence is copied; a late event is sorted in, and what came
    after it is learned again from the last copy before it. So a process that hears of the same
    outcomes in another order comes to the same evidence.
    """

    __slots__ = ("_copies", "_events", "_forgot", "evidence")

    def __init__(self, salt: float) -> None:
        self.evidence = Evidence(salt)
        self._events: list[Event] = []
        # The evidence before the first event, and before the `replay`-th, if there are as many.
        self._copies: list[Evidence] = []
        self._forgot = False

    def declare(self, skills: Mapping[str, float], params: Params) -> None:
        """Set what the member says of itself, now and in what is remembered."""
        for evidence in (self.evidence, *self._copies):
            for capability, skill in skills.items():
                evidence.declare(capability, skill, params)

    def take(self, event: Event, params: Params) -> None:
        """Learn an outcome, wherever in time it belongs."""
        events = self._events
        if not params.replay:
            if event.at >= self.evidence.health.at:
                self.evidence.take(event, params)
            else:
                self.evidence.take_late(event, params)
        elif not events or event >= events[-1]:
            self._remember(event, params)
            self.evidence.take(event, params)
        elif self._forgot and event < events[0]:
            for evidence in (self.evidence, *self._copies):
                evidence.take_late(event, params)
        else:
            self._sort_in(event, params)

    def _remember(self, event: Event, params: Params) -> None:
        events, replay = self._events, params.replay
        if len(events) == 2 * replay:
            del events[:replay], self._copies[0]
            self._forgot = True
        if len(events) in (0, replay):
            self._copies.append(self.evidence.copy())
        events.append(event)

    def _sort_in(self, event: Event, params: Params) -> None:
        events, replay = self._events, params.replay
        place = bisect_right(events, event)
        insort(events, event)
        last = events.pop() if len(events) > 2 * replay else None
        second = len(self._copies) == 2 and place >= replay
        evidence = self._copies[second].copy()
        for index in range(replay if second else 0, len(events)):
            if index == replay:
                self._copies[1:] = [evidence.copy()]
            evidence.take(events[index], params)
        self.evidence = evidence
        if last is not None:
            self._remember(last, params)
            self.evidence.take(last, params)
