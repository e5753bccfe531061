"""Doubles that ship with the studio. Only tests import this module."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from random import Random
from typing import Any, TypeVar, cast, get_args

from mcp.client import Client
from pydantic import BaseModel

from bookai.llm.base import (
    Ask,
    Asked,
    Call,
    CallFailed,
    ContentType,
    Model,
    ModelAnswer,
    ModelRequest,
    Provider,
    Reply,
    Server,
    Sight,
)
from bookai.llm.pool import ModelPool
from bookai.models import Article
from bookai.toolbox import Before, Progress, Toolbox

R = TypeVar("R", bound=BaseModel)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCRIPTED = "scripted-1"
"""The one model of a scripted provider."""


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

    The last answer is repeated; one that is text is said as it is. `requests` keeps what was
    asked; `missing` says why it can't be asked at all.
    """

    def __init__(
        self,
        *answers: Mapping[str, Any] | str | Exception,
        name: str = "scripted",
        missing: str | None = None,
    ) -> None:
        self.name = name
        self.down = missing
        self.calls: list[Call] = []
        self._answers = list(answers)

    @property
    def requests(self) -> list[ModelRequest]:
        """Return the questions, in order."""
        return [call.request for call in self.calls]

    async def look(self, server: Server) -> Sight:
        """Return its one model, or raise the reason given at construction."""
        del server
        if self.down:
            raise CallFailed(self.down, outcome="infra", kind="connect")
        return Sight(frozenset({SCRIPTED}), {SCRIPTED: 0})

    async def reply(self, call: Call) -> Reply:
        """Return or raise the next answer."""
        self.calls.append(call)
        found = self._answers[min(len(self.calls), len(self._answers)) - 1]
        if isinstance(found, Exception):
            raise found
        text = found if isinstance(found, str) else json.dumps(found)
        return Reply(text, input_tokens=100, output_tokens=50)


def scripted_pool(*providers: Provider, **changes: Any) -> ModelPool:
    """Return a pool that asks these providers in this order; the built-in writer comes last.

    Each has one server of its own name; `changes` are arguments of the pool.
    """
    models = [one for one in providers if one.draft_kind == "model"]
    chain = tuple(f"{one.name}/{SCRIPTED}" for one in models)
    arguments: dict[str, Any] = {
        "providers": {one.name: one for one in providers},
        "servers": tuple(Server(one.name, one.name, slots=4) for one in models),
        "models": {ref: Model(ref) for ref in chain},
        "chains": dict.fromkeys(get_args(ContentType), chain),
        "rng": Random(1),
    }
    return ModelPool(**(arguments | changes))


def scripted_ask(*providers: Provider) -> Ask:
    """Return an `ask` whose pool is opened for each question."""

    async def ask(request: ModelRequest, validate: Callable[[ModelAnswer], Any]) -> Asked[Any]:
        async with scripted_pool(*providers) as pool:
            return await pool.ask(request, validate)

    return ask


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
