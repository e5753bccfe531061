"""Policies that learn nothing."""

import random

from benchmarks.simulation.policies.base import WAIT, Policy
from benchmarks.simulation.world import World


class RandomChoice(Policy):
    name = "random"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        return self.rng.choice(left) if left else None


class RoundRobin(Policy):
    name = "round robin"

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._turn: dict[str, int] = {}

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        if not left:
            return None
        self._turn[capability] = turn = self._turn.get(capability, -1) + 1
        return left[turn % len(left)]


class LeastLoaded(Policy):
    name = "least loaded"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        return min(left, key=lambda name: (self.use(name), self.rng.random())) if left else None


class LeastLoadedQueued(LeastLoaded):
    """The same with our central queue: shows what the queue alone is worth."""

    name = "least loaded, our queue"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        free = [name for name in left if self.use(name) < 1]
        if not free:
            return WAIT if left else None
        return min(free, key=lambda name: (self.use(name), self.rng.random()))


class TwoChoices(Policy):
    name = "P2C least request"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        return self.of_two(self.left(capability, tried))

    def of_two(self, names: list[str]) -> str | None:
        """Return the less loaded of two at random."""
        if not names:
            return None
        one, two = self.rng.choice(names), self.rng.choice(names)
        return one if self.use(one) <= self.use(two) else two
