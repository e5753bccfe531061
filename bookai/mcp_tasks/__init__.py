"""A tool call that outlives its request: what is kept of it, in the words of the protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bookai.models import Record

EXTENSION = "io.modelcontextprotocol/tasks"
"""The official Tasks extension (SEP-2663), as clients and servers name it."""

TaskState = Literal["working", "input_required", "completed", "failed", "cancelled"]
Ended = Literal["completed", "failed", "cancelled"]


class NewTask(Record):
    """A task about to be kept; `task_id` is random, for whoever knows it may ask."""

    task_id: str
    principal: str
    tool: str
    worker: str
    ttl_s: float
    message: str | None = None


class TaskRow(Record):
    """A task as it is kept.

    `asks` are the questions without an answer yet, `result` and `error` what the protocol's own
    answer would have been.
    """

    task_id: str
    principal: str
    tool: str
    state: TaskState
    message: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    asks: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None


class Wish(Record):
    """What a worker should know of one of its live tasks.

    `answers` is set once every question has one.
    """

    task_id: str
    cancel: bool
    answers: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a call's idempotency key. `reply` is the first answer, once it is `done`.

    new: this call took it. busy: the first is being done. other: it had other arguments. lost: it
    never ended, and may have had its effect.
    """

    state: Literal["new", "done", "busy", "other", "lost"]
    reply: str | None = None
