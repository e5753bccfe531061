"""Choose who does a step. Pure: no clock, no database, no network, no globals.

Candidates are ordered by expected seconds to success, lower is better:

    J = (W + C) / p - C

`W` is the expected time of one attempt (typical latency, longer when busy), `p` the expected
success from a Beta posterior whose evidence halves every `HALF_LIFE_S`, and `C` what a failed
attempt costs besides its time. A newcomer has no evidence and stands at the prior, so it gets
its fair try when the others are worse than that. The derivation is in docs/why/router.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bookai.router.dispatch import (
    Dispatcher,
    Lease,
    NobodyCan,
    RetriesSpent,
    Saturated,
    TooLate,
)
from bookai.router.evidence import Outcome
from bookai.router.member import Ticket
from bookai.router.params import MODELS, SIM, STEPS, Params
from bookai.router.patience import RetryBudget
from bookai.router.router import WAIT, Router
from bookai.router.score import Score, Standing

__all__ = [
    "MODELS",
    "SIM",
    "STEPS",
    "WAIT",
    "Attempt",
    "Candidate",
    "Choice",
    "Dispatcher",
    "Lease",
    "NobodyCan",
    "Outcome",
    "Params",
    "RetriesSpent",
    "RetryBudget",
    "Router",
    "Saturated",
    "Score",
    "Standing",
    "Ticket",
    "TooLate",
    "rank",
]

HALF_LIFE_S = 6 * 3600.0
PRIOR_STRENGTH = 2.0
FAILURE_COST_S = 1.5
LOAD_WEIGHT = 0.25
BREAKER_FAILURES = 3
BREAKER_OPEN_S = 60.0

Ending = Literal["ok", "refused", "failed", "timeout", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One past attempt. A refusal counts as success: the agent did its work and said no."""

    ended_at: datetime
    outcome: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One who may do the step. `proficiency` is the prior success rate, 0 to 1."""

    name: str
    capabilities: frozenset[str]
    proficiency: float = 0.8
    in_flight: int = 0
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A ranked candidate with every term of its score; `excluded` says why it was put last."""

    name: str
    score_s: float
    success: float
    latency_s: float
    evidence: float
    load: float
    excluded: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the terms as rounded text: the audit log holds no floats."""
        return {
            "name": self.name,
            "score_s": f"{self.score_s:.3f}",
            "success": f"{self.success:.3f}",
            "latency_s": f"{self.latency_s:.3f}",
            "evidence": f"{self.evidence:.2f}",
            "load": f"{self.load:.2f}",
            "excluded": self.excluded,
        }


def rank(
    candidates: Iterable[Candidate],
    capability: str,
    past: Mapping[str, Sequence[Attempt]],
    now: datetime,
) -> tuple[Choice, ...]:
    """Return those who have the capability, best first; equal ones in name order.

    A candidate behind an open breaker stands last instead of missing: when nobody else is left,
    trying it beats giving up.
    """
    able = [c for c in candidates if capability in c.capabilities]
    choices = [_judge(c, past.get(c.name, ()), now) for c in able]
    return tuple(sorted(choices, key=lambda c: (c.excluded is not None, c.score_s, c.name)))


def _judge(candidate: Candidate, past: Sequence[Attempt], now: datetime) -> Choice:
    wins = losses = weight = seconds = 0.0
    for attempt in past:
        if attempt.outcome in ("cancelled", "lost"):
            continue  # says nothing about the agent: an operator or a crash ended it
        age_s = max(0.0, (now - attempt.ended_at).total_seconds())
        share = 0.5 ** (age_s / HALF_LIFE_S)
        if attempt.outcome in ("ok", "refused"):
            wins += share
            weight += share
            seconds += share * attempt.seconds
        else:
            losses += share
    prior = PRIOR_STRENGTH * candidate.proficiency
    success = (wins + prior) / (wins + losses + PRIOR_STRENGTH)
    latency_s = seconds / weight if weight > 0.01 else 1.0
    load = candidate.in_flight / candidate.capacity
    wait_s = latency_s * (1 + LOAD_WEIGHT * load)
    return Choice(
        name=candidate.name,
        score_s=(wait_s + FAILURE_COST_S) / success - FAILURE_COST_S,
        success=success,
        latency_s=latency_s,
        evidence=wins + losses,
        load=load,
        excluded=_breaker(past, now),
    )


def _breaker(past: Sequence[Attempt], now: datetime) -> str | None:
    """Return why the breaker is open: the last attempts all failed, and lately."""
    latest = sorted(past, key=lambda a: a.ended_at, reverse=True)[:BREAKER_FAILURES]
    failed = [a for a in latest if a.outcome in ("failed", "timeout")]
    if len(failed) < BREAKER_FAILURES:
        return None
    age_s = (now - failed[0].ended_at).total_seconds()
    if age_s > BREAKER_OPEN_S:
        return None
    return f"breaker open: {BREAKER_FAILURES} failures in a row, the last {age_s:.0f} s ago"
