"""One who can be asked: what it declares, what is in its hands, and what that makes of its rows."""

from dataclasses import dataclass
from math import inf, sqrt

from bookai.router.breaker import State
from bookai.router.evidence import Craft, Evidence, Memory
from bookai.router.params import Params
from bookai.router.table import Table


@dataclass(slots=True)
class Row:
    """A member's place in one capability's table; `known_s` is its part in the table's mean."""

    table: Table
    place: int
    cold_s: float = 0.0
    known_s: float | None = None


@dataclass(slots=True)
class Ticket:
    """An attempt that has begun; give it back to `Router.end` exactly once."""

    member: "Member"
    capability: str
    probe: bool
    ended: bool = False

    @property
    def name(self) -> str:
        """Return who was asked."""
        return self.member.name


class Member:
    """A candidate with its slots. Its rows' numbers follow whenever something happens to it."""

    __slots__ = (
        "beat_at",
        "capacity",
        "cost_s",
        "in_flight",
        "memory",
        "name",
        "paused_until",
        "probes",
        "rows",
        "wake_at",
    )

    def __init__(self, name: str, salt: float) -> None:
        self.name = name
        self.memory = Memory(salt)
        self.rows: dict[str, Row] = {}
        self.capacity = 1
        self.cost_s = 0.0
        self.in_flight = self.probes = 0
        self.beat_at = self.paused_until = -inf
        self.wake_at = inf  # when time alone will next change what it may do

    @property
    def evidence(self) -> Evidence:
        """Return what is known of it."""
        return self.memory.evidence

    def silent(self, now: float, params: Params) -> bool:
        """Return whether it has missed its heartbeats."""
        return now >= self.beat_at + params.stale_s

    def state(self, craft: Craft, now: float) -> State:
        """Return the stricter of its breaker and that of one craft."""
        breaker = self.evidence.breaker
        if breaker.until is None and craft.breaker.until is None:
            return "closed"  # nearly always, and asked at every attempt
        whole, part = breaker.state(now), craft.breaker.state(now)
        if part == "closed" or whole == "open":
            return whole
        return part

    def barred(self, craft: Craft, now: float, params: Params) -> bool:
        """Return whether its breaker lets nobody through."""
        state = self.state(craft, now)
        if state == "half_open":
            return self.probes >= max(1.0, params.probes * self.capacity)
        return state == "open"

    def able(self, craft: Craft, now: float, params: Params) -> bool:
        """Return whether only its other work keeps one waiting, if anything does."""
        return not self.silent(now, params) and not self.barred(craft, now, params)

    def full(self, now: float) -> bool:
        """Return whether it can take nothing more at the moment."""
        return self.in_flight >= self.capacity or now < self.paused_until

    def success(self, craft: Craft, now: float, params: Params) -> tuple[float, float]:
        """Return mean and standard deviation of its success: health times skill."""
        healthy, ill = self.evidence.health.weighed(now, params.health_half_life_s)
        mean_h, var_h = _beta(
            healthy + params.health_prior_n * params.health_prior,
            ill + params.health_prior_n * (1 - params.health_prior),
        )
        mean_s, var_s = self._skill(craft, now, params)
        spread = sqrt(mean_s * mean_s * var_h + mean_h * mean_h * var_s + var_h * var_s)
        return mean_h * mean_s, spread

    @staticmethod
    def _skill(craft: Craft, now: float, params: Params) -> tuple[float, float]:
        skill = craft.skill
        wins, losses = skill.tally.weighed(now, skill.half_life_s(params))
        prior = params.skill_prior_n
        return _beta(wins + prior * skill.declared, losses + prior * (1 - skill.declared))

    def latency_s(self, craft: Craft, row: Row, params: Params) -> float:
        """Return how long an attempt takes when it is idle and warm."""
        known = craft.latency.seconds
        return row.table.typical_s(params.latency_s) if known is None else known

    def wait_s(self, craft: Craft, row: Row, params: Params) -> float:
        """Return W: how long an attempt takes as things stand, and what it costs in seconds."""
        load = 1.0 + params.load * self.in_flight / self.capacity
        return self.latency_s(craft, row, params) * load + row.cold_s + self.cost_s

    def reprice(self, now: float, params: Params) -> None:
        """Set what its rows cost; for when only its load has changed."""
        out = self.full(now) or self.silent(now, params)
        for capability, row in self.rows.items():
            craft = self.evidence.crafts[capability]
            if out or self.barred(craft, now, params):
                row.table.price[row.place] = inf
            else:
                row.table.price[row.place] = self.wait_s(craft, row, params) + params.failure_s

    def refresh(self, now: float, params: Params) -> None:
        """Set all numbers of its rows as they are at `now`."""
        for capability, row in self.rows.items():
            craft, table = self.evidence.crafts[capability], row.table
            mean, spread = self.success(craft, now, params)
            table.mean[row.place] = mean
            table.spread[row.place] = params.explore * spread
            known = craft.latency.seconds
            if known != row.known_s:
                self.share_latency(row, known)
        self.reprice(now, params)

    @staticmethod
    def share_latency(row: Row, known: float | None) -> None:
        """Let the table know this member's latency, or that there is none."""
        table = row.table
        if row.known_s is not None:
            table.known_s -= row.known_s
            table.known -= 1
        if known is not None:
            table.known_s += known
            table.known += 1
        row.known_s = known

    def next_change(self, now: float, params: Params) -> float:
        """Return when time alone will next change whether it may be asked."""
        silent_at = self.beat_at + params.stale_s
        when = silent_at if silent_at > now else inf
        if now < self.paused_until < when:
            when = self.paused_until
        until = self.evidence.breaker.until
        if until is not None and now < until < when:
            when = until
        for capability in self.rows:
            until = self.evidence.crafts[capability].breaker.until
            if until is not None and now < until < when:
                when = until
        return when


def _beta(wins: float, losses: float) -> tuple[float, float]:
    n = wins + losses
    mean = wins / n
    return mean, mean * (1.0 - mean) / (n + 1.0)
