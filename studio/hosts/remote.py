"""An agent of another host, as the router and the graph see any agent."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.base import Agent, Context
from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Capability, VideoJob
from bookai.toolbox import NoAnswer, Toolbox
from graphs.outcomes import one_line
from studio.hosts.accept import accept
from studio.hosts.wire import LONGEST_S, RUN, AgentThere, StepDone, name_at

logger = logging.getLogger(__name__)

_LONGEST_WAIT_S = 300.0
LATE_S = 1.0


class HostGone(BookAIError):
    """The host, not the agent, is the reason: it went away in the middle, or never answered."""

    outcome = "infra"


class HostUnfit(BookAIError):
    """The host lacks what an operator must give it, such as a program or a model."""

    outcome = "infra"


class Line:
    """The way to one host. `work_dir` holds a folder for each job, of which its files must be."""

    def __init__(self, host: str, toolbox: Toolbox, work_dir: Path) -> None:
        self.host = host
        self.toolbox = toolbox
        self.work_dir = work_dir
        self.is_open = True
        self._waiting = set[asyncio.Timeout]()

    def close(self) -> None:
        """End every call that waits: the host was found silent."""
        self.is_open = False
        now = asyncio.get_running_loop().time()
        for one in self._waiting:
            one.reschedule(now)

    @contextmanager
    def heard(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Let `limit` strike early, should the host fall silent."""
        self._waiting.add(limit)
        try:
            yield
        finally:
            self._waiting.discard(limit)


class RemoteAgent(Agent):
    """One agent of a host. `until` of an attempt travels with it as the seconds that are left."""

    def __init__(self, there: AgentThere, capabilities: frozenset[Capability], line: Line) -> None:
        self.name = name_at(there.name, line.host)
        self.capabilities = capabilities
        self.capacity = there.capacity
        self.proficiency = there.proficiency
        self._there = there.name
        self._line = line

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        """Let the host do it, and take from its answer what this step may change.

        Raises:
            HostGone: the host fell silent or broke off.
            Unacceptable: the answer is not what this step may make of the job.
            BookAIError: the agent's own error, of the class that it had there.
        """
        if ctx.tools.before is not None:  # what it raises is ours, not the host's
            await ctx.tools.before()
        if not self._line.is_open:
            raise HostGone(f"{self._line.host} does not answer")
        until = ctx.tools.until
        hand = self._line.toolbox.acting(self._there, job.job_id, ctx.progress, until=until)
        try:
            # None: whoever gave the work cancels us at its deadline.
            async with asyncio.timeout(None) as limit:
                with self._line.heard(limit):
                    done = await hand.call(
                        RUN,
                        StepDone,
                        agent=self._there,
                        capability=capability,
                        job=job.model_dump_json(),
                        channel=ctx.channel.model_dump_json(),
                        seconds_left=_left_s(until),
                    )
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HostGone(f"{self._line.host} did not answer for three beats") from error
        except BookAIError as error:
            raise self._ours(error) from error
        except Exception as error:
            # A door: what the client's library makes of nonsense is the host's failure, not ours.
            logger.exception("Broke inside, at %s", self._line.host)
            raise HostGone(f"{self._line.host} spoke no MCP ({type(error).__name__})") from error
        return await asyncio.to_thread(
            accept, capability, job, done.job, self._line.work_dir / str(job.job_id)
        )

    def _ours(self, error: BookAIError) -> BookAIError:
        """Return a host's error as one of ours: one short line, waiting for minutes at most."""
        said = one_line(error)
        match error:
            case NoAnswer():
                return HostGone(f"{self._line.host} broke off: {said}")
            case Refused():
                return Refused(said)
            case TryLater():
                return TryLater(said, after_s=min(error.after_s, _LONGEST_WAIT_S))
            case OperatorNeeded():
                # Somebody must mend that host; another may be well.
                return HostUnfit(f"{self._line.host}: {said}")
            case _:
                return ToolFailed(said)


def _left_s(until: float | None) -> float:
    """Return what the host has: a little less than we wait, for its answer says more than ours."""
    if until is None:
        return LONGEST_S
    left_s = until - asyncio.get_running_loop().time()
    return round(max(0.0, min(left_s - min(LATE_S, left_s / 10), LONGEST_S)), 3)
