"""When the queue's workers of this process last looked for work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Hand:
    """One worker: how many runs it takes at once, how many it has, and when it last looked."""

    concurrency: int
    running: int = 0
    looked_at_s: float = field(default_factory=time.monotonic)

    def looks(self) -> None:
        """Note that it asks the queue for work now."""
        self.looked_at_s = time.monotonic()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count one run. A worker that has all it can take does not look, and is well."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self.looked_at_s = time.monotonic()


@dataclass(slots=True)
class Pulse:
    """The workers that this process has now; none in a process that only serves pages."""

    hands: list[Hand] = field(default_factory=list)

    @contextmanager
    def watching(self, hand: Hand) -> Iterator[None]:
        """Watch one more worker while the block runs."""
        self.hands.append(hand)
        hand.looks()
        try:
            yield
        finally:
            self.hands.remove(hand)

    def silence_s(self) -> float:
        """Return for how many seconds the most silent worker with a free place has not looked."""
        free = [one.looked_at_s for one in self.hands if one.running < one.concurrency]
        return time.monotonic() - min(free) if free else 0.0
