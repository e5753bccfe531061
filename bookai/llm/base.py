"""What a model provider file exports, and what is asked of it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from bookai.errors import BookAIError
from bookai.models import Article, Fallback, Record

R = TypeVar("R", bound=Record)


class ModelRequest(Record):
    """One question. `article` is the material itself, for providers that need no prompt.

    `answer_schema` is the JSON schema the answer must fit; `task` lets a provider without a model
    say which kinds of question it can meet. `seconds` is the wanted length of a script.
    """

    task: Literal["write_script"]
    system: str
    prompt: str
    prompt_version: str
    answer_schema: dict[str, Any]
    article: Article
    seconds: float = 35.0
    objections: tuple[str, ...] = ()
    max_tokens: int = 1200
    temperature: float = 0.4


class ModelAnswer(BaseModel):
    """The provider's JSON, unjudged; whoever asked validates it."""

    model_config = ConfigDict(frozen=True)

    content: dict[str, Any]
    provider: str
    model: str
    draft_kind: Literal["extractive", "model"]


class Asked(BaseModel, Generic[R]):
    """A validated answer and what had to stand in on the way to it."""

    model_config = ConfigDict(frozen=True)

    value: R
    provider: str
    model: str
    draft_kind: Literal["extractive", "model"]
    fallbacks: tuple[Fallback, ...] = ()


class BadAnswer(BookAIError):
    """The provider answered, but nothing that can be used; asking again may mend it."""


class Provider(ABC):
    """One kind of model server. Raises `TryLater` when unreachable or busy, `Refused` for a no."""

    name: str

    @abstractmethod
    async def unavailable(self) -> str | None:
        """Return why it cannot be used right now, or None when it can. Takes at most 2 s."""

    @abstractmethod
    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Answer one question within its time limit."""


Validate = Callable[[ModelAnswer], R]
"""Turns a provider's JSON into a record, or raises `ValueError` with what is wrong."""

Ask = Callable[[ModelRequest, Callable[[ModelAnswer], Any]], Awaitable[Asked[Any]]]
"""`await ask(request, validate)`: the pool tries providers in order until one validates."""
