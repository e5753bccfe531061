"""Keep up with the hosts of agents: who is there, what they can, and that they live."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from bookai.db.memory import BEAT_S, DEAD_AFTER_S
from bookai.errors import BookAIError, OperatorNeeded
from bookai.house import VERSION
from bookai.llm.hosted.line import is_near
from bookai.models import Capability
from bookai.toolbox import Toolbox, open_toolbox
from graphs.members import Members
from graphs.outcomes import one_line
from studio.hosts.accept import LENDABLE, TRUSTED
from studio.hosts.remote import Line, RemoteAgent
from studio.hosts.wire import DESCRIBE, MAX_AGENTS, AgentThere, HostThere, name_at

logger = logging.getLogger(__name__)

KNOWN: frozenset[str] = frozenset(get_args(Capability))
IN_TIME = 0.9
"""The part of a beat within which a host must answer."""

DIAL_S = 4.5

MEND = "Start the host of agents there: bookai agents serve"


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where a host of agents is, what opens it, and what it is trusted with.

    Raises:
        OperatorNeeded: the token would cross a network that is not one's own in the clear.
    """

    name: str
    url: str
    token: str = field(default="", repr=False)
    capabilities: frozenset[Capability] = frozenset(TRUSTED)

    def __post_init__(self) -> None:
        """Refuse to send a token in the clear."""
        if self.token and self.url.startswith("http:") and not is_near(self.url):
            raise OperatorNeeded(
                f"agent host {self.name!r} would be sent its token over plain http.",
                mend="Use https, or an address in your own network.",
            )


@asynccontextmanager
async def reach_hosts(
    members: Members,
    hosts: Iterable[HostAddress],
    work_dir: Path,
    *,
    beat_s: float = BEAT_S,
    dead_after_s: float = DEAD_AFTER_S,
) -> AsyncIterator[None]:
    """Keep every host's agents among the members for as long as this is open.

    A host that does not answer costs nothing but its place: it is asked again each `beat_s`.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_Reach(members, host, work_dir, beat_s, dead_after_s).keep())
            for host in hosts
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


class _Reach:
    """One host, kept in a task of its own."""

    def __init__(
        self, members: Members, host: HostAddress, work_dir: Path, beat_s: float, dead_s: float
    ) -> None:
        self._members = members
        self._host = host
        self._work_dir = work_dir
        self._beat_s = beat_s
        self._dead_s = dead_s
        self._met = set[str]()
        self._joined: dict[str, AgentThere] = {}
        self._on_duty = set[str]()
        self._heard_at = asyncio.get_running_loop().time()
        self._told = ""

    async def keep(self) -> None:
        """Dial until the host answers, then beat; for ever."""
        try:
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    await self._dial()
                except (BookAIError, TimeoutError) as error:
                    self._note(one_line(error))
                except Exception as error:
                    # A door: whatever a host does to the client's library must not end the studio.
                    name = type(error).__name__
                    logger.exception("Broke inside, at %s", self._host.name)
                    self._note(f"{name} inside")
                if (task := asyncio.current_task()) and task.cancelling():
                    raise asyncio.CancelledError  # the library may have hidden it
                left_s = began + self._beat_s - asyncio.get_running_loop().time()
                await asyncio.sleep(max(0.0, left_s))
        finally:
            for name in self._on_duty:
                self._members.leave(name)

    async def _dial(self) -> None:
        """Open a line and beat over it, until the host was silent for too long."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(DIAL_S):
                hand = await stack.enter_async_context(
                    open_toolbox(self._host.url, self._host.token, mend=MEND, check_schema=False)
                )
            line = Line(self._host.name, hand, self._work_dir)
            stack.callback(line.close)
            self._joined.clear()
            await self._beat(line)

    async def _beat(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(self._beat_s * IN_TIME):
                    there = await _ask(line.toolbox)
            except (BookAIError, TimeoutError) as error:
                self._note(one_line(error))
                if loop.time() - self._heard_at > self._dead_s:
                    line.close()
                    return  # a new line is tried: this one may lead to a machine that is gone
            else:
                self._heard_at = loop.time()
                self._take(there, line)
            await asyncio.sleep(max(0.0, began + self._beat_s - loop.time()))

    def _take(self, there: HostThere, line: Line) -> None:
        """Let join who is new or changed, beat who is there, let go who is not offered any more."""
        offered = set()
        for one in there.agents:
            may = self._may(one)
            if not may or not self._is_one_of_few(one.name):
                continue
            name = name_at(one.name, self._host.name)
            offered.add(name)
            # In flight changes by the second, and is the host's own count of all its callers.
            told = one.model_copy(update={"in_flight": 0})
            if self._joined.get(one.name) != told:
                self._met.add(one.name)
                self._joined[one.name] = told
                self._members.join(RemoteAgent(one, may, line), kind="remote")
            self._members.beat(name)
        for name in self._on_duty - offered:
            self._members.leave(name)
        self._joined = {
            name: told
            for name, told in self._joined.items()
            if name_at(name, self._host.name) in offered
        }
        if offered != self._on_duty or self._told:
            who = ", ".join(sorted(offered)) or "nobody that may work here"
            logger.info("On duty at %s: %s", self._host.name, who, extra={"action": "host_joined"})
        self._on_duty, self._told = offered, ""

    def _may(self, there: AgentThere) -> frozenset[Capability]:
        trusted = self._host.capabilities & LENDABLE
        return frozenset(one for one in trusted if one in there.capabilities)

    def _is_one_of_few(self, name: str) -> bool:
        # Names become rows and labels of metrics: a host that invents new ones gets no further.
        return name in self._met or len(self._met) < MAX_AGENTS

    def _note(self, why: str) -> None:
        """Say it once: a host that is down for the night must not fill the log."""
        if why != self._told:
            self._told = why
            logger.warning(
                "No beat from %s: %s", self._host.name, why, extra={"action": "host_silent"}
            )


async def _ask(hand: Toolbox) -> HostThere:
    there = await hand.call(DESCRIBE, HostThere)
    if there.version != VERSION:
        raise OperatorNeeded(
            f"the host has version {there.version!r}, this studio {VERSION!r}.",
            mend="Install the same on both.",
        )
    return there
