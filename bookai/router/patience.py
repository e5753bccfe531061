"""How long to hold out: wait for somebody better, ask the last one left, or try again at all."""

from collections.abc import Set
from math import inf

from bookai.router.params import Params
from bookai.router.table import HOPELESS, Table

TWICE = 2.0


def worth_waiting(
    table: Table, capability: str, best: int, without: Set[int], now: float, params: Params
) -> bool:
    """Return whether somebody twice as good as the hopeless row `best` is merely busy."""
    enough = max(params.hopeless, TWICE * table.mean[best])
    return any(
        other > enough
        and place not in without
        and member.full(now)
        and member.able(member.evidence.crafts[capability], now, params)
        for place, (member, other) in enumerate(zip(table.members, table.mean, strict=True))
    )


def last_resort(
    table: Table, capability: str, without: Set[int], now: float, params: Params
) -> str | None:
    """Return who may be asked although its breaker is open; None: wait for those who are busy.

    When all breakers are open they tell nothing, and asking is better than giving up.
    """
    best, least = None, inf
    for place, member in enumerate(table.members):
        if place in without or member.silent(now, params):
            continue
        craft = member.evidence.crafts[capability]
        if not member.barred(craft, now, params):
            return None
        if not member.full(now):
            wait_s = member.wait_s(craft, member.rows[capability], params)
            score = (wait_s + params.failure_s) / max(HOPELESS, table.mean[place])
            if score < least:
                best, least = member.name, score
    return best


class RetryBudget:
    """Every task earns a share of a retry, every retry spends a whole one.

    So in the long run at most `rate` of the tasks are tried again, and `burst` at once.
    """

    def __init__(self, rate: float = 0.3, burst: float = 50.0) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst

    def earn(self) -> None:
        """Count a new task."""
        self.tokens = min(self.burst, self.tokens + self.rate)

    def spend(self) -> bool:
        """Take a retry; False when none is left."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
