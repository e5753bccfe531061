"""Which model is loaded where, and when: a load takes longer than a hundred answers.

A server forgets a model for another one, and stops a load when its client leaves. So a load is a
task of the pool's own, one a model and one a server at a time, and no asker can cancel it. A second
server loads a model only when its queue has waited longer than the load will take.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bookai.llm.base import CallFailed, Model
from bookai.llm.serving.limits import UNREADABLE
from bookai.llm.serving.stand import Stand
from bookai.metrics.llm import LLM_LOAD_SECONDS

if TYPE_CHECKING:
    from bookai.llm.serving.fleet import Fleet

logger = logging.getLogger(__name__)

# What the only copy of a model is worth when it would have to go, in loads.
SOLE_COPY = 2.0


class Loads:
    """Loads for one fleet; `counted` is how many were begun, by model."""

    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet
        self._guess_s: dict[str, float] = {}
        self._ended_at: dict[str, float] = {}
        self._since: dict[Model, deque[float]] = {}
        self.counted: Counter[str] = Counter()

    @contextmanager
    def waiting(self, model: Model) -> Iterator[None]:
        """Count a question that waits for this model."""
        since, mine = self._since.setdefault(model, deque()), self._fleet.clock()
        since.append(mine)
        try:
            yield
        finally:
            since.remove(mine)

    def want(self, model: Model) -> None:
        """Load a model at the best server, unless that is under way."""
        if any(stand.loading == model.ref for stand in self._fleet.stands.values()):
            return
        found = min(self._places(model), key=lambda place: place[0], default=None)
        if found is not None:
            self._begin(found[1], model)

    def reconsider(self) -> None:
        """Load models for which questions have waited longer than a load would take."""
        now = self._fleet.clock()
        for model, since in self._since.items():
            if not since or any(s.loading == model.ref for s in self._fleet.stands.values()):
                continue
            places = [one for one in self._places(model) if not one[1].is_warm(model)]
            if not places:
                continue
            price, stand = min(places, key=lambda place: place[0])
            is_warm = any(s.is_warm(model) for s in self._fleet.of(model))
            waited_s = now - max(min(since), self._ended_at.get(model.ref, 0.0))
            if not is_warm or waited_s > price * self.guess_s(model):
                self._begin(stand, model)

    def guess_s(self, model: Model) -> float:
        """Return how long a load of this model takes, in seconds; a look at the least."""
        limits = self._fleet.limits
        return max(limits.look_every_s, self._guess_s.get(model.ref, limits.load_guess_s))

    def _places(self, model: Model) -> Iterator[tuple[float, Stand]]:
        """Yield servers that could load a model, each with its price in loads."""
        now = self._fleet.clock()
        for stand in self._fleet.of(model):
            free = stand.loading is None and stand.not_loadable(model.ref, now) is None
            if not (free and stand.has(model)):
                continue
            busy = self._fleet.router.state(stand.server.name).in_flight / stand.server.slots
            yield 1.0 + busy + self._loss(stand, model), stand

    def _loss(self, stand: Stand, model: Model) -> float:
        """Return what would go to make room, in loads."""
        if not stand.is_full(model):
            return 0.0
        loss = 1.0
        for other in stand.models:
            warm = [s for s in self._fleet.of(other) if s.is_warm(other)]
            if warm == [stand] and other.ref != model.ref:
                loss += SOLE_COPY
        return loss

    def _begin(self, stand: Stand, model: Model) -> None:
        stand.loading = model.ref
        self.counted[model.ref] += 1
        self._fleet.spawn(self._load(stand, model))

    async def _load(self, stand: Stand, model: Model) -> None:
        fleet, name = self._fleet, stand.server.name
        began = fleet.clock()
        if stand.is_full(model):
            # A question for the model that has to go would make the server load it again.
            fleet.router.pause(name, began, fleet.limits.load_s)
        try:
            async with asyncio.timeout(fleet.limits.load_s):
                await stand.provider.preload(stand.server, model)
        except CallFailed as error:
            self._fail(stand, model, error)
        except TimeoutError:
            why = f"{name} did not load {model.name} in {fleet.limits.load_s:.0f} s"
            self._fail(stand, model, CallFailed(why, outcome="timeout", kind="deadline"))
        except UNREADABLE as error:
            why = f"{name} answered the load with what nobody can read ({type(error).__name__})"
            self._fail(stand, model, CallFailed(why, outcome="infra", kind="protocol"))
        else:
            await self._loaded(stand, model, fleet.clock() - began)
        finally:
            stand.loading = None
            self._ended_at[model.ref] = fleet.clock()
            if name in fleet.router.names:
                fleet.router.pause(name, fleet.clock(), 0.0)
            fleet.changed()

    async def _loaded(self, stand: Stand, model: Model, took_s: float) -> None:
        name = stand.server.name
        LLM_LOAD_SECONDS.labels(name).observe(took_s)
        self._guess_s[model.ref] = 0.7 * self._guess_s.get(model.ref, took_s) + 0.3 * took_s
        logger.info(
            "%s loaded %s in %.1f s", name, model.name, took_s, extra={"action": "model_loaded"}
        )
        await self._fleet.look(stand)
        context = stand.sight.loaded.get(model.name) if stand.sight else None
        if context is None:
            why = f"{name} loaded {model.name}, but has it no more"
            self._fail(stand, model, CallFailed(why, outcome="infra", kind="protocol"))
        elif not stand.is_warm(model):
            # Its own limit is lower than what was asked for; asking again would change nothing.
            stand.given[model.ref] = context
            self._fleet.admit(stand)

    def _fail(self, stand: Stand, model: Model, error: CallFailed) -> None:
        logger.warning(
            "%s could not load %s: %s",
            stand.server.name,
            model.name,
            error,
            extra={"action": "model_load_failed"},
        )
        again = self._fleet.clock() + self._fleet.limits.load_again_s
        stand.fail_load(model.ref, again, error)
