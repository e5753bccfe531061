"""The agents as the router sees them now, read when somebody scrapes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bookai.metrics.instruments import Family, enter
from bookai.metrics.labels import AGENT, BREAKER, CAPABILITY, OTHER

Breaker = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class AgentState:
    """One agent now; `heard_at` in unix seconds, `success` the expected rate by capability."""

    name: str
    in_flight: int
    capacity: int
    success: Mapping[str, float]
    breaker: Breaker
    heard_at: float


Look = Callable[[], Iterable[AgentState]]

HEARTBEAT = enter(
    "bookai_agent_heartbeat_timestamp_seconds", "gauge", "When an agent was last heard", (AGENT,), 0
)
IN_FLIGHT = enter("bookai_agent_in_flight", "gauge", "Attempts an agent is at", (AGENT,), 0)
CAPACITY = enter("bookai_agent_capacity", "gauge", "Attempts an agent takes at once", (AGENT,), 0)
SUCCESS = enter(
    "bookai_agent_success_probability",
    "gauge",
    "Expected success of an agent, 0 to 1",
    (AGENT, CAPABILITY),
    60,
)
STATE = enter(
    "bookai_agent_breaker_state",
    "gauge",
    "1 for the state that an agent's breaker is in; other states have no series",
    (AGENT, BREAKER),
    50,
)


class Agents(Collector):
    """Asks at each scrape: nothing goes stale, and who left is gone."""

    def __init__(self) -> None:
        self._looks: list[Look] = []

    @contextmanager
    def watch(self, look: Look) -> Iterator[None]:
        """Show what `look` returns while this is open; it is called in the scrape's thread.

        Two studios in one process may be open at once: the later one's word counts.
        """
        self._looks.append(look)
        try:
            yield
        finally:
            self._looks.remove(look)

    def describe(self) -> Iterable[Metric]:
        """Name the families without looking."""
        return [_metric(family) for family in (HEARTBEAT, IN_FLIGHT, CAPACITY, SUCCESS, STATE)]

    def collect(self) -> Iterator[Metric]:
        """Return the gauges of all agents, at most as many as the label allows."""
        heard, busy, room = _metric(HEARTBEAT), _metric(IN_FLIGHT), _metric(CAPACITY)
        success, state = _metric(SUCCESS), _metric(STATE)
        agents = {agent.name: agent for look in tuple(self._looks) for agent in look()}
        for name, agent in sorted(agents.items()):
            if AGENT.admit(name) == OTHER:
                continue  # a gauge of several agents at once would tell nothing
            heard.add_metric([name], agent.heard_at)
            busy.add_metric([name], agent.in_flight)
            room.add_metric([name], agent.capacity)
            state.add_metric([name, BREAKER.admit(agent.breaker)], 1)
            for capability, rate in agent.success.items():
                if len(success.samples) < SUCCESS.most:
                    success.add_metric([name, CAPABILITY.admit(capability)], rate)
        yield from (heard, busy, room, success, state)


def _metric(family: Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.label_names)


AGENTS = Agents()
"""The agents of this process; it is there before any agent is, so it is registered once."""

REGISTRY.register(AGENTS)
