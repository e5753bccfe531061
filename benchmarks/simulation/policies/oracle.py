"""The bound: knows each agent's true success rate, speed, queue and faults."""

from benchmarks.simulation.policies.base import WAIT, Policy

FAILURE_COST_S = 2.0
HOPELESS = 0.25


class Oracle(Policy):
    """Greedy with the truth, no central queue: a router that has one may pass it in overload."""

    name = "oracle"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        return self.best(self.left(capability, tried), capability)

    def best(self, names: list[str], capability: str) -> str | None:
        def expected_s(name: str) -> float:
            rate, seconds = self.world.truth(name, capability)
            return (seconds + FAILURE_COST_S) / max(rate, 1e-3)

        return min(names, key=expected_s) if names else None


class OracleQueued(Oracle):
    """The same with our central queue: it rather waits than asks one that most likely fails."""

    name = "oracle, our queue"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        left = self.left(capability, tried)
        free = [
            name
            for name in left
            if self.use(name) < 1 and self.world.truth(name, capability)[0] > HOPELESS
        ]
        return self.best(free, capability) or (WAIT if left else None)
