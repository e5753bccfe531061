"""What a run says when it stops: how far the job got, and what has to happen next."""

from dataclasses import dataclass
from typing import Literal

from bookai.models import Queue

Status = Literal["done", "waiting", "refused", "failed", "queued"]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a job got. `again_after_s` is set when a later try may work.

    With `held` it is the studio that lets the job wait: no try is counted.
    `hand_over` is set when the next step belongs to a queue that this worker does not serve.
    """

    status: Status
    reason: str | None = None
    again_after_s: float | None = None
    held: bool = False
    hand_over: Queue | None = None
