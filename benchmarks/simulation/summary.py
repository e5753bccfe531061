"""Figures over many seeds: means, spreads, and differences between rivals in the same worlds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from benchmarks.simulation.meter import Result
from benchmarks.simulation.policies import Policy
from benchmarks.simulation.runs import Run
from benchmarks.simulation.world import FAULTS, Condition

# Where routing around faults is timed.
FAULTY = ("outages", "all")


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better ours was, in percentage points: the mean over seeds and its error."""

    points: float
    error: float

    def __str__(self) -> str:
        return f"{self.points:+.2f} ±{self.error:.2f}"


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of all runs, by policy and scenario in the order of the seeds."""

    results: Mapping[tuple[str, str], Sequence[Result]]

    @classmethod
    def of(cls, results: Mapping[Run, Result]) -> "Summary":
        sorted_runs: dict[tuple[str, str], list[Result]] = {}
        for run in sorted(results, key=lambda run: run.seed):
            sorted_runs.setdefault((run.policy.name, run.scenario.name), []).append(results[run])
        return cls(sorted_runs)

    def ok(self, policy: type[Policy], scenario: str) -> float:
        """Return the success in percent."""
        return 100 * self.mean(policy, scenario, "ok")

    def spread(self, policy: type[Policy], scenario: str) -> float:
        """Return the standard deviation of the success between seeds, in points."""
        rates = [result.ok for result in self.results[policy.name, scenario]]
        return 100 * stdev(rates) if len(rates) > 1 else 0.0

    def mean(self, policy: type[Policy], scenario: str, figure: str) -> float:
        return float(
            mean(getattr(result, figure) for result in self.results[policy.name, scenario])
        )

    def difference(self, ours: type[Policy], rival: type[Policy], scenario: str) -> Difference:
        pairs = zip(
            self.results[ours.name, scenario], self.results[rival.name, scenario], strict=True
        )
        points = [100 * (one.ok - other.ok) for one, other in pairs]
        error = stdev(points) / sqrt(len(points)) if len(points) > 1 else 0.0
        return Difference(mean(points), error)

    def routed_around(
        self, policy: type[Policy], scenarios: Iterable[str], faults: Sequence[Condition] = FAULTS
    ) -> list[float]:
        """Return the seconds from each fault until the policy had routed around it, sorted."""
        return self._times(policy, scenarios, faults, "routed_around_s")

    def recovered(self, policy: type[Policy], scenarios: Iterable[str]) -> list[float]:
        """Return the seconds from the end of each fault until the agent was used again, sorted."""
        return self._times(policy, scenarios, FAULTS, "recovered_s")

    def _times(
        self,
        policy: type[Policy],
        scenarios: Iterable[str],
        faults: Sequence[Condition],
        figure: str,
    ) -> list[float]:
        return sorted(
            seconds
            for scenario in scenarios
            for result in self.results[policy.name, scenario]
            for fault in faults
            for seconds in getattr(result, figure).get(fault, ())
        )


def percentile(ranked: Sequence[float], share: float) -> float:
    """Return the value that `share` of a sorted sequence does not pass; NaN when it is empty."""
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")
