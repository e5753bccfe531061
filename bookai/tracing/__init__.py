"""Where a job's time goes, over processes and days: spans that are one trace for each job.

Off unless a tracer is put in, and then without cost: this module knows nothing of OpenTelemetry.
What a span says comes from closed sets or the configuration, never from a feed, a script or a
person.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

Name = Literal["job", "tick", "turn", "step", "attempt", "approval"]
"""A job from its making to its end; the tick that made it; a worker's turn at it; a step and an
agent's attempt at that; the wait for an operator."""

Value = str | int


@dataclass(frozen=True, slots=True)
class Past:
    """Something that has ended; `key` tells it from others of its name in the same job.

    Told twice, say after a crash, it is still one.
    """

    name: Name
    job_id: int
    key: str
    began: datetime
    ended: datetime
    outcome: str = "ok"


class Tracer(Protocol):
    """What keeps the spans."""

    def span(
        self, name: Name, job_id: int | None, told: Mapping[str, Value]
    ) -> AbstractContextManager[None]:
        """Measure the block; without a job it is a trace of its own."""

    def past(self, past: Past, told: Mapping[str, Value]) -> None:
        """Keep what has ended."""


_tracer: Tracer | None = None
_tick: ContextVar[tuple[str, datetime] | None] = ContextVar("bookai_tick", default=None)


@contextmanager
def tracing(tracer: Tracer) -> Iterator[None]:
    """Give every span of this process to `tracer` while this is open."""
    global _tracer
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


def is_on() -> bool:
    """Tell whether spans are kept."""
    return _tracer is not None


def span(name: Name, job_id: int, **told: Value) -> AbstractContextManager[None]:
    """Measure a part of a job's work."""
    if _tracer is None:
        return nullcontext()
    return _tracer.span(name, job_id, told)


@contextmanager
def tick(name: str) -> Iterator[None]:
    """Measure a tick of the loop; the jobs that are made meanwhile say that it made them."""
    if _tracer is None:
        yield
        return
    token = _tick.set((name, datetime.now(UTC)))
    try:
        with _tracer.span("tick", None, {"tick": name}):
            yield
    finally:
        _tick.reset(token)


def job_made(job_id: int) -> None:
    """Say that a job was made: by a tick, if there is one just now."""
    if _tracer is not None and (made_by := _tick.get()) is not None:
        name, began = made_by
        past = Past("tick", job_id, "made", began, datetime.now(UTC))
        _tracer.past(past, {"tick": name})


def told(past: Past, **more: Value) -> None:
    """Keep what has ended."""
    if _tracer is not None:
        _tracer.past(past, more)
