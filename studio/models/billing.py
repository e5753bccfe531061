"""Whose job a model is asked for: its calls are booked on that job."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from bookai.llm.base import Ask, Asked, ModelAnswer, ModelRequest
from bookai.llm.serving.record import CallRecord

_JOB: ContextVar[int | None] = ContextVar("bookai_billed_job", default=None)


def billed_to(job_id: int, ask: Ask) -> Ask:
    """Return an `ask` whose calls are booked on a job."""

    async def billed(request: ModelRequest, validate: Callable[[ModelAnswer], Any]) -> Asked[Any]:
        token = _JOB.set(job_id)
        try:
            return await ask(request, validate)
        finally:
            _JOB.reset(token)

    return billed


def booked(call: CallRecord) -> dict[str, str | int | None]:
    """Return a call as the audit log keeps it, with the job that it was made for, if any."""
    job_id = _JOB.get()
    return call.as_json() if job_id is None else {"job_id": job_id, **call.as_json()}
