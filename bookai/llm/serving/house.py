"""What every question needs besides itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from bookai.llm.base import ModelAnswer, ModelRequest
from bookai.llm.serving.fleet import Fleet
from bookai.llm.serving.limits import Limits
from bookai.llm.serving.record import CallRecord
from bookai.llm.spending import Spending


@dataclass(frozen=True, slots=True)
class House:
    """The servers, who writes down calls, who keeps the money; `now` is aware UTC."""

    fleet: Fleet
    limits: Limits
    record: Callable[[CallRecord], Awaitable[None]]
    spending: Spending | None
    now: Callable[[], datetime]
    rng: Random


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: an answer to `request` that `validate` accepts, until a time of the loop.

    `call_id` is the question's own in the audit log.
    """

    call_id: str
    request: ModelRequest
    validate: Callable[[ModelAnswer], Any]
    until: float
    heard: Callable[[str], None] | None = None
