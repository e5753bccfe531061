"""Load balancers that put a failing host aside, written anew from their documentation."""

import math
import random

from benchmarks.simulation.policies.base import Attempted, Outcome, Policy
from benchmarks.simulation.policies.plain import TwoChoices
from benchmarks.simulation.world import World

FAILURES_IN_A_ROW = 5


class Envoy(TwoChoices):
    """Envoy's defaults: five failures in a row put a host aside for 30 s x n, a tenth at most."""

    name = "Envoy, defaults"
    most = 0.10
    base_s = 30.0

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._failures: dict[str, int] = {}
        self._aside_until: dict[str, float] = {}
        self._times: dict[str, int] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        here = [name for name in left if self._aside_until.get(name, 0.0) <= now]
        return self.of_two(here or left)

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        name = attempt.name
        self._failures[name] = 0 if outcome == "ok" else self._failures.get(name, 0) + 1
        if self._failures[name] < FAILURES_IN_A_ROW:
            return
        aside = sum(until > now for until in self._aside_until.values())
        if aside < max(1, int(self.most * len(self.in_flight))):
            self._times[name] = times = self._times.get(name, 0) + 1
            self._aside_until[name] = now + min(300.0, self.base_s * times)
            self._failures[name] = 0


class EnvoyEager(Envoy):
    """As many would set it for agents: half of the hosts at most, 5 s x n."""

    name = "Envoy, 50 % and 5 s"
    most = 0.5
    base_s = 5.0


class PeakEwma(Policy):
    """Finagle and Linkerd: P2C on peak-EWMA latency x (pending + 1), with failure accrual."""

    name = "peak-EWMA P2C, accrual"
    tau_s = 10.0

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._cost: dict[str, float] = {}
        self._at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._dead_until: dict[str, float] = {}
        self._backoff_s: dict[str, float] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        if not left:
            return None
        alive = [name for name in left if self._dead_until.get(name, 0.0) <= now] or left
        one, two = self.rng.choice(alive), self.rng.choice(alive)
        return one if self._load(one, now) <= self._load(two, now) else two

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        name = attempt.name
        cost = self._cost.get(name, 0.0)
        kept = math.exp(-(now - self._at.get(name, now - 1)) / self.tau_s)
        peak = seconds > cost * kept
        self._cost[name] = seconds if peak else cost * kept + seconds * (1 - kept)
        self._at[name] = now
        if outcome == "ok":
            self._failures[name], self._backoff_s[name] = 0, 5.0
        elif outcome != "busy":
            self._failures[name] = self._failures.get(name, 0) + 1
            if self._failures[name] >= FAILURES_IN_A_ROW:
                backoff_s = self._backoff_s.get(name, 5.0)
                self._dead_until[name] = now + backoff_s * (0.8 + 0.4 * self.rng.random())
                self._backoff_s[name] = min(300.0, 2 * backoff_s)
                self._failures[name] = FAILURES_IN_A_ROW - 1

    def _load(self, name: str, now: float) -> float:
        cost = self._cost.get(name, 0.0)
        cost *= math.exp(-(now - self._at.get(name, now)) / self.tau_s)
        pending = self.in_flight[name]
        if cost <= 0:
            return 1e6 + pending if pending else 0.0
        return cost * (pending + 1)
