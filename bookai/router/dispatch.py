"""The queue before the router: nobody is handed more than it has slots for.

Work waits here instead of at whoever happened to be asked, so it goes to the first who becomes
free, and what can no longer be done in time is never begun.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from types import TracebackType
from typing import Self

from bookai.errors import BookAIError, OperatorNeeded, TryLater
from bookai.router.evidence import Outcome
from bookai.router.member import Ticket
from bookai.router.patience import RetryBudget
from bookai.router.router import NOBODY, WAIT, Router
from bookai.router.score import Score

# How many second tries, which wait for somebody else, may be passed over for those behind them.
PASSED_OVER = 8
# The queue is looked at again after a pause of at least this long.
SOONEST_S = 0.005


class NobodyCan(OperatorNeeded):
    """No member has the capability, or all who have it were excluded."""


class Saturated(TryLater):
    """So much waits already that more would only wait in vain."""


class RetriesSpent(TryLater):
    """Too large a share of the work fails: a second try would only add to the load."""


class TooLate(BookAIError, TimeoutError):
    """Nobody was free in time."""


class Lease:
    """A slot of the member that was chosen. End it exactly once.

    As an `async with` block it ends as cancelled where the block did not say otherwise.
    """

    __slots__ = ("_began_at", "_dispatcher", "_ticket", "scores")

    def __init__(
        self, dispatcher: "Dispatcher", ticket: Ticket, scores: tuple[Score, ...], began_at: float
    ) -> None:
        self._dispatcher = dispatcher
        self._ticket = ticket
        self._began_at = began_at
        # Every candidate when the choice was made; empty where the dispatcher does not explain.
        self.scores = scores

    @property
    def name(self) -> str:
        """Return who was chosen."""
        return self._ticket.name

    @property
    def capability(self) -> str:
        """Return what it was chosen for."""
        return self._ticket.capability

    @property
    def ended(self) -> bool:
        """Return whether the slot was given back."""
        return self._ticket.ended

    def end(self, outcome: Outcome, seconds: float | None = None) -> None:
        """Give the slot back; `seconds` is how long the work took, since the lease if not given.

        Raises:
            RuntimeError: the lease has ended before.
        """
        dispatcher = self._dispatcher
        now = dispatcher.clock()
        took_s = max(0.0, now - self._began_at) if seconds is None else seconds
        dispatcher.router.end(self._ticket, outcome, took_s, now)
        dispatcher.wake(self.name)

    async def __aenter__(self) -> Self:
        """Return the lease."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it as cancelled unless it has ended."""
        if not self.ended:
            self.end("cancelled")


Watch = Callable[[str, str, float | None], None]
"""Is told every decision: selected, none, waited, saturated or expired; who was selected, or
nothing; and how many seconds it took, where a choice was made."""


def _unwatched(result: str, name: str, seconds: float | None) -> None:
    del result, name, seconds


class _Waiting:
    """One who waits for a slot."""

    __slots__ = ("exclude", "favour", "lease", "since", "until")

    def __init__(
        self, until: float, since: float, exclude: Set[str], favour: Mapping[str, float] | None
    ) -> None:
        self.until = until
        self.since = since
        self.exclude = exclude
        self.favour = favour
        self.lease: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()


class Dispatcher:
    """The one queue over a router; `clock` returns seconds on the router's axis.

    `explaining`: leases tell every candidate's score. It costs some microseconds a candidate.
    """

    def __init__(
        self,
        router: Router,
        *,
        clock: Callable[[], float],
        budget: RetryBudget | None = None,
        max_waiting: int = 500,
        explaining: bool = True,
    ) -> None:
        self.router = router
        self.clock = clock
        self.budget = budget
        self.max_waiting = max_waiting
        self.explaining = explaining
        self.watch: Watch = _unwatched
        self._queues: dict[str, deque[_Waiting]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def waiting(self, capability: str) -> int:
        """Return how many wait for a capability."""
        return len(self._queues.get(capability, ()))

    async def acquire(
        self,
        capability: str,
        *,
        until: float,
        exclude: Set[str] = NOBODY,
        favour: Mapping[str, float] | None = None,
        second: bool | None = None,
    ) -> Lease:
        """Return a slot of the best who is free, waiting for one until `until` by our clock.

        A second try takes from the retry budget; to exclude somebody makes it one unless
        `second` says otherwise. Those who
        wait come first in, first out; whoever has too little time left is given up. With
        `Params.newest_first`, once the first has waited for so much of its time the newest go
        first. Cancelled, it leaves no slot taken.

        Raises:
            NobodyCan: nobody has the capability, or all who have it are excluded.
            RetriesSpent: the retry budget has nothing left.
            Saturated: too many wait.
            TooLate: nobody was free in time; it is a TimeoutError.
        """
        now = self.clock()
        self._spend(capability, bool(exclude) if second is None else second)
        waiting = _Waiting(until, now, exclude, favour)
        queue = self._queues.setdefault(capability, deque())
        if not queue or exclude:
            lease = self._try(capability, waiting, now)
            if lease is not None:
                return lease
        if len(queue) >= self.max_waiting:
            self.watch("saturated", "", None)
            raise Saturated(f"{len(queue)} tasks wait for {capability!r} already.", after_s=5.0)
        queue.append(waiting)
        self.watch("waited", "", None)
        # Those before it may wait for somebody else: a free one need not wait for the next event.
        self._drain(capability, now)
        self._arm(now)
        served = False
        try:
            async with asyncio.timeout(max(0.0, until - now)):
                lease = await waiting.lease
            served = True
        except TooLate:
            raise
        except TimeoutError as error:
            raise self._too_late(capability, waiting) from error
        finally:
            if not served:
                self._leave(queue, waiting)
        return lease

    def wake(self, freed: str | None = None) -> None:
        """Look whether those who wait can be served; call it after a beat, a pause or an add.

        What has waited longest goes first. `freed` has a slot to give: what it does well counts
        more, as waiting time times its success.
        """
        now = self.clock()
        heads = []
        for capability, queue in self._queues.items():
            if queue:
                suits = self.router.expected(freed, capability) if freed else 1.0
                heads.append(((queue[0].since - now) * suits, capability))
        for _, capability in sorted(heads):
            self._drain(capability, now)
        self._arm(now)

    def _spend(self, capability: str, second: bool) -> None:
        if self.budget is None:
            return
        if not second:
            self.budget.earn()
        elif not self.budget.spend():
            raise RetriesSpent(
                f"too much fails at present: no second try for {capability!r}.", after_s=10.0
            )

    def _try(self, capability: str, waiting: _Waiting, now: float) -> Lease | None:
        router = self.router
        began = self.clock()
        name = router.choose(capability, now, waiting.exclude, waiting.favour)
        took_s = self.clock() - began
        if name is WAIT:
            return None
        self.watch("none" if name is None else "selected", name or "", took_s)
        if name is None:
            raise self._nobody(capability, waiting.exclude)
        scores = router.explain(capability, now, waiting.exclude) if self.explaining else ()
        return Lease(self, router.begin(name, capability, now), scores, now)

    def _drain(self, capability: str, now: float) -> None:
        queue, passed = self._queues[capability], 0
        while len(queue) > passed:
            head = queue[0]
            patience_s = self.router.params.newest_first * (head.until - head.since)
            newest = now - head.since > patience_s
            place = len(queue) - 1 - passed if newest else passed
            waiting = queue[place]
            if waiting.lease.done():
                del queue[place]
                continue
            if self._hopeless(waiting, now):
                del queue[place]
                waiting.lease.set_exception(self._too_late(capability, waiting))
                continue
            try:
                lease = self._try(capability, waiting, now)
            except NobodyCan as error:
                del queue[place]
                waiting.lease.set_exception(error)
                continue
            if lease is not None:
                del queue[place]
                waiting.lease.set_result(lease)
            elif waiting.exclude and passed < PASSED_OVER:
                passed += 1  # it waits for others than those who are free
            else:
                return

    def _hopeless(self, waiting: _Waiting, now: float) -> bool:
        """Return whether too little of its time is left to begin it."""
        params = self.router.params
        least_s = max(params.shed_s, params.shed_share * (waiting.until - waiting.since))
        return now > waiting.until - least_s

    @staticmethod
    def _leave(queue: deque[_Waiting], waiting: _Waiting) -> None:
        """Whoever stops waiting leaves neither a place in the queue nor a slot behind."""
        if waiting in queue:
            queue.remove(waiting)
        lease = waiting.lease
        if lease.done() and not lease.cancelled() and lease.exception() is None:
            lease.result().end("cancelled")  # the slot came in the very moment

    def _arm(self, now: float) -> None:
        """Look again when a pause or an open breaker is over, as long as somebody waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not any(self._queues.values()):
            return
        at = self.router.next_change(now)
        if at is not None:
            delay_s = max(SOONEST_S, at - now)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.wake)

    def _nobody(self, capability: str, exclude: Iterable[str]) -> NobodyCan:
        tried = ", ".join(sorted(exclude))
        if tried:
            return NobodyCan(f"nobody is left for {capability!r} after {tried}.")
        return NobodyCan(f"nobody can {capability!r}.")

    def _too_late(self, capability: str, waiting: _Waiting) -> TooLate:
        now = self.clock()
        why = "; ".join(
            f"{score.name}: {score.excluded or 'free'}"
            for score in self.router.explain(capability, now, waiting.exclude)
        )
        waited_s = now - waiting.since
        self.watch("expired", "", None)
        return TooLate(f"nobody was free for {capability!r} within {waited_s:.1f} s ({why}).")
