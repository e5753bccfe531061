"""What the model pool asks of whoever keeps the money that model calls cost."""

from datetime import datetime
from typing import Protocol


class Spending(Protocol):
    """Money is set aside before a call and booked after it, so that a cap holds for all at once.

    Amounts are millionths of a cent; a `call_id` is one attempt's alone.
    """

    async def reserve(self, provider: str, call_id: str, microcents: int, now: datetime) -> None:
        """Set aside what a call may cost at most.

        Raises:
            BudgetSpent: the day's budget has less left than that.
        """

    async def settle(self, call_id: str, microcents: int) -> None:
        """Book what the call did cost."""

    async def release(self, call_id: str) -> None:
        """Give back what was set aside: nothing was billed."""
