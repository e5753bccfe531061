"""Count and time what the loop does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal

from bookai import tracing
from bookai.db.loop import Tick
from bookai.metrics import (
    LOOP_EPOCH,
    LOOP_LEADER,
    LOOP_MERGED,
    LOOP_RETAKEN,
    LOOP_TICKS,
    TICK_LAG,
    TICK_SECONDS,
)

Outcome = Literal["done", "failed", "timeout"]


@dataclass(slots=True)
class Ending:
    """How a tick ends; whoever runs it says so."""

    outcome: Outcome = "failed"


@contextmanager
def ticking(tick: Tick, every_s: float, at: datetime) -> Iterator[Ending]:
    """Measure a tick that begins at `at`: how late, how long, how it ended.

    One that is done again was late already when it was begun first.
    """
    if tick.tries == 1:
        TICK_LAG.observe(max((at - tick.slot).total_seconds(), 0.0))
        LOOP_MERGED.inc(max(round((tick.until - tick.slot).total_seconds() / every_s) - 1, 0))
    else:
        LOOP_RETAKEN.inc()
    began, ending = monotonic(), Ending()
    try:
        with tracing.tick(tick.name):
            yield ending
    finally:
        TICK_SECONDS.labels(tick.name).observe(monotonic() - began)
        LOOP_TICKS.labels(tick.name, ending.outcome).inc()


@contextmanager
def leading(epoch: int) -> Iterator[None]:
    """Say that this process leads the loop, while it does."""
    LOOP_LEADER.set(1)
    LOOP_EPOCH.set(epoch)
    try:
        yield
    finally:
        LOOP_LEADER.set(0)
        LOOP_EPOCH.set(0)
