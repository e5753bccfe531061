"""A circuit breaker whose state follows from what happened and the time; nothing runs.

Closed: all may pass. Open: nobody, until its time is over. Half-open: a few may try; the first
success closes it, the first failure opens it for twice as long.
"""

from typing import Literal

from bookai.router.params import Params

State = Literal["closed", "open", "half_open"]
MOST_OPENINGS = 8


class Breaker:
    """Counts failures in a row. `salt` sets it apart from other routers' breakers, for jitter."""

    __slots__ = ("closed_at", "failures", "openings", "salt", "until")

    def __init__(self, salt: float) -> None:
        self.salt = salt
        self.failures = self.openings = 0
        self.until: float | None = None
        self.closed_at = 0.0

    def state(self, now: float) -> State:
        """Return whether attempts may pass at `now`."""
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def fail(self, at: float, params: Params) -> bool:
        """Count a failure; return whether it opened the breaker."""
        self.failures += 1
        state = self.state(at)
        if state == "open" or (state == "closed" and self.failures < params.breaker_failures):
            return False
        self.openings = min(self.openings + 1, MOST_OPENINGS)
        open_s = min(params.breaker_max_s, params.breaker_s * 2.0 ** (self.openings - 1))
        # The jitter follows from the time, so that hearing the same again opens it equally long.
        luck = (at * 7919.0 + self.salt) % 1.0
        self.until = at + open_s * (1 + params.breaker_jitter * (2 * luck - 1))
        return True

    def succeed(self, at: float, params: Params) -> bool:
        """Count a success; return whether it closed the breaker."""
        self.failures = 0
        if self.until is not None and at >= self.until:
            self.until, self.closed_at = None, at
            return True
        if self.openings and self.until is None and at - self.closed_at > params.breaker_forget_s:
            self.openings = 0
        return False

    def half_open(self, now: float) -> None:
        """Let somebody try now: there is a sign of life."""
        if self.until is not None:
            self.until = min(self.until, now)

    def copy(self) -> "Breaker":
        """Return one that changes on its own."""
        other = Breaker(self.salt)
        other.failures, other.openings = self.failures, self.openings
        other.until, other.closed_at = self.until, self.closed_at
        return other
