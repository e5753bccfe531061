"""Rate limits: a token bucket for each principal, and one for each tool and resource it uses."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from bookai.errors import TryLater
from bookai.metrics import MCP_LIMITED
from mcp_server.auth import Principal
from tools.base import Tool

MOST_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a minute in the long run, and `burst` at once after a rest."""

    per_minute: float
    burst: float


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float

    def wait_s(self, rate: Rate, now: float) -> float:
        """Return after how many seconds there is a call to take; 0: now."""
        a_second = rate.per_minute / 60
        self.left = min(rate.burst, self.left + (now - self.at) * a_second)
        self.at = now
        return 0.0 if self.left >= 1 else (1 - self.left) / a_second


@dataclass(slots=True)
class Limits:
    """Counts calls in this process; a principal's tools that change something are held closer."""

    whole: Rate = Rate(1200, 200)
    reading: Rate = Rate(600, 100)
    changing: Rate = Rate(120, 40)
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[tuple[str, str], _Bucket] = field(default_factory=OrderedDict)

    def check(self, principal: Principal, tool: Tool) -> None:
        """Count a call.

        Raises:
            TryLater: it is one too many; it says after how many seconds it is not.
        """
        self._count(principal, tool.name, self.reading if tool.read_only else self.changing)

    def check_reading(self, principal: Principal, kind: str) -> None:
        """Count a reading of a resource of some kind.

        Raises:
            TryLater: as `check`.
        """
        self._count(principal, f"{kind}://", self.reading)

    def _count(self, principal: Principal, name: str, rate: Rate) -> None:
        taken = []
        for by, part, of in (("tool", name, rate), ("principal", "", self.whole)):
            bucket = self._bucket(principal.name, part, of)
            taken.append(bucket)
            after_s = bucket.wait_s(of, self.clock())
            if after_s:
                MCP_LIMITED.labels(by).inc()
                what = part or "the studio's tools"
                raise TryLater(
                    f"{principal.name} called {what} more than {of.per_minute:g} times a minute.",
                    after_s=round(after_s + 0.05, 1),
                )
        for bucket in taken:  # a call that is turned away costs nothing
            bucket.left -= 1

    def _bucket(self, principal: str, name: str, rate: Rate) -> _Bucket:
        place = principal, name
        found = self._buckets.get(place)
        if found is None:
            found = self._buckets[place] = _Bucket(rate.burst, self.clock())
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(place)
        return found
