"""The central queue that a policy may use: tasks wait here, not at an agent that may break."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.simulation.policies.base import WAIT, Policy
from benchmarks.simulation.world import CAPABILITIES

DEADLINE_S = 12.0
# A task is given up when less than this is left: most attempts would not finish it.
SHORTEST_S = 2.0
# Once the head has waited for this share of its time, the newest goes first; 1 = never.
NEWEST_FIRST_AFTER = 1.0
LOOKED_PAST = 8


@dataclass(slots=True, eq=False)
class Task:
    """`luck` holds, for each attempt: how long it takes, whether it errs, how good it is."""

    number: int
    capability: str
    arrived: float
    luck: tuple[tuple[float, float, float], ...]
    tried: frozenset[str] = frozenset()
    attempts: int = 0

    def late(self, now: float) -> bool:
        return now > self.arrived + DEADLINE_S - SHORTEST_S


@dataclass(slots=True)
class WaitingRoom:
    """One queue a capability. Whoever takes a task calls `send`, whoever gives it up `finish`."""

    policy: Policy
    send: Callable[[Task, str, float], None]
    finish: Callable[[Task, str | None, float], None]
    _queues: dict[str, deque[Task]] = field(
        default_factory=lambda: {capability: deque() for capability in CAPABILITIES}
    )

    def offer(self, task: Task, now: float) -> None:
        """Send a task or let it wait. A second attempt goes first: it has waited already."""
        queue = self._queues[task.capability]
        if queue and not task.attempts:
            queue.append(task)
            return
        name = self.policy.choose(task.capability, now, task.tried)
        if name == WAIT:
            queue.append(task)
        elif name is None:
            self.finish(task, "nobody", now)
        else:
            self.send(task, name, now)

    def look(self, now: float) -> None:
        """Send what can be sent, what waits longest first."""
        for capability in sorted(filter(self._queues.get, self._queues), key=self._oldest):
            self._drain(self._queues[capability], capability, now)

    def freed(self, name: str, capabilities: Iterable[str], now: float) -> None:
        """Somebody is free: what waits longest and suits it best goes first."""
        waiting = [capability for capability in capabilities if self._queues[capability]]
        if len(waiting) > 1:
            suits = self.policy.suits(name, now)
            waiting.sort(key=lambda key: (self._oldest(key) - now) * suits[key])
        for capability in waiting:
            self._drain(self._queues[capability], capability, now)

    def _oldest(self, capability: str) -> float:
        return self._queues[capability][0].arrived

    def _drain(self, queue: deque[Task], capability: str, now: float) -> None:
        while queue and queue[0].late(now):
            self.finish(queue.popleft(), "shed", now)
        passed = 0
        while len(queue) > passed:
            newest_first = now - queue[0].arrived > NEWEST_FIRST_AFTER * DEADLINE_S
            place = len(queue) - 1 - passed if newest_first else passed
            task = queue[place]
            if task.late(now):
                del queue[place]
                self.finish(task, "shed", now)
                continue
            name = self.policy.choose(capability, now, task.tried)
            if name is not None and name != WAIT:
                del queue[place]
                self.send(task, name, now)
            elif task.attempts and passed < LOOKED_PAST:
                passed += 1  # It waits for *other* agents: those behind it need not.
            else:
                return
