"""Who is on duty: the agents as this process has them, and the router that knows how they do.

Agents of this process are alive as long as it is. Those elsewhere join when somebody reaches them,
and are kept by `beat`: silent for three beats, nothing is given to them any more.

    members.join(agent)                    # capacity and proficiency are the agent's own
    members.join(agent, capacity=2, kind="remote")
    members.beat("writer_at_render1")      # it answered just now
    members.leave("writer_at_render1")     # what is known of it comes back when it joins again

Nothing here waits for the database: `studio.crew` writes the beats and tells what others learned.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from types import MappingProxyType
from typing import Literal

from agents.base import Agent
from bookai.db.memory import DEAD_AFTER_S, Beat, Heard
from bookai.metrics import AgentState, watch_router
from bookai.router import STEPS, Dispatcher, Lease, Params, RetryBudget, Router

Kind = Literal["local", "remote"]

MAX_REST_S = 300.0

KEPT = 400
"""Outcomes that are kept of one who is not on duty here, in case he joins."""


@dataclass(slots=True)
class _Member:
    agent: Agent
    capacity: int
    kind: Kind
    heard_at: float


class Members:
    """The agents on duty. `clock` returns unix seconds and does not jump: see `steady`.

    `place` names this process in the database: unique, and no secret.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        rng: Random,
        *,
        place: str = "here",
        params: Params = STEPS,
    ) -> None:
        self.place = place
        self.clock = clock
        self.router = Router(params, rng)
        self.budget = RetryBudget()
        self.dispatcher = Dispatcher(self.router, clock=clock, budget=self.budget)
        self.dispatcher.watch = watch_router("step")
        self._members: dict[str, _Member] = {}
        self._absent: dict[str, deque[Heard]] = {}

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Everybody on duty, by name."""
        return MappingProxyType({name: one.agent for name, one in self._members.items()})

    def join(self, agent: Agent, *, capacity: int | None = None, kind: Kind = "local") -> None:
        """Let an agent work here; again changes what it can and how much, and counts as a beat.

        What other processes know of it is known here at once.
        """
        now, most = self.clock(), capacity or agent.capacity
        skills = {str(capability): agent.proficiency for capability in agent.capabilities}
        self._members[agent.name] = _Member(agent, most, kind, now)
        self.router.add(agent.name, skills, capacity=most, now=now)
        self.router.beat(agent.name, now)
        self.hear(self._absent.pop(agent.name, ()))
        self.dispatcher.wake()

    def leave(self, name: str) -> None:
        """Give an agent no more work; steps that it has are left to their deadlines."""
        if self._members.pop(name, None) is not None:
            self.router.remove(name)
            self.dispatcher.wake()

    def contradict(self, name: str, capability: str) -> None:
        """Learn that an agent refused what another then did: it does not work, however quickly."""
        if name in self._members:
            now = self.clock()
            self.router.learn(name, capability, "infra", 0.0, now=now, ended_at=now)

    def rest(self, name: str, seconds: float) -> None:
        """Ask an agent that said it is busy nothing for as long as it said, minutes at most."""
        if name in self._members:
            self.router.pause(name, self.clock(), min(seconds, MAX_REST_S))

    def beat(self, name: str) -> None:
        """Note that an agent is alive; without effect for one that is not on duty."""
        member = self._members.get(name)
        if member is not None:
            member.heard_at = self.clock()
            self.router.beat(name, member.heard_at)
            self.dispatcher.wake()

    def breathe(self) -> None:
        """Beat the agents of this process: they live as long as it does."""
        now = self.clock()
        for name, member in self._members.items():
            if member.kind == "local":
                member.heard_at = now
                self.router.beat(name, now)
        self.dispatcher.wake()

    def hear(self, outcomes: Iterable[Heard]) -> None:
        """Learn how work ended elsewhere or earlier, in whatever order."""
        now = self.clock()
        for one in outcomes:
            if one.agent not in self._members:
                self._absent.setdefault(one.agent, deque(maxlen=KEPT)).append(one)
                continue
            self.router.learn(
                one.agent,
                one.capability,
                one.outcome,
                one.seconds,
                now=now,
                ended_at=one.ended_at.timestamp(),
            )

    def beats(self) -> tuple[Beat, ...]:
        """Return those who are alive, as they stand now."""
        now, found = self.clock(), []
        for name, member in self._members.items():
            age_s = max(0.0, now - member.heard_at)
            if age_s > DEAD_AFTER_S:
                continue
            state = self.router.state(name, now)
            found.append(
                Beat(
                    agent=name,
                    capabilities=tuple(sorted(member.agent.capabilities)),
                    kind=member.kind,
                    capacity=member.capacity,
                    in_flight=state.in_flight,
                    breaker=state.breaker,
                    age_s=age_s,
                )
            )
        return tuple(found)

    def states(self) -> tuple[AgentState, ...]:
        """Return everybody on duty as the metrics show them; any thread may ask."""
        found = []
        for name, member in self._members.copy().items():
            try:
                state = self.router.state(name)
            except KeyError:
                continue  # it left meanwhile: the loop goes on while another thread looks
            found.append(
                AgentState(
                    name=name,
                    in_flight=state.in_flight,
                    capacity=state.capacity,
                    success=state.success,
                    breaker=state.breaker,
                    heard_at=member.heard_at,
                )
            )
        return tuple(found)

    def able(self, capability: str, tried: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return who has a capability, apart from those who were tried; also the silent ones."""
        return tuple(
            name
            for name, member in self._members.items()
            if capability in member.agent.capabilities and name not in tried
        )

    def wants_second_word(self, name: str, capability: str, tried: Iterable[str]) -> bool:
        """Tell whether one of this process could still confirm what an agent elsewhere refused."""
        if (member := self._members.get(name)) is not None and member.kind == "local":
            return False
        others = self.able(capability, frozenset((*tried, name)))
        return any(self._members[other].kind == "local" for other in others)

    def is_silent(self, name: str) -> bool:
        """Tell whether an agent elsewhere was not heard of for three beats."""
        member = self._members[name]
        return member.kind == "remote" and self.clock() - member.heard_at > DEAD_AFTER_S

    async def acquire(
        self,
        capability: str,
        within_s: float,
        tried: frozenset[str] = frozenset(),
        *,
        second: bool | None = None,
    ) -> Lease:
        """Wait for the best agent that is free; the first come are served first.

        A `second` try takes from the retry budget; without a word, one with others tried is.

        Raises:
            NobodyCan: nobody on duty has the capability, apart from those who were tried.
            RetriesSpent: too large a share of the work fails to try others now.
            Saturated: too many wait already.
            TooLate: nobody was free in time.
        """
        self.breathe()
        until = self.clock() + within_s
        return await self.dispatcher.acquire(capability, until=until, exclude=tried, second=second)


def steady(now: Callable[[], datetime], ticks: Callable[[], float]) -> Callable[[], float]:
    """Return a clock that begins at `now` and goes on by `ticks`, a monotonic clock in seconds.

    Setting the host's clock must not end a pause of a second an hour late.
    """
    begin_s = now().timestamp() - ticks()
    return lambda: begin_s + ticks()


def on_duty(
    agents: Iterable[Agent],
    clock: Callable[[], float],
    rng: Random,
    *,
    place: str = "here",
    params: Params = STEPS,
) -> Members:
    """Return the members of a process that has these agents."""
    members = Members(clock, rng, place=place, params=params)
    for agent in agents:
        members.join(agent)
    return members
