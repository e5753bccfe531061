"""What a step tells the metrics: how long it waited and took, how often it was tried, its end."""

import time
from types import TracebackType
from typing import Self

from bookai.metrics import ROUTER_FALLBACKS, TASK_ATTEMPTS, TASK_SECONDS, TASK_WAIT_SECONDS
from bookai.models import Capability
from bookai.router import Outcome
from graphs.outcomes import outcome_of

_ENDS = {"refused": "refused", "cancelled": "cancelled"}


class Measured:
    """A `with` block around one step."""

    def __init__(self, capability: Capability) -> None:
        self._capability = capability
        self._began = time.monotonic()
        self._attempts = 0

    def attempt(self) -> None:
        """Note that somebody begins."""
        if not self._attempts:
            TASK_WAIT_SECONDS.labels(self._capability).observe(time.monotonic() - self._began)
        self._attempts += 1

    def move_on(self, why: Outcome) -> None:
        """Note that the attempt failed so that somebody else is asked."""
        ROUTER_FALLBACKS.labels("step", why).inc()

    def __enter__(self) -> Self:
        """Return the measure."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Count the step by how it ended."""
        outcome = "ok" if error is None else _ENDS.get(outcome_of(error), "failed")
        TASK_SECONDS.labels(self._capability, outcome).observe(time.monotonic() - self._began)
        if self._attempts:
            TASK_ATTEMPTS.labels(self._capability).observe(self._attempts)
