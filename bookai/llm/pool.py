"""The door to all models: a question goes in, an accepted answer comes out, or one clear error.

The best server is asked, then another, then the next model of the chain; the built-in writer, which
needs no model, is the last of every chain. What happens on the way is in bookai/llm/serving.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Any, Self

from bookai.errors import OperatorNeeded
from bookai.llm.base import Asked, ContentType, Model, ModelAnswer, ModelRequest, Provider, Server
from bookai.llm.serving.fleet import Fleet
from bookai.llm.serving.house import House, Wish
from bookai.llm.serving.limits import Limits
from bookai.llm.serving.question import Question
from bookai.llm.serving.record import CallRecord
from bookai.llm.spending import Spending

EXTRACTIVE = Model("extractive/extractive-1", proficiency=0.99)
BUILTIN = Server("builtin", "extractive", slots=64)


async def unrecorded(record: CallRecord) -> None:
    """Write nothing down."""
    del record


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


class ModelPool:
    """Model servers of several providers. It looks after them while it is open.

    `chains` names the models for each kind of text, best first, by reference; those without an
    entry in `models` have the usual context and lengths. `record` is told of every attempt, and
    `spending` keeps the money of providers that bill: without it they are not asked. `clock` is
    the event loop's.
    """

    def __init__(  # noqa: PLR0913  # a composition: each is built elsewhere
        self,
        providers: Mapping[str, Provider],
        servers: tuple[Server, ...],
        models: Mapping[str, Model],
        chains: Mapping[ContentType, tuple[str, ...]],
        *,
        record: Callable[[CallRecord], Awaitable[None]] = unrecorded,
        spending: Spending | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        rng: Random | None = None,
    ) -> None:
        limits, rng = limits or Limits(), rng or Random()
        self._providers = providers
        self._chains = {kind: _chain(refs, models, providers) for kind, refs in chains.items()}
        self._rng = rng
        if EXTRACTIVE.provider in providers and not any(s.name == BUILTIN.name for s in servers):
            servers = (*servers, BUILTIN)
        _check_known(providers, (server.provider for server in servers))
        asked = {model.ref: model for chain in self._chains.values() for model in chain}
        fleet = Fleet(servers, providers, tuple(asked.values()), limits, clock, rng)
        self._house = House(fleet, limits, record, spending, now, rng)
        self._group: asyncio.TaskGroup | None = None

    @property
    def fleet(self) -> Fleet:
        """The servers, and the router over them."""
        return self._house.fleet

    async def __aenter__(self) -> Self:
        """Begin to look after the servers."""
        self._group = await asyncio.TaskGroup().__aenter__()
        self.fleet.start(self._group)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop that, and hang up all connections."""
        group, self._group = self._group, None
        self.fleet.stop()
        # The body's own error goes on as it is; a group would wrap it.
        ours = (kind, error, trace) if isinstance(error, asyncio.CancelledError) else (None,) * 3
        try:
            if group is not None:
                await group.__aexit__(*ours)
        finally:
            for provider in self._providers.values():
                await provider.close()

    async def ask(
        self,
        request: ModelRequest,
        validate: Callable[[ModelAnswer], Any],
        *,
        until: float | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> Asked[Any]:
        """Return the first accepted answer, and what had to stand in on the way to it.

        `until` is a time of the event loop. `heard` is told each piece of an answer as it comes;
        an answer that is not accepted is followed by another from the beginning.

        Raises:
            Refused: the last one said no; with what went wrong before, where a model was asked.
            TryLater: nobody could answer now; BudgetSpent, when money alone is missing.
            ToolFailed: everybody answered, nobody usefully.
        """
        if self._group is None:
            raise RuntimeError("the pool is not open: `async with pool:`")
        latest = self.fleet.clock() + self._house.limits.question_s
        wish = Wish(
            call_id=f"{self._rng.getrandbits(64):016x}",
            request=request,
            validate=validate,
            until=latest if until is None else min(until, latest),
            heard=heard,
        )
        chain = self._chains.get(request.content) or _chain((), {}, self._providers)
        return await Question(self._house, wish).ask(chain)


def _chain(
    refs: tuple[str, ...], models: Mapping[str, Model], providers: Mapping[str, Provider]
) -> tuple[Model, ...]:
    """Return the models of a chain, the built-in writer last wherever there is one."""
    chain = [models.get(ref) or Model(ref) for ref in refs if ref != EXTRACTIVE.ref]
    _check_known(providers, (model.provider for model in chain))
    return (*chain, EXTRACTIVE) if EXTRACTIVE.provider in providers else tuple(chain)


def _check_known(providers: Mapping[str, Provider], names: Iterable[str]) -> None:
    missing = sorted({name for name in names if name not in providers})
    if missing:
        raise OperatorNeeded(
            f"there is no model provider {missing[0]!r}, only {sorted(providers)}.",
            mend="Name one of these, or add a file with that name to bookai/llm/.",
        )
