"""What tasks look like on the wire, and what a client may send about them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, InputResponses, RequestParams
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bookai.errors import TryLater
from bookai.mcp_tasks import TaskRow
from bookai.toolbox import AFTER_META, ERROR_META
from mcp_server.wire import scrub

POLL_MS = 500
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MOST_ANSWERS = 20
_ANSWERS: TypeAdapter[InputResponses] = TypeAdapter(InputResponses)


class TaskParams(RequestParams):
    """Names a task."""

    task_id: str


class UpdateParams(TaskParams):
    """Names a task and answers its questions."""

    input_responses: dict[str, Any] = Field(default_factory=dict, max_length=_MOST_ANSWERS)


def created(task: TaskRow) -> dict[str, Any]:
    """Return the answer to a call that became a task."""
    return {"resultType": "task", **_base(task)}


def detailed(task: TaskRow) -> dict[str, Any]:
    """Return the answer to `tasks/get`: the state, and what belongs to it."""
    told: dict[str, Any] = {"resultType": "complete", **_base(task)}
    match task.state:
        case "completed":
            told["result"] = task.result
        case "failed":
            told["error"] = task.error
        case "input_required":
            told["inputRequests"] = dict(task.asks)
        case _:
            pass
    return told


def _base(task: TaskRow) -> dict[str, Any]:
    told: dict[str, Any] = {
        "taskId": task.task_id,
        "status": task.state,
        "createdAt": _moment(task.created_at),
        "lastUpdatedAt": _moment(task.updated_at),
        "ttlMs": round((task.expires_at - task.created_at).total_seconds() * 1000),
        "pollIntervalMs": POLL_MS,
    }
    if task.message:
        told["statusMessage"] = task.message
    return told


def dumped(result: BaseModel | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a handler's result as it goes over the wire."""
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})


def read_answers(answers: Mapping[str, Any]) -> InputResponses:
    """Return answers as the SDK's own types.

    Raises:
        MCPError: one of them is no answer that the protocol knows.
    """
    try:
        return _ANSWERS.validate_python(dict(answers), by_name=False)
    except ValidationError as error:
        raise MCPError(
            INVALID_PARAMS, "inputResponses: an answer has no form that the protocol knows"
        ) from error


def is_task_id(text: str) -> bool:
    """Tell whether a text can name a task, so that nothing else is ever looked up."""
    return _TASK_ID.fullmatch(text) is not None


def unknown() -> MCPError:
    """Return the one answer to whoever may not know a task, or names none."""
    return MCPError(INVALID_PARAMS, "Unknown task: no such task of yours, or it has expired")


def not_now(error: TryLater) -> MCPError:
    """Return the protocol's error for a store that does not answer."""
    data = {ERROR_META: "try_later", AFTER_META: error.after_s}
    return MCPError(INTERNAL_ERROR, scrub(str(error)), data)


def as_error(error: MCPError) -> dict[str, Any]:
    """Return a protocol error as a failed task shows it."""
    return error.error.model_dump(by_alias=True, mode="json", exclude_none=True)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
