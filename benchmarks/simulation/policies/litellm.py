"""litellm's routing strategies with its cooldown, written anew from their description.

An agent rests for 5 s when more than half of at least five requests failed within this minute, or
at once when it was busy. When all rest, the request fails: litellm does not wait.
"""

import random

from benchmarks.simulation.policies.base import Attempted, Outcome, Policy
from benchmarks.simulation.world import World

COOLDOWN_S = 5.0
TIMEOUT_COUNTS_S = 1000.0
LATENCIES_KEPT = 10


class SimpleShuffle(Policy):
    """Its default."""

    name = "litellm simple-shuffle"

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._minute: dict[str, tuple[int, int, int]] = {}
        self._rests_until: dict[str, float] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        awake = self.awake(capability, now, tried)
        return self.rng.choice(awake) if awake else None

    def awake(self, capability: str, now: float, tried: frozenset[str]) -> list[str]:
        left = self.left(capability, tried)
        return [name for name in left if self._rests_until.get(name, 0.0) <= now]

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        name, this = attempt.name, int(now // 60)
        minute, good, bad = self._minute.get(name, (this, 0, 0))
        if minute != this:
            good = bad = 0
        if outcome == "ok":
            good += 1
        else:
            bad += 1
            if outcome == "busy" or (good + bad >= 5 and bad > good):
                self._rests_until[name] = now + COOLDOWN_S
        self._minute[name] = (this, good, bad)


class LeastBusy(SimpleShuffle):
    name = "litellm least-busy"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        awake = self.awake(capability, now, tried)
        return min(awake, key=self.in_flight.__getitem__) if awake else None


class LowestLatency(SimpleShuffle):
    """The least mean of the last ten latencies; a time-out counts 1,000 s, the unknown go first."""

    name = "litellm latency-based"

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._latencies: dict[str, list[float]] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        awake = list(self.awake(capability, now, tried))
        self.rng.shuffle(awake)
        return min(awake, key=self._mean) if awake else None

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        super().end(attempt, outcome, seconds, now)
        if outcome in ("ok", "timeout"):
            kept = self._latencies.setdefault(attempt.name, [])
            kept.append(seconds if outcome == "ok" else TIMEOUT_COUNTS_S)
            del kept[:-LATENCIES_KEPT]

    def _mean(self, name: str) -> float:
        kept = self._latencies.get(name)
        return sum(kept) / len(kept) if kept else 0.0
