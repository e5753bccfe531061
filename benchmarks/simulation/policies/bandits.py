"""Bandits that forget, each with idleness as a factor: they know success, not health or latency."""

import math
import random

from benchmarks.simulation.policies.base import Attempted, Outcome, Policy
from benchmarks.simulation.world import World


class DiscountedUcb(Policy):
    name = "discounted UCB x idle"
    kept = 0.998

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._seen: dict[tuple[str, str], float] = {}
        self._good: dict[tuple[str, str], float] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        log = math.log(max(2.0, sum(self._seen.get((name, capability), 0.0) for name in left)))

        def score(name: str) -> float:
            seen = self._seen.get((name, capability), 0.0)
            bound = 1.2
            if seen >= 0.5:
                bound = self._good[name, capability] / seen + 0.5 * math.sqrt(log / seen)
            return min(bound, 1.2) * self.idle(name)

        return max(left, key=score) if left else None

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        for name in self.able[attempt.capability]:
            pair = (name, attempt.capability)
            if pair in self._seen:
                self._seen[pair] *= self.kept
                self._good[pair] *= self.kept
        pair = (attempt.name, attempt.capability)
        self._seen[pair] = self._seen.get(pair, 0.0) + 1
        self._good[pair] = self._good.get(pair, 0.0) + (outcome == "ok")


class DiscountedThompson(Policy):
    """One Beta posterior a pair, evidence halves in 60 s, four attempts of prior."""

    name = "discounted Thompson x idle"
    half_life_s = 60.0

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._pairs: dict[tuple[str, str], tuple[float, float, float]] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)

        def score(name: str) -> float:
            good, bad = self._decayed((name, capability), now)
            prior = self.world.declared(name)[capability]
            drawn = self.rng.betavariate(good + 4 * prior, bad + 4 * (1 - prior) + 1e-3)
            return drawn * self.idle(name)

        return max(left, key=score) if left else None

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        pair = (attempt.name, attempt.capability)
        good, bad = self._decayed(pair, now)
        success = outcome == "ok"
        self._pairs[pair] = (good + success, bad + (not success), now)

    def _decayed(self, pair: tuple[str, str], now: float) -> tuple[float, float]:
        good, bad, at = self._pairs.get(pair, (0.0, 0.0, now))
        kept = 2.0 ** (-(now - at) / self.half_life_s)
        return good * kept, bad * kept
