"""When waiting for somebody better pays: before the rest is asked who will most likely fail."""

from collections.abc import Set

from bookai.router.params import Params
from bookai.router.table import Table

TWICE = 2.0


def worth_waiting(
    table: Table, capability: str, best: int, without: Set[int], now: float, params: Params
) -> bool:
    """Return whether the row `best` is hopeless and somebody twice as good is merely busy."""
    success = table.mean[best]
    if success >= params.hopeless:
        return False
    enough = max(params.hopeless, TWICE * success)
    return any(
        other > enough
        and place not in without
        and member.full(now)
        and member.able(member.evidence.crafts[capability], now, params)
        for place, (member, other) in enumerate(zip(table.members, table.mean, strict=True))
    )
