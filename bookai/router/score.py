"""A choice explained: every candidate with each term of its score, or why it was not asked."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from math import inf

from bookai.router.breaker import State
from bookai.router.evidence import Craft
from bookai.router.member import Member
from bookai.router.params import Params
from bookai.router.table import HOPELESS, SURE, Table


@dataclass(frozen=True, slots=True)
class Score:
    """One candidate at the moment of a choice; less is better.

    `score_s` is the expected seconds to success by what is known; `drawn_s` the same with the luck
    of this choice, which is what was compared. `evidence` counts remembered attempts, faded by age.
    """

    name: str
    score_s: float
    drawn_s: float
    success: float
    success_sd: float
    latency_s: float
    evidence: float
    in_flight: int
    capacity: int
    cold_s: float
    cost_s: float
    excluded: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the terms as rounded text: the audit log holds no floats."""
        return {
            "name": self.name,
            "score_s": f"{self.score_s:.3f}",
            "drawn_s": f"{self.drawn_s:.3f}",
            "success": f"{self.success:.3f}",
            "success_sd": f"{self.success_sd:.3f}",
            "latency_s": f"{self.latency_s:.3f}",
            "evidence": f"{self.evidence:.2f}",
            "load": f"{self.in_flight}/{self.capacity}",
            "cold_s": f"{self.cold_s:.3f}",
            "cost_s": f"{self.cost_s:.3f}",
            "excluded": self.excluded,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands at a moment; `success` is its mean success at each capability."""

    name: str
    in_flight: int
    capacity: int
    success: Mapping[str, float]
    breaker: State
    last_beat: float


def scores(
    table: Table, capability: str, exclude: Set[str], now: float, params: Params
) -> tuple[Score, ...]:
    """Return every candidate of a table as its last choice saw it, best first."""
    found = [
        _score(member, capability, table.luck_of(place), now, params)
        if member.name not in exclude
        else _score(member, capability, 0.0, now, params, excluded="tried already")
        for place, member in enumerate(table.members)
    ]
    return tuple(sorted(found, key=lambda s: (s.excluded is not None, s.drawn_s, s.name)))


def _score(
    member: Member,
    capability: str,
    luck: float,
    now: float,
    params: Params,
    excluded: str | None = None,
) -> Score:
    craft, row = member.evidence.crafts[capability], member.rows[capability]
    mean, spread = member.success(craft, now, params)
    price_s = member.wait_s(craft, row, params) + params.failure_s
    wins, losses = craft.skill.tally.weighed(now, craft.skill.half_life_s(params))
    p = min(SURE, max(HOPELESS, mean + params.explore * spread * luck))
    return Score(
        name=member.name,
        score_s=price_s / min(SURE, max(HOPELESS, mean)) - params.failure_s,
        drawn_s=price_s / p - params.failure_s,
        success=mean,
        success_sd=spread,
        latency_s=member.latency_s(craft, row, params),
        evidence=wins + losses,
        in_flight=member.in_flight,
        capacity=member.capacity,
        cold_s=row.cold_s,
        cost_s=member.cost_s,
        excluded=excluded or why_not(member, craft, now, params),
    )


def why_not(member: Member, craft: Craft, now: float, params: Params) -> str | None:
    """Return why a member may not be asked now, for people; None: it may."""
    if member.silent(now, params):
        silence_s = now - member.beat_at
        return "never gave a sign of life" if silence_s == inf else f"silent for {silence_s:.0f} s"
    if member.barred(craft, now, params):
        return _breaker(member, craft, now, params)
    if now < member.paused_until:
        return f"paused for {member.paused_until - now:.1f} s more"
    if member.in_flight >= member.capacity:
        return f"full: {member.in_flight} of {member.capacity} slots taken"
    return None


def _breaker(member: Member, craft: Craft, now: float, params: Params) -> str:
    whole = member.evidence.breaker
    breaker = craft.breaker if whole.until is None else whole
    if breaker.state(now) == "half_open" or breaker.until is None:
        return f"breaker half open: {member.probes} trying it out"
    return f"breaker open: {breaker.failures} failures in a row, {breaker.until - now:.1f} s more"
