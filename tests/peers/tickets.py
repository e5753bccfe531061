"""A ticket as the outbox hands it to a platform, with the lease in the test's hand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.platforms.base import LeaseLost, Ticket

ARMED_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@dataclass
class Lease:
    """Counts how often it was asked for, keeps the last handle; `lost_after` so many it is lost."""

    lost_after: int | None = None
    handles: list[str] = field(default_factory=list)
    asked: int = 0
    on_hold: Callable[[], Awaitable[None]] | None = None

    async def hold(self, handle: str | None) -> None:
        self.asked += 1
        if self.on_hold:
            await self.on_hold()
        if self.lost_after is not None and self.asked > self.lost_after:
            raise LeaseLost("taken over")
        if handle is not None:
            self.handles.append(handle)

    @property
    def handle(self) -> str | None:
        return self.handles[-1] if self.handles else None


def ticket(key: str = "k1", lease: Lease | None = None, handle: str | None = None) -> Ticket:
    """Return a ticket; without `handle` it has what `lease` keeps from an earlier attempt."""
    lease = lease or Lease()
    return Ticket(key, ARMED_AT, handle or lease.handle, lease.hold)
