"""What the loop does again and again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

Run = Callable[[datetime], Awaitable[str]]
"""Do it, as of that moment (aware UTC); return in a few words what came of it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One thing of the loop's: `name` is one of a closed set, `scope` what it is done for.

    `run` may be called again for the same slot after a crash, so doing it twice changes nothing
    more. It only looks, queues or settles: work that takes longer than `timeout_s` seconds is a
    job of the queue.
    """

    name: str
    scope: str
    every_s: float
    run: Run
    timeout_s: float = 120.0
