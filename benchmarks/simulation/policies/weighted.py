"""Weighted sums and products: what a router without probabilities does."""

import math
import random

from benchmarks.simulation.policies.base import WAIT, Attempted, Outcome, Policy
from benchmarks.simulation.world import World


class StaticWeights(Policy):
    """0.40 proficiency + 0.30 lifetime success + 0.15 freshness + 0.15 idleness."""

    name = "static weighted score"

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._seen: dict[str, int] = {}
        self._good: dict[str, int] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        return max(left, key=lambda name: self._score(name, capability, now)) if left else None

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        name = attempt.name
        self._seen[name] = self._seen.get(name, 0) + 1
        self._good[name] = self._good.get(name, 0) + (outcome == "ok")

    def _score(self, name: str, capability: str, now: float) -> float:
        seen = self._seen.get(name, 0)
        success = self._good[name] / seen if seen else 1.0
        fresh = math.exp(-(now - self.beat_at[name]) / 60)
        idle = 1 - min(1.0, self.use(name))
        proficiency = self.world.declared(name)[capability]
        return 0.40 * proficiency + 0.30 * success + 0.15 * fresh + 0.15 * idle


class EwmaIdle(Policy):
    """Moving average of success x proficiency x idleness, always the best."""

    name = "greedy EWMA x idle"

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._success: dict[str, float] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        return self.best(self.left(capability, tried), capability)

    def best(self, names: list[str], capability: str) -> str | None:
        def score(name: str) -> float:
            proficiency = self.world.declared(name)[capability]
            return self._success.get(name, 0.9) * proficiency * self.idle(name)

        return max(names, key=score) if names else None

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        success = self._success.get(attempt.name, 0.9)
        self._success[attempt.name] = success + 0.1 * ((outcome == "ok") - success)


class EwmaIdleQueued(EwmaIdle):
    """The same with our central queue: the strongest simple rival."""

    name = "greedy EWMA, our queue"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        free = [name for name in left if self.use(name) < 1]
        return self.best(free, capability) or (WAIT if left else None)
