"""What the pool's tests ask for: an object with a title that is not empty."""

from typing import Any

from bookai.llm.base import CallFailed, ErrorKind, ModelAnswer
from bookai.models import Record
from bookai.router import Outcome

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}
GOOD = {"title": "Good"}
BAD = {"title": ""}


class Title(Record):
    title: str


def has_title(answer: ModelAnswer) -> Title:
    if not answer.content["title"]:
        raise ValueError("the title is empty")
    return Title(title=answer.content["title"])


def failing(outcome: Outcome, kind: ErrorKind, **more: Any) -> CallFailed:
    return CallFailed(f"it was {kind}", outcome=outcome, kind=kind, **more)


RESET = failing("infra", "reset")
