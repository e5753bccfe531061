"""The event loop: tasks arrive, are sent, answered, repeated elsewhere, or given up.

The rules are the same for every policy: three attempts on different agents, 4 s each, 12 s in all,
a retry budget, and a queue of four times its capacity at each agent, which is busy beyond that.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.simulation.meter import WARM_S, Meter, Result
from benchmarks.simulation.policies.base import Attempted, Outcome, Policy
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.waiting import DEADLINE_S, Task, WaitingRoom
from benchmarks.simulation.world import CAPABILITIES, Condition, Outage, SimAgent, World, stream

ATTEMPTS = 3
ATTEMPT_S = 4.0
# After this nobody would notice an answer any more.
LAST_S = 0.05
REFUSED_S = 0.005
BUSY_S = 0.002
BEAT_S = 5.0
NUDGE_S = 0.25
TOKENS, TOKENS_MOST, TOKENS_EACH = 50.0, 100.0, 0.3


@dataclass(slots=True)
class Attempt:
    task: Task
    agent: SimAgent
    seen: Attempted
    sent_at: float
    luck: tuple[float, float, float]
    working_since: float | None = None


@dataclass(slots=True)
class Simulation:
    """One policy in one world."""

    world: World
    policy: Policy
    meter: Meter = field(init=False)
    waiting: WaitingRoom = field(init=False)
    _events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(
        default_factory=list
    )
    _numbered: int = 0
    _live: dict[int, Attempt] = field(default_factory=dict)
    _attempts: int = 0
    _tasks: int = 0
    _tokens: float = TOKENS
    _arrivals: random.Random = field(init=False)
    _flaps: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter(self.world, DEADLINE_S)
        self.waiting = WaitingRoom(self.policy, self._send, self._finish)
        self._arrivals = stream(self.world.seed, "arrivals")
        self._flaps = stream(self.world.seed, "flapping")

    def run(self) -> Result:
        self._begin()
        ends = self.world.scenario.seconds + DEADLINE_S + 1
        while self._events:
            now, _, act, facts = heapq.heappop(self._events)
            if now > ends:
                break
            act(now, *facts)
        return self.meter.result()

    def _at(self, when: float, act: Callable[..., None], *facts: Any) -> None:
        self._numbered += 1
        heapq.heappush(self._events, (when, self._numbered, act, facts))

    def _begin(self) -> None:
        beats = stream(self.world.seed, "beats")
        for agent in self.world.agents.values():
            if agent.joins_at:
                self._at(agent.joins_at, self._join, agent)
            else:
                self.policy.add(agent.name, 0.0)
            self._at(beats.uniform(0, BEAT_S), self._beat, agent)
        self._at(0.0, self._arrive)
        self._at(1.0, self._drift)
        self._at(NUDGE_S, self._nudge)
        for outage in self.world.outages:
            self._at(outage.begins, self._fall, outage)
            self._at(outage.ends, self._rise, outage.agent)
        for agent in self.world.flapping:
            self._at(
                self._flaps.uniform(30, 35), self._flap, agent, stream(self.world.seed, agent.name)
            )
        for when, agent in self.world.abrupt:
            self._at(when, self._spoil, agent)

    # What happens in the world.

    def _arrive(self, now: float) -> None:
        if now >= self.world.scenario.seconds:
            return
        chance = self._arrivals
        self._at(now + chance.expovariate(self.world.rate(now)), self._arrive)
        (capability,) = chance.choices(CAPABILITIES, self.world.mix)
        luck = tuple(
            (chance.gauss(0, 1), chance.random(), chance.random()) for _ in range(ATTEMPTS)
        )
        self._tasks += 1
        self._tokens = min(TOKENS_MOST, self._tokens + TOKENS_EACH)
        self.meter.task_arrived(capability, now)
        self.waiting.offer(Task(self._tasks, capability, now, luck), now)

    def _drift(self, now: float) -> None:
        self.world.drift()
        self._at(now + 1.0, self._drift)

    def _nudge(self, now: float) -> None:
        """Look again at who waits: a pause or an open breaker may be over."""
        self._at(now + NUDGE_S, self._nudge)
        self.waiting.look(now)

    def _join(self, now: float, agent: SimAgent) -> None:
        self.policy.add(agent.name, now)

    def _beat(self, now: float, agent: SimAgent) -> None:
        self._at(now + BEAT_S, self._beat, agent)
        if now >= agent.joins_at and not agent.silent:
            self.policy.beat(agent.name, now)

    def _spoil(self, now: float, agent: SimAgent) -> None:
        for capability in agent.quality:
            agent.usual_quality[capability] -= 2.2
            agent.quality[capability] = max(0.05, agent.quality[capability] * 0.6)

    def _fall(self, now: float, outage: Outage) -> None:
        outage.agent.silent = outage.silent
        self._break(now, outage.agent, outage.fault)

    def _rise(self, now: float, agent: SimAgent) -> None:
        agent.condition, agent.silent = "up", False
        agent.restarts += 1
        self.policy.beat(agent.name, now)
        self._pump(agent, now)

    def _flap(self, now: float, agent: SimAgent, chance: random.Random) -> None:
        if agent.condition == "up":
            self._break(now, agent, chance.choice(("crash", "5xx")))
            self._at(now + chance.uniform(2, 8), self._flap, agent, chance)
        else:
            agent.condition = "up"
            self._at(now + chance.uniform(3, 12), self._flap, agent, chance)

    def _break(self, now: float, agent: SimAgent, fault: Condition) -> None:
        """A crash loses at once what it worked at, a hang never answers it."""
        agent.condition = fault
        agent.restarts += agent.dead
        if fault == "crash":
            for number in [n for n, attempt in self._live.items() if attempt.agent is agent]:
                self._at(now + REFUSED_S, self._end, number, "infra")

    # What happens to tasks.

    def _send(self, task: Task, name: str, now: float) -> None:
        agent = self.world.agents[name]
        if task.attempts == 0 and task.arrived >= WARM_S and task.number % 6 == 0:
            able = self.policy.able[task.capability]
            best = max(self.world.truth(other, task.capability)[0] for other in able)
            self.meter.choice_made(self.world.truth(name, task.capability)[0], best)
        self.meter.attempt_sent(name, task.arrived, now)
        self._attempts += 1
        number = self._attempts
        seen = Attempted(name, task.capability, self.policy.begin(name, task.capability, now))
        attempt = Attempt(task, agent, seen, now, task.luck[task.attempts])
        self._live[number] = attempt
        if agent.condition == "crash":
            self._at(now + REFUSED_S, self._end, number, "infra")
            return
        if agent.busy < agent.capacity:
            self._work(number, attempt, now)
        elif len(agent.queue) < agent.capacity * 4:
            agent.queue.append(number)
        else:
            self._at(now + BUSY_S, self._end, number, "busy")
            return
        self._at(min(now + ATTEMPT_S, task.arrived + DEADLINE_S), self._end, number, "timeout")

    def _work(self, number: int, attempt: Attempt, now: float) -> None:
        agent = attempt.agent
        agent.busy += 1
        attempt.working_since = now
        if agent.condition != "hang":
            done = now + agent.service_s(attempt.luck[0], now)
            self._at(done, self._answer, number, agent.restarts)

    def _answer(self, now: float, number: int, restarts: int) -> None:
        attempt = self._live.get(number)
        if attempt is None or restarts != attempt.agent.restarts:
            return
        agent = attempt.agent
        _, error, quality = attempt.luck
        outcome: Outcome = "ok"
        if error < agent.error_rate or (agent.condition == "5xx" and error < 0.9):
            outcome = "infra"
        else:
            rate = agent.quality[attempt.task.capability]
            if quality >= rate * (0.05 if agent.condition == "garbage" else 1.0):
                outcome = "quality"
        self._end(now, number, outcome)

    def _pump(self, agent: SimAgent, now: float) -> None:
        while agent.queue and agent.busy < agent.capacity:
            number = agent.queue.popleft()
            if number in self._live:
                self._work(number, self._live[number], now)

    def _end(self, now: float, number: int, outcome: Outcome) -> None:
        attempt = self._live.pop(number, None)
        if attempt is None:
            return
        agent, task = attempt.agent, attempt.task
        if attempt.working_since is not None:
            agent.busy -= 1
            self.meter.worked_s[agent.name] += now - attempt.working_since
        elif number in agent.queue:
            agent.queue.remove(number)
        self.policy.end(attempt.seen, outcome, now - attempt.sent_at, now)
        self._pump(agent, now)
        self.waiting.freed(agent.name, agent.quality, now)
        if outcome == "ok":
            self._finish(task, None, now)
        elif (failure := self._out_of_luck(task, agent.name, now)) is not None:
            self._finish(task, failure, now)
        else:
            self.waiting.offer(task, now)

    def _out_of_luck(self, task: Task, name: str, now: float) -> str | None:
        """Return why a task is not tried again, or None and count the retry."""
        task.tried |= {name}
        task.attempts += 1
        if task.attempts >= ATTEMPTS:
            return "attempts"
        if now >= task.arrived + DEADLINE_S - LAST_S:
            return "deadline"
        if self._tokens < 1:
            return "budget"
        self._tokens -= 1
        return None

    def _finish(self, task: Task, failure: str | None, now: float) -> None:
        self.meter.task_ended(task.arrived, failure, now)


def simulate(kind: type[Policy], scenario: Scenario, seed: int) -> Result:
    """Run one policy through one world; the same arguments give the same result."""
    world = World(scenario, seed)
    return Simulation(world, kind(world, stream(seed, "policy"))).run()
