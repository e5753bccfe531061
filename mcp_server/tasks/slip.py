"""A running call's slip: what it reports goes to its caller, or into its task once it is one."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

Write = Callable[[str], Awaitable[None]]

_SLIP: ContextVar["Slip | None"] = ContextVar("slip", default=None)
_EVERY_S = 0.5


@dataclass(slots=True)
class Slip:
    """What is known of one call's progress; `write` is set when the call has become a task."""

    clock: Callable[[], float]
    said: str | None = None
    write: Write | None = None
    written_at: float = -_EVERY_S

    async def takes(self, fraction: float, message: str) -> bool:
        """Take a report; return False when its caller still waits and should hear it himself."""
        self.said = f"{fraction:.0%} {message}".strip()
        if self.write is None:
            return False
        # A report may come with every frame; a row need not be written as often.
        now = self.clock()
        if now - self.written_at >= _EVERY_S:
            self.written_at = now
            await self.write(self.said)
        return True


def carry(slip: Slip) -> None:
    """Make `slip` the one of whatever runs in this context."""
    _SLIP.set(slip)


def carried() -> Slip | None:
    """Return the slip of the call that is being run, if it may become a task."""
    return _SLIP.get()
