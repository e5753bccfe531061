"""Doubles that ship with the studio. Only tests import this module."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar, cast

from mcp.client import Client
from pydantic import BaseModel

from bookai.llm.base import Asked, ModelAnswer, ModelRequest, Provider
from bookai.models import Article
from bookai.toolbox import Before, Progress, Toolbox

R = TypeVar("R", bound=BaseModel)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def make_article(
    text: str,
    *,
    title: str = "A title",
    publisher: str = "The Daily Test",
    language: str = "en",
    published: date | None = date(2026, 11, 20),
) -> Article:
    """Return an article with this very text and its true hash."""
    return Article(
        url="https://example.org/article",
        title=title,
        publisher=publisher,
        text=text,
        language=language,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        fetched_at=NOW,
        published_at=datetime.combine(published, time(12), UTC) if published else None,
    )


class ScriptedProvider(Provider):
    """A model that answers what it was told to, in order; an exception is raised instead.

    The last answer is repeated. `requests` keeps what was asked; `missing` says why it can't
    be asked at all.
    """

    def __init__(
        self,
        *answers: Mapping[str, Any] | Exception,
        name: str = "scripted",
        missing: str | None = None,
    ) -> None:
        self.name = name
        self.missing = missing
        self.requests: list[ModelRequest] = []
        self._answers = list(answers)

    async def unavailable(self) -> str | None:
        """Return the reason given at construction."""
        return self.missing

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Return or raise the next answer."""
        self.requests.append(request)
        found = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(found, Exception):
            raise found
        return ModelAnswer(
            content=dict(found), provider=self.name, model="scripted-1", draft_kind="model"
        )


class ScriptedToolbox(Toolbox):
    """Tools that answer what they were told to; `calls` keeps each name with its arguments.

    An answer may be a record, an exception to raise, or a function of the arguments. `heard`
    is what the double reports as progress while a tool works: each call reports 0.5.
    """

    def __init__(self, **answers: object) -> None:
        super().__init__(cast(Client, None))
        self._share(answers, [], [], None)

    def _share(
        self,
        answers: dict[str, object],
        calls: list[tuple[str, dict[str, object]]],
        acting: list[tuple[str, int]],
        report: Progress | None,
    ) -> None:
        # The parent is frozen; a double sets its own fields past that.
        for name, value in (
            ("answers", answers),
            ("calls", calls),
            ("acted", acting),
            ("report", report),
        ):
            object.__setattr__(self, name, value)

    answers: dict[str, object]
    calls: list[tuple[str, dict[str, object]]]
    acted: list[tuple[str, int]]
    report: Progress | None

    def acting(
        self,
        agent: str,
        job_id: int,
        progress: Progress | None = None,
        before: Before | None = None,
        until: float | None = None,
    ) -> "ScriptedToolbox":
        """Return a toolbox that shares the answers and the calls."""
        del before, until
        other = ScriptedToolbox()
        self.acted.append((agent, job_id))
        other._share(self.answers, self.calls, self.acted, progress)
        return other

    async def call(self, name: str, result: type[R], /, **arguments: object) -> R:
        """Note the call, report half its progress, answer."""
        self.calls.append((name, arguments))
        if self.report:
            await self.report(0.5, name)
        found = self.answers[name]
        if isinstance(found, Exception):
            raise found
        if callable(found):
            found = cast(Callable[..., object], found)(**arguments)
        return result.model_validate(found)


async def ask_nobody(request: ModelRequest, validate: Callable[[ModelAnswer], Any]) -> Asked[Any]:
    """Stand where a model would be asked and must not be."""
    raise AssertionError(f"nobody should be asked {request.task!r}")


class Heard:
    """A progress callback that remembers."""

    def __init__(self) -> None:
        self.reports: list[tuple[float, str]] = []

    async def __call__(self, fraction: float, message: str) -> None:
        """Remember one report."""
        self.reports.append((round(fraction, 3), message))

    @property
    def fractions(self) -> Sequence[float]:
        """Return the fractions alone, as they came."""
        return [fraction for fraction, _ in self.reports]
