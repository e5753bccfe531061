"""One server as the pool sees it: whether it is up, what it has, and what is loaded there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from bookai.llm.base import CallFailed, Model, Provider, Server, Sight

NOT_LOOKED = "nobody has looked yet"


@dataclass(slots=True)
class Stand:
    """A server and what is known of it. `sight` is None while it is down, and `why` says so."""

    server: Server
    provider: Provider
    models: tuple[Model, ...]
    sight: Sight | None = None
    why: str = NOT_LOOKED
    misses: int = 0
    # When it last answered a question.
    heard_at: float = float("-inf")
    # What is being loaded there, by us.
    loading: str | None = None
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    # A context that a server gave a model instead of the one we asked for: its own limit.
    given: dict[str, int] = field(default_factory=dict)
    # Loads that failed: when the next may be tried, and why.
    failed: dict[str, tuple[float, str]] = field(default_factory=dict)
    # Seconds that a token of a prompt took to be read, the slowest of late.
    pace: dict[str, float] = field(default_factory=dict)

    def has(self, model: Model) -> bool:
        """Return whether it is up and has the model, in memory or not."""
        return self.sight is not None and model.name in self.sight.models

    def is_warm(self, model: Model) -> bool:
        """Return whether it can answer with the model at once, in the context that we ask for."""
        if self.sight is None or model.name not in self.sight.loaded:
            return False
        context = self.sight.loaded[model.name]
        return context in (0, model.num_ctx) or self.given.get(model.ref) == context

    def skills(self) -> Mapping[str, float]:
        """Return what the router may give to it: the models that are in its memory."""
        return {model.ref: model.proficiency for model in self.models if self.is_warm(model)}

    def is_full(self, model: Model) -> bool:
        """Return whether another model must go before this one can come."""
        if self.sight is None or model.name in self.sight.loaded:
            return False
        return len(self.sight.loaded) >= self.server.max_loaded

    def fail_load(self, ref: str, until: float, error: CallFailed) -> None:
        """Note that a load failed, and that none is tried before `until`."""
        self.failed[ref] = (until, str(error))

    def not_loadable(self, ref: str, now: float) -> str | None:
        """Return why a model can't be loaded just now."""
        until, why = self.failed.get(ref, (now, ""))
        return why if now < until else None

    def learn_pace(self, ref: str, seconds: float, tokens: int) -> None:
        """Note how long the first word of an answer took; slower counts at once, faster slowly."""
        pace, known = seconds / max(1, tokens), self.pace.get(ref, 0.0)
        self.pace[ref] = max(pace, 0.9 * known + 0.1 * pace)
