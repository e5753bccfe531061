"""Decayed evidence: how often it went well, whether that has changed, and how long it took.

Sums decay by age alone, so evidence may come in any order: an old outcome that is heard of late
weighs what it would weigh by now.
"""

from math import exp, inf, log

from bookai.router.params import Params

HALF = log(2)


class Tally:
    """Wins and losses that halve every so many seconds, as of the time `at`."""

    __slots__ = ("at", "losses", "wins")

    def __init__(self) -> None:
        self.wins = self.losses = 0.0
        self.at = -inf

    def add(self, wins: float, losses: float, at: float, half_life_s: float) -> None:
        """Count an attempt that ended at `at`, earlier or later than the ones known."""
        if at >= self.at:
            kept = 2.0 ** ((self.at - at) / half_life_s)
            self.wins = self.wins * kept + wins
            self.losses = self.losses * kept + losses
            self.at = at
        else:
            share = 2.0 ** ((at - self.at) / half_life_s)
            self.wins += wins * share
            self.losses += losses * share

    def weighed(self, now: float, half_life_s: float) -> tuple[float, float]:
        """Return wins and losses as they count at `now`."""
        kept = 2.0 ** ((self.at - now) / half_life_s) if now > self.at else 1.0
        return self.wins * kept, self.losses * kept

    def copy(self) -> "Tally":
        """Return one that changes on its own."""
        other = Tally()
        other.wins, other.losses, other.at = self.wins, self.losses, self.at
        return other


class Skill:
    """A member's success at one capability, with an alarm for a sudden fall.

    The alarm is a one-sided CUSUM of "the success rate has halved" against "it is what we know":
    when it passes `Params.alarm`, only the run of outcomes that raised it is kept.
    """

    __slots__ = (
        "declared",
        "forgiving",
        "run_losses",
        "run_since",
        "run_wins",
        "since",
        "sum",
        "tally",
    )

    def __init__(self, declared: float) -> None:
        self.declared = declared
        self.tally = Tally()
        self.sum = self.run_wins = self.run_losses = 0.0
        self.run_since = 0.0
        self.since = -inf  # what ended earlier is forgotten
        self.forgiving = 0  # wins to come until evidence lives long again

    def half_life_s(self, params: Params) -> float:
        """Return how fast evidence is forgotten at present."""
        return params.alarm_half_life_s if self.forgiving else params.skill_half_life_s

    def take(self, good: bool, at: float, params: Params) -> None:
        """Learn an outcome that ended after all others."""
        self.tally.add(float(good), float(not good), at, self.half_life_s(params))
        if params.alarm:
            self._watch(good, at, params)

    def take_late(self, good: bool, at: float, params: Params) -> None:
        """Count an outcome that ended before others; the alarm has passed it."""
        if at >= self.since:
            self.tally.add(float(good), float(not good), at, self.half_life_s(params))

    def _watch(self, good: bool, at: float, params: Params) -> None:
        tally, prior = self.tally, params.skill_prior_n
        rate = (tally.wins + prior * self.declared) / (tally.wins + tally.losses + prior)
        rate = min(0.97, max(0.3, rate))
        if self.sum == 0.0:
            self.run_since = at
        self.sum += -HALF if good else log((1 - rate / 2) / (1 - rate))
        if good:
            self.run_wins += 1.0
            self.forgiving = max(0, self.forgiving - 1)
        else:
            self.run_losses += 1.0
        if self.sum > params.alarm:
            tally.wins, tally.losses = self.run_wins, self.run_losses
            self.since, self.forgiving = self.run_since, params.alarm_wins
            self.sum = 0.0
        if self.sum <= 0.0:
            self.sum = self.run_wins = self.run_losses = 0.0

    def copy(self) -> "Skill":
        """Return one that changes on its own."""
        other = Skill(self.declared)
        other.tally = self.tally.copy()
        other.sum, other.run_since, other.since = self.sum, self.run_since, self.since
        other.run_wins, other.run_losses = self.run_wins, self.run_losses
        other.forgiving = self.forgiving
        return other


class Latency:
    """A peak-sensitive average: half-way up at once on a slower attempt, slowly down again."""

    __slots__ = ("at", "seconds")

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.at = -inf

    def take(self, seconds: float, at: float, decay_s: float, *, cut: bool = False) -> None:
        """Learn how long an attempt took that ended at `at`; one `cut` would have taken longer."""
        if self.seconds is None:
            self.seconds = seconds
        elif cut and seconds <= self.seconds:
            return
        elif seconds > self.seconds:
            self.seconds += (seconds - self.seconds) / 2
        else:
            kept = min(0.9, exp(min(0.0, self.at - at) / decay_s))
            self.seconds = self.seconds * kept + seconds * (1 - kept)
        self.at = max(self.at, at)

    def copy(self) -> "Latency":
        """Return one that changes on its own."""
        other = Latency()
        other.seconds, other.at = self.seconds, self.at
        return other
