"""What one simulated run showed, and how it is counted."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.simulation.world import Outage, World

# Tasks that arrive earlier only warm the policies up and are not counted.
WARM_S = 50.0
WINDOW_S = 5.0
# An agent that had fewer tasks a second than this before its outage tells nothing about the router.
BUSY_PER_S = 0.4
RECOVERY_LIMIT_S = 45.0


@dataclass(frozen=True, slots=True)
class Result:
    """One run. Rates are 0 to 1, times seconds; a failed task counts with its whole deadline.

    `regret` is the success rate given away at the first attempt, against the best agent at that
    moment; `wasted` are attempts a task sent to an agent that was down or answered garbage;
    `routed_around_s` and `recovered_s` are by kind of fault.
    """

    tasks: int
    ok: float
    worst_10_s: float
    p50_s: float
    p99_s: float
    attempts: float
    regret: float
    wasted: float
    fairness: float
    failures: Mapping[str, int]
    routed_around_s: Mapping[str, list[float]]
    recovered_s: Mapping[str, list[float]]
    unserved: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Meter:
    """Collects while a run goes on."""

    world: World
    deadline_s: float
    sent: dict[str, list[float]] = field(init=False)
    worked_s: dict[str, float] = field(init=False)
    failures: Counter[str] = field(default_factory=Counter)
    _seconds: list[float] = field(default_factory=list)
    _windows: dict[int, tuple[int, int]] = field(default_factory=dict)
    _regrets: list[float] = field(default_factory=list)
    _attempts: int = 0
    _wasted: int = 0
    _unserved: int = 0

    def __post_init__(self) -> None:
        self.sent = {name: [] for name in self.world.agents}
        self.worked_s = dict.fromkeys(self.world.agents, 0.0)

    @property
    def tasks(self) -> int:
        return len(self._seconds)

    def task_arrived(self, capability: str, arrived: float) -> None:
        """Note a task for which nobody could have done anything."""
        if arrived >= WARM_S and not any(
            capability in agent.quality and agent.condition == "up" and agent.joins_at <= arrived
            for agent in self.world.agents.values()
        ):
            self._unserved += 1

    def attempt_sent(self, name: str, arrived: float, now: float) -> None:
        self.sent[name].append(now)
        if arrived >= WARM_S:
            self._attempts += 1
            self._wasted += self.world.agents[name].condition not in ("up", "slow")

    def choice_made(self, chosen: float, best: float) -> None:
        self._regrets.append(max(0.0, best - chosen))

    def task_ended(self, arrived: float, failure: str | None, now: float) -> None:
        if arrived < WARM_S:
            return
        if failure is not None:
            self.failures[failure] += 1
        good, total = self._windows.get(int(arrived // 10), (0, 0))
        self._windows[int(arrived // 10)] = (good + (failure is None), total + 1)
        self._seconds.append(now - arrived if failure is None else self.deadline_s)

    def result(self) -> Result:
        ranked = sorted(self._seconds)
        tasks = len(ranked)
        around: dict[str, list[float]] = {}
        back: dict[str, list[float]] = {}
        for outage in self.world.outages:
            if self._usual_rate(outage) >= BUSY_PER_S:
                around.setdefault(outage.fault, []).append(self._routed_around(outage))
                if outage.fault != "slow" and outage.ends < self.world.scenario.seconds - 45:
                    back.setdefault(outage.fault, []).append(self._recovered(outage))
        return Result(
            tasks=tasks,
            ok=1 - self.failures.total() / tasks,
            worst_10_s=min(good / total for good, total in self._windows.values()),
            p50_s=ranked[tasks // 2],
            p99_s=ranked[int(tasks * 0.99)],
            attempts=self._attempts / tasks,
            regret=sum(self._regrets) / max(1, len(self._regrets)),
            wasted=self._wasted / tasks,
            fairness=self._fairness(),
            failures=dict(self.failures),
            routed_around_s=around,
            recovered_s=back,
            unserved=self._unserved,
        )

    def _usual_rate(self, outage: Outage) -> float:
        times = self.sent[outage.agent.name]
        begins = outage.begins
        return (bisect_left(times, begins) - bisect_left(times, begins - 20)) / 20

    def _routed_around(self, outage: Outage) -> float:
        """Return the seconds until 5 s held at most a fifth of the agent's usual attempts."""
        few = max(1.0, 0.2 * self._usual_rate(outage) * WINDOW_S)
        times = self.sent[outage.agent.name]
        first = bisect_left(times, outage.begins)
        last = bisect_right(times, outage.ends)
        # The earliest such window begins with the outage or right after an attempt.
        if bisect_left(times, outage.begins + WINDOW_S) - first <= few:
            return 0.0
        for place in range(first, last):
            if bisect_left(times, times[place] + WINDOW_S) - (place + 1) <= few:
                return times[place] - outage.begins
        return outage.ends - outage.begins

    def _recovered(self, outage: Outage) -> float:
        """Return the seconds until 5 s held half of the agent's usual attempts again."""
        enough = max(2.0, 0.5 * self._usual_rate(outage) * WINDOW_S)
        times = self.sent[outage.agent.name]
        for place in range(bisect_left(times, outage.ends), len(times)):
            since = times[place] - outage.ends
            if since >= RECOVERY_LIMIT_S:
                break
            if bisect_left(times, times[place] + WINDOW_S) - place >= enough:
                return since
        return RECOVERY_LIMIT_S

    def _fairness(self) -> float:
        """Return Jain's index over the use of the agents that were there all the time."""
        used = [
            self.worked_s[agent.name] / agent.capacity
            for agent in self.world.agents.values()
            if not agent.joins_at and agent not in self.world.flapping
        ]
        squares = sum(share * share for share in used)
        return sum(used) ** 2 / (len(used) * squares) if squares else 0.0
