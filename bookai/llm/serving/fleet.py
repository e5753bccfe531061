"""All servers: who looks after them, and who gives a question its place at one of them.

A question is only given to a server that has the model in memory. Where none has it, the model is
loaded by `Loads`, whom no asker's cancellation reaches, and the question waits here.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Set
from contextlib import suppress
from random import Random
from typing import Any

from bookai.llm.base import CallFailed, Model, Provider, Server
from bookai.llm.serving.limits import UNREADABLE, Limits
from bookai.llm.serving.loads import Loads
from bookai.llm.serving.stand import Stand
from bookai.metrics.llm import LLM_LOADED, LLM_SLOTS, LLM_UP, LLM_WAITING
from bookai.metrics.routing import RETRY_TOKENS, watch_router
from bookai.router import MODELS, Dispatcher, Lease, NobodyCan, RetryBudget, Router

logger = logging.getLogger(__name__)

NOBODY: frozenset[str] = frozenset()
# One look that took too long may be a hiccup; a server that refuses the connection is down.
MISSES = 2
# A time-out that came so many times too late says that this process was short of time.
STALLED = 1.25


class NobodyElse(CallFailed):
    """Every server with this model has been tried."""


class Fleet:
    """The servers, the router over them, and the queue before it. `clock`: the loop's seconds."""

    def __init__(
        self,
        servers: tuple[Server, ...],
        providers: Mapping[str, Provider],
        models: tuple[Model, ...],
        limits: Limits,
        clock: Callable[[], float],
        rng: Random,
    ) -> None:
        self.limits = limits
        self.clock = clock
        self._rng = rng
        self.router = Router(MODELS, rng)
        self.budget = RetryBudget()
        self.dispatcher = Dispatcher(
            self.router,
            clock=clock,
            budget=self.budget,
            max_waiting=limits.max_waiting,
            explaining=False,
        )
        self.dispatcher.watch = watch_router("model")
        self.stands = {
            server.name: Stand(
                server,
                providers[server.provider],
                tuple(model for model in models if model.provider == server.provider),
            )
            for server in servers
        }
        self.loads = Loads(self)
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked_at = clock()
        self._changed = asyncio.Event()

    # Looking.

    def start(self, group: asyncio.TaskGroup) -> None:
        """Look after all servers until `stop`."""
        self._group = group
        for stand in self.stands.values():
            LLM_SLOTS.labels(stand.server.name).set(stand.server.slots)
            self.spawn(self._watch(stand))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the questions, until the pool is closed."""
        if self._group is None:
            raise RuntimeError("the fleet was not started")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Cancel all that runs beside the questions."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _watch(self, stand: Stand) -> None:
        limits = self.limits
        while True:
            await self.look(stand)
            self.loads.reconsider()
            quiet = self.clock() - self._asked_at > limits.quiet_after_s
            every_s = limits.look_quietly_every_s if quiet else limits.look_every_s
            with suppress(TimeoutError):
                # No two studios look at the same moment.
                async with asyncio.timeout(every_s * (0.95 + 0.1 * self._rng.random())):
                    await stand.hurry.wait()
            stand.hurry.clear()

    async def look(self, stand: Stand) -> None:
        """Look at a server once, and let the router know."""
        name, began = stand.server.name, self.clock()
        try:
            async with asyncio.timeout(self.limits.look_s):
                sight = await stand.provider.look(stand.server)
        except TimeoutError:
            why = f"{name} did not say within {self.limits.look_s:.0f} s what it has"
            self._miss(stand, began, CallFailed(why, outcome="timeout", kind="first_chunk_timeout"))
        except CallFailed as error:
            self._miss(stand, began, error)
        except UNREADABLE as error:
            # Only the kind is told: the text may hold what was sent, such as a key.
            why = f"{name} answered nothing that can be read ({type(error).__name__})"
            self._miss(stand, began, CallFailed(why, outcome="infra", kind="protocol"))
        else:
            if stand.sight is None:
                logger.info("%s is up", name, extra={"action": "model_server_up", "server": name})
            stand.sight, stand.why, stand.misses = sight, "", 0
            self.admit(stand)
        LLM_UP.labels(name).set(stand.sight is not None)
        RETRY_TOKENS.labels("model").set(self.budget.tokens)
        stand.looked.set()
        self.changed()

    def admit(self, stand: Stand) -> None:
        """Let the router give to a server what is in its memory; that is a sign of life too."""
        name = stand.server.name
        self.router.add(name, stand.skills(), capacity=stand.server.slots, now=self.clock())
        for model in stand.models:
            LLM_LOADED.labels(name, model.name).set(stand.is_warm(model))

    def _miss(self, stand: Stand, began: float, error: CallFailed) -> None:
        """Take a server for down, unless that may be a hiccup."""
        if error.outcome == "busy" and stand.sight is not None:
            # Too busy to say what it has, but there.
            self.router.beat(stand.server.name, self.clock())
            return
        stand.misses += 1
        if error.outcome == "timeout" and stand.sight is not None:
            # It answered questions meanwhile, or we ourselves had no time to listen.
            answers = stand.heard_at > began - self.limits.look_every_s
            stalled = self.clock() - began > STALLED * self.limits.look_s
            if answers or stalled or stand.misses < MISSES:
                if answers or stalled:
                    self.router.beat(stand.server.name, self.clock())
                return
        if stand.sight is not None:
            logger.warning(
                "%s is down: %s", stand.server.name, error, extra={"action": "model_server_down"}
            )
        stand.sight, stand.why = None, str(error)
        self.router.remove(stand.server.name)

    def changed(self) -> None:
        """Wake everybody who waits for a server or a model."""
        self.dispatcher.wake()
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def ready(self, providers: Set[str]) -> None:
        """Wait until each server of these providers was looked at; if it was quiet, look again."""
        quiet = self.clock() - self._asked_at > self.limits.quiet_after_s
        self._asked_at = self.clock()
        for stand in self.stands.values():
            if stand.server.provider in providers:
                if quiet:
                    stand.hurry.set()
                await stand.looked.wait()

    # Places.

    def of(self, model: Model) -> tuple[Stand, ...]:
        """Return the servers that speak this model's protocol."""
        return tuple(s for s in self.stands.values() if s.server.provider == model.provider)

    def why_not(self, model: Model) -> CallFailed | None:
        """Return why no server can answer with this model; None when one can, be it after a load.

        `kind` is model_missing when a server is up and lacks it.
        """
        stands, now = self.of(model), self.clock()
        able = [stand for stand in stands if stand.has(model)]
        if any(s.is_warm(model) or not s.not_loadable(model.ref, now) for s in able):
            return None
        up = [stand for stand in stands if stand.sight is not None]
        if able:
            why = [s.not_loadable(model.ref, now) or "" for s in able]
        elif up:
            why = [s.provider.missing(s.server, model) for s in up]
        else:
            why = [stand.why for stand in stands] or [f"there is no server for {model.provider}"]
        return CallFailed(
            "; ".join(dict.fromkeys(why)),
            outcome="client" if up else "infra",
            kind="model_missing" if up and not able else "connect",
            next_model=True,
        )

    async def seat(
        self, model: Model, until: float, exclude: frozenset[str], same_ok: bool
    ) -> Lease:
        """Return a slot at the best server that has the model in memory.

        `exclude` are those that were tried; with `same_ok` they may be tried again when there is
        nobody else.

        Raises:
            NobodyElse: nobody but the excluded has it.
            CallFailed: no server can, or the model was not loaded in time.
            TryLater: too many wait, or too much fails for a second try.
            TimeoutError: nobody was free in time.
        """
        waiting = LLM_WAITING.labels(model.name)
        with self.loads.waiting(model), waiting.track_inprogress():
            while True:
                await self._warm(model, until)
                others = {s.server.name for s in self.of(model) if s.is_warm(model)} - exclude
                if exclude and not others:
                    if not same_ok:
                        raise NobodyElse(
                            f"no other server has {model.name}",
                            outcome="client",
                            kind="model_missing",
                            next_model=True,
                        )
                    exclude = NOBODY
                try:
                    return await self.dispatcher.acquire(model.ref, until=until, exclude=exclude)
                except NobodyCan:
                    # It went down or forgot the model while we waited.
                    await asyncio.sleep(0)

    async def _warm(self, model: Model, until: float) -> None:
        now = self.clock()
        last = now + self.limits.cold_share * (until - now)
        while not any(stand.is_warm(model) for stand in self.of(model)):
            why = self.why_not(model)
            if why is not None:
                raise why
            self.loads.want(model)
            try:
                async with asyncio.timeout(max(0.0, last - self.clock())):
                    await self._changed.wait()
            except TimeoutError as error:
                raise CallFailed(
                    f"no server had {model.name} in memory in time",
                    outcome="cancelled",
                    kind="deadline",
                    next_model=True,
                ) from error
