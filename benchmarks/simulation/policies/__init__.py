"""Who is asked next: the router of this studio and its rivals."""

from benchmarks.simulation.policies.bandits import DiscountedThompson, DiscountedUcb
from benchmarks.simulation.policies.base import Policy
from benchmarks.simulation.policies.ejection import Envoy, EnvoyEager, PeakEwma
from benchmarks.simulation.policies.litellm import LeastBusy, LowestLatency, SimpleShuffle
from benchmarks.simulation.policies.oracle import Oracle, OracleQueued
from benchmarks.simulation.policies.ours import Ours, OursOfFour
from benchmarks.simulation.policies.plain import (
    LeastLoaded,
    LeastLoadedQueued,
    RandomChoice,
    RoundRobin,
    TwoChoices,
)
from benchmarks.simulation.policies.weighted import EwmaIdle, EwmaIdleQueued, StaticWeights

POLICIES: tuple[type[Policy], ...] = (
    RandomChoice,
    RoundRobin,
    LeastLoaded,
    LeastLoadedQueued,
    TwoChoices,
    SimpleShuffle,
    LeastBusy,
    LowestLatency,
    StaticWeights,
    EwmaIdle,
    EwmaIdleQueued,
    PeakEwma,
    Envoy,
    EnvoyEager,
    DiscountedUcb,
    DiscountedThompson,
    Ours,
    OursOfFour,
    Oracle,
    OracleQueued,
)

OURS: tuple[type[Policy], ...] = (Ours, OursOfFour)
ORACLES: tuple[type[Policy], ...] = (Oracle, OracleQueued)
RIVALS: tuple[type[Policy], ...] = tuple(
    policy for policy in POLICIES if policy not in (*OURS, *ORACLES)
)

__all__ = ["ORACLES", "OURS", "POLICIES", "RIVALS", "Ours", "Policy"]
