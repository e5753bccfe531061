"""The router that this studio ships, as it is: bookai.router."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from benchmarks.simulation.policies.base import WAIT, Attempted, Outcome, Policy
from benchmarks.simulation.world import World
from bookai.router import SIM, Params, Router
from bookai.router import WAIT as BUSY


class Ours(Policy):
    """Expected seconds to success, every candidate looked at."""

    name = "ours"
    params: ClassVar[Params] = SIM

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self.router = Router(self.params, rng)

    def add(self, name: str, now: float) -> None:
        super().add(name, now)
        self.router.add(
            name, self.world.declared(name), capacity=self.world.capacity(name), now=now
        )

    def beat(self, name: str, now: float) -> None:
        self.router.beat(name, now)

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        chosen = self.router.choose(capability, now, tried)
        return WAIT if chosen is BUSY else chosen

    def suits(self, name: str, now: float) -> Mapping[str, float]:
        able = self.world.declared(name)
        return {capability: self.router.expected(name, capability) for capability in able}

    def begin(self, name: str, capability: str, now: float) -> Any:
        return self.router.begin(name, capability, now)

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        self.router.end(attempt.token, outcome, seconds, now)


class OursOfFour(Ours):
    """The best of four at random: fairer, and as quick with ten thousand agents."""

    name = "ours, best of four"
    params: ClassVar[Params] = replace(SIM, draws=4)
