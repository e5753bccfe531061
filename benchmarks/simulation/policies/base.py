"""What every policy is asked, and what it is told."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from benchmarks.simulation.world import World

Outcome = Literal["ok", "quality", "infra", "timeout", "busy"]
# Nobody may take the task now: it waits in the central queue, for policies that have one.
WAIT: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt as a policy sees it; `token` is what its `begin` returned."""

    name: str
    capability: str
    token: Any


class Policy(ABC):
    """Chooses agents by name. Of the world it may ask `declared` and `capacity`, no more."""

    name: ClassVar[str]

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.in_flight: dict[str, int] = {}
        self.able: dict[str, list[str]] = {}
        self.beat_at: dict[str, float] = {}

    def add(self, name: str, now: float) -> None:
        self.in_flight[name] = 0
        self.beat_at[name] = now
        for capability in self.world.declared(name):
            self.able.setdefault(capability, []).append(name)

    def beat(self, name: str, now: float) -> None:
        self.beat_at[name] = now

    @abstractmethod
    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        """Return a name, WAIT, or None: nobody is left."""

    def begin(self, name: str, capability: str, now: float) -> Any:
        """Note an attempt; what is returned comes back to `end`."""
        self.in_flight[name] += 1

    def end(self, attempt: Attempted, outcome: Outcome, seconds: float, now: float) -> None:
        self.in_flight[attempt.name] -= 1

    def suits(self, name: str, now: float) -> Mapping[str, float]:
        """Return the success expected of a free agent: it takes from the queue what suits it."""
        return self.world.declared(name)

    def left(self, capability: str, tried: frozenset[str]) -> list[str]:
        """Return who can do it and has not tried yet."""
        able = self.able.get(capability, [])
        return [name for name in able if name not in tried] if tried else able

    def use(self, name: str) -> float:
        """Return the share of an agent that is taken."""
        return self.in_flight[name] / self.world.capacity(name)

    def idle(self, name: str) -> float:
        return 1.05 - min(1.0, self.use(name))
