"""The simulated world: agents with hidden qualities that drift, break, come back and join.

Every kind of chance has a stream of its own, drawn in an order that no policy can change: all
policies of one seed meet the same agents, faults, arrivals and luck.
"""

import math
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.simulation.scenarios import Scenario

CAPABILITIES = ("plan", "code", "write", "review")
Condition = Literal["up", "crash", "hang", "5xx", "slow", "garbage"]
FAULTS: tuple[Condition, ...] = ("crash", "hang", "5xx", "slow", "garbage")
FIRST_OUTAGE_S = 70.0
WARMING_S = 20.0
# The mean of a log-normal factor with sigma 0.5.
MEAN_SPREAD = 1.13
SPREAD = 0.5


def stream(seed: int, kind: str) -> random.Random:
    """Return the stream of one kind of chance; the same for all policies of a seed."""
    return random.Random(f"{seed}/{kind}")


def logit(rate: float) -> float:
    return math.log(rate / (1 - rate))


@dataclass(slots=True, eq=False)
class SimAgent:
    """One agent. `quality` is the hidden truth, `declared` what it says of itself."""

    name: str
    capacity: int
    quality: dict[str, float]
    declared: dict[str, float]
    latency_s: float
    error_rate: float
    usual_latency_s: float = 0.0
    usual_quality: dict[str, float] = field(default_factory=dict)
    condition: Condition = "up"
    busy: int = 0
    queue: "deque[int]" = field(default_factory=deque)
    joins_at: float = 0.0
    silent: bool = False
    restarts: int = 0

    @property
    def dead(self) -> bool:
        """Does nothing at all any more."""
        return self.condition in ("crash", "hang")

    def service_s(self, luck: float, now: float) -> float:
        """Return how long an attempt takes; `luck` is a normal draw."""
        seconds = self.latency_s * math.exp(SPREAD * luck)
        if self.condition == "slow":
            seconds *= 8.0
        elif self.condition == "5xx":
            seconds *= 0.3
        if self.joins_at and now - self.joins_at < WARMING_S:
            seconds *= 3 - 2 * (now - self.joins_at) / WARMING_S
        return seconds


@dataclass(frozen=True, slots=True)
class Outage:
    agent: SimAgent
    begins: float
    ends: float
    fault: Condition
    silent: bool


class World:
    """The agents of one seed, their faults to come, and the rate at which tasks arrive."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        chance = stream(seed, "agents")
        self.agents = {
            agent.name: agent
            for agent in (_agent(f"a{i:02}", scenario, chance) for i in range(scenario.agents))
        }
        self._spread_capabilities(chance)
        everyone = list(self.agents.values())
        self.flapping = chance.sample(everyone, scenario.flapping)
        self._choose_joiners(chance)
        self.outages = self._plan_outages(stream(seed, "outages"))
        last = scenario.seconds - 60
        self.abrupt = [
            (chance.uniform(60, last), chance.choice(everyone)) for _ in range(scenario.abrupt)
        ]
        power = {
            capability: sum(
                agent.capacity / (agent.latency_s * MEAN_SPREAD) / len(agent.quality)
                for agent in everyone
                if capability in agent.quality and not agent.joins_at
            )
            for capability in CAPABILITIES
        }
        self.mix = tuple(power[capability] for capability in CAPABILITIES)
        self._rate = scenario.load * sum(self.mix)
        self._moods = stream(seed, "drift")

    def declared(self, name: str) -> Mapping[str, float]:
        """Return what an agent says it can do: policies may ask this."""
        return self.agents[name].declared

    def capacity(self, name: str) -> int:
        """Return how many tasks an agent works at: policies may ask this."""
        return self.agents[name].capacity

    def rate(self, now: float) -> float:
        """Return how many tasks a second arrive."""
        burst_at = 0.6 * self.scenario.seconds
        return self._rate * (self.scenario.burst if burst_at <= now < burst_at + 40 else 1.0)

    def truth(self, name: str, capability: str) -> tuple[float, float]:
        """Return the success rate and the seconds a task sent now may expect: for the oracle."""
        agent = self.agents[name]
        queued = agent.busy + len(agent.queue)
        if agent.dead or queued >= agent.capacity * 5:
            return 1e-6, 99.0
        rate = agent.quality[capability] * (1 - agent.error_rate)
        seconds = agent.latency_s * MEAN_SPREAD
        if agent.condition == "5xx":
            rate *= 0.1
        elif agent.condition == "slow":
            seconds *= 8
        elif agent.condition == "garbage":
            rate *= 0.05
        seconds *= 1 + max(0, queued + 1 - agent.capacity) / agent.capacity
        return (rate * 0.3 if seconds > 3.5 else rate), seconds

    def drift(self) -> None:
        """Let a second's worth of moods pass."""
        ceiling = 0.999999 if self.scenario.flawless else 0.99
        for agent in self.agents.values():
            for capability, rate in agent.quality.items():
                mood = logit(rate)
                mood += 0.02 * (agent.usual_quality[capability] - mood)
                mood += self._moods.gauss(0, self.scenario.drift)
                agent.quality[capability] = min(ceiling, max(0.05, 1 / (1 + math.exp(-mood))))
            pull = 0.02 * math.log(agent.usual_latency_s / agent.latency_s)
            agent.latency_s *= math.exp(pull + self._moods.gauss(0, 0.04))

    def _spread_capabilities(self, chance: random.Random) -> None:
        """See that at least three agents have each capability."""
        rate = 0.999999 if self.scenario.flawless else 0.85
        everyone = list(self.agents.values())
        for capability in CAPABILITIES:
            while sum(capability in agent.quality for agent in everyone) < 3:
                agent = chance.choice(everyone)
                if capability not in agent.quality:
                    agent.quality[capability], agent.declared[capability] = rate, 0.85
                    agent.usual_quality[capability] = logit(rate)

    def _choose_joiners(self, chance: random.Random) -> None:
        """Let some agents join late, but never leave a capability to one agent until then."""
        free = [agent for agent in self.agents.values() if agent not in self.flapping]
        late = chance.sample(free, self.scenario.joining)
        there = [agent for agent in self.agents.values() if agent not in late]
        for agent in late:
            if all(sum(key in other.quality for other in there) >= 2 for key in agent.quality):
                agent.joins_at = 0.4 * self.scenario.seconds

    def _plan_outages(self, chance: random.Random) -> tuple[Outage, ...]:
        """Spread the outages over the time; no agent has two within 30 s."""
        kinds = FAULTS[:4] if self.scenario.flawless else FAULTS
        steady = [
            agent
            for agent in self.agents.values()
            if agent not in self.flapping and not agent.joins_at
        ]
        planned: list[Outage] = []
        for number in range(self.scenario.outages):
            fault = kinds[number % len(kinds)]
            share = (number + 0.5 * chance.random()) / self.scenario.outages
            begins = FIRST_OUTAGE_S + (self.scenario.seconds - 150) * share
            ends = begins + chance.uniform(25, 50)
            # Every second hang has also lost its heartbeat; a crash always has.
            silent = fault == "crash" or (fault == "hang" and chance.random() < 0.5)
            agent = chance.choice(steady)
            if not any(
                other.agent is agent and begins <= other.ends + 30 and ends >= other.begins - 30
                for other in planned
            ):
                planned.append(Outage(agent, begins, ends, fault, silent))
        return tuple(planned)


def _agent(name: str, scenario: Scenario, chance: random.Random) -> SimAgent:
    capacity = chance.choice((2, 4, 4, 8))
    known = chance.sample(CAPABILITIES, 2)
    quality = {key: min(0.985, max(0.45, chance.betavariate(14, 1.4))) for key in known}
    declared = {
        key: min(0.98, max(0.4, rate + chance.gauss(0, 0.10))) for key, rate in quality.items()
    }
    latency_s = math.exp(chance.uniform(math.log(0.3), math.log(1.5)))
    error_rate = chance.uniform(0.002, 0.02)
    if scenario.flawless:
        quality = dict.fromkeys(known, 0.999999)
        declared = dict.fromkeys(known, 0.95)
        error_rate = 0.0
    return SimAgent(
        name=name,
        capacity=capacity,
        quality=quality,
        declared=declared,
        latency_s=latency_s,
        error_rate=error_rate,
        usual_latency_s=latency_s,
        usual_quality={key: logit(rate) for key, rate in quality.items()},
    )
