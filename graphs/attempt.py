"""One agent's attempt at one step, from its first audit row to its last."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TYPE_CHECKING

from agents.base import Agent
from bookai.db import audit, executions, jobs
from bookai.db.pool import DATABASE_ERRORS, UNKEEPABLE
from bookai.db.runs import standing
from bookai.db.runs.fence import Fenced
from bookai.errors import BookAIError, Refused, ToolFailed, TryLater
from bookai.metrics import AGENT_RUNS, AGENT_SECONDS
from bookai.models import Fallback, VideoJob
from bookai.router import Lease, Outcome
from graphs.outcomes import check_answer, outcome_of

if TYPE_CHECKING:
    from graphs.steps import Crew, Step

logger = logging.getLogger(__name__)

SHOW_EVERY_S = 1.0
TOLD = 20
"""Candidates that are written down with each choice; the audit log takes no endless bodies."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is attempted: `nth` counts the step's attempts from 1, `known` are older fallbacks."""

    crew: "Crew"
    step: "Step"
    task_id: int
    lease: Lease
    agent: Agent
    nth: int
    tried: Sequence[str]
    known: tuple[Fallback, ...]
    began: float = field(default_factory=time.monotonic, init=False)
    shown: list[tuple[float, int]] = field(default_factory=lambda: [(-inf, -1)], init=False)

    async def run(self, job: VideoJob, limit_s: float, until: float) -> VideoJob:
        """Let the agent work on `job` and write down how it went.

        It has `limit_s`, and no longer than `until` by the loop's clock.

        Raises:
            Fenced: another process took the job; nothing was written.
            BookAIError: the agent's own error, or `TryLater` when its time was up.
        """
        async with self.lease:
            execution_id = await self._begin()
            try:
                done = await self._work(job, limit_s, until)
            except Fenced:
                raise
            except _OutOfTime as error:
                late = TryLater(str(error))
                # With less time than it is due, it says nothing about the agent.
                ended: Outcome = "timeout" if error.in_full else "client"
                await self._end(execution_id, ended, str(late))
                raise late from error
            except BookAIError as error:
                await self._end(execution_id, outcome_of(error), str(error))
                raise
            except asyncio.CancelledError:
                # Whatever cancelled us may have taken the job or the database away.
                with suppress(BookAIError, *DATABASE_ERRORS):
                    await asyncio.shield(self._end(execution_id, "cancelled", "cancelled"))
                raise
            except Exception as error:
                # A defect of the agent: it goes on to the door, but not without a trace.
                await self._end(execution_id, outcome_of(error), f"{type(error).__name__} inside")
                raise
            try:
                await self._end(execution_id, "ok", None, done)
            except UNKEEPABLE as error:
                bad = ToolFailed(f"what came back cannot be kept ({type(error).__name__})")
                await self._end(execution_id, "quality", str(bad))
                raise bad from error
            return done

    async def _work(self, job: VideoJob, limit_s: float, until: float) -> VideoJob:
        agent, now = self.agent, asyncio.get_running_loop().time()
        in_full = limit_s <= until - now
        limit_s = max(0.0, min(limit_s, until - now))
        until = now + limit_s
        context = self.crew.make_context(agent.name, job, self._progress, self._check, until)
        try:
            async with asyncio.timeout_at(until) as deadline:
                done = await agent.run(self.step.capability, job, context)
        except TimeoutError as error:
            if not deadline.expired():
                raise Stalled(f"{agent.name} waited in vain for something it used") from error
            raise _OutOfTime(
                f"{agent.name} was not done with {self.step.capability} in {limit_s:.3g} s", in_full
            ) from error
        except Refused as error:
            if self.crew.members.wants_second_word(agent.name, self.step.capability, self.tried):
                raise Unconfirmed(error) from error
            raise
        except (BookAIError, *DATABASE_ERRORS):
            raise
        except Exception as error:
            # A door: a defect of one agent is no reason not to ask another.
            logger.exception("%s broke", agent.name, extra={"action": "agent_broke"})
            raise Broken(agent.name, error) from error
        return check_answer(self.step.capability, job, done)

    async def _begin(self) -> int:
        step, candidates = self.step, [score.as_json() for score in self.lease.scores[:TOLD]]
        async with step.fence.writing(self.crew.pool) as con:
            body = {
                "job_id": step.job_id,
                "capability": step.capability,
                "round": step.round_,
                "attempt": self.nth,
                "agent": self.lease.name,
                "tried": list(self.tried),
                "candidates": candidates,
                "more": max(0, len(self.lease.scores) - TOLD),
                "place": self.crew.members.place,
            }
            await audit.append(con, "agent.chosen", "router", body)
            begun = executions.Begun(
                self.lease.name, step.capability, candidates, self.crew.members.place
            )
            return await executions.start(con, self.task_id, begun)

    async def _end(
        self, execution_id: int, outcome: Outcome, error: str | None, job: VideoJob | None = None
    ) -> None:
        """Write the result, the execution, the task and the audit row in one transaction."""
        step, name, seconds = self.step, self.lease.name, time.monotonic() - self.began
        stored = executions.STORED[outcome][0]
        if outcome != "ok":
            self._credit(outcome, seconds)
        async with step.fence.writing(self.crew.pool) as con:
            ended = executions.Ended(outcome, error, seconds)
            await executions.finish(con, execution_id, ended)
            await jobs.add_seconds(con, step.job_id, step.capability, seconds)
            if job is not None:
                await jobs.save(con, job)
                await executions.close_task(con, self.task_id, "done")
                await standing.get_further(con, step.job_id)
                for fallback in job.fallbacks:
                    if fallback not in self.known:
                        note = {"job_id": step.job_id, **fallback.model_dump()}
                        await audit.append(con, "fallback.used", f"agent:{name}", note)
            elif outcome == "refused":
                await executions.close_task(con, self.task_id, "refused")
            await audit.append(con, "agent.ended", f"agent:{name}", self._told(ended, stored))
        if outcome == "ok":  # only once it is kept: what cannot be is no success
            self._credit(outcome, seconds)

    def _credit(self, outcome: Outcome, seconds: float) -> None:
        name, capability = self.lease.name, self.step.capability
        AGENT_RUNS.labels(name, capability, outcome).inc()
        AGENT_SECONDS.labels(name, capability).observe(seconds)
        self.lease.end(outcome, seconds)

    def _told(self, ended: executions.Ended, stored: str) -> Mapping[str, object]:
        return {
            "job_id": self.step.job_id,
            "capability": self.step.capability,
            "round": self.step.round_,
            "attempt": self.nth,
            "agent": self.lease.name,
            "outcome": stored,
            "fault": executions.STORED[ended.outcome][1],
            "error": ended.error or "",
            "ms": round(ended.seconds * 1000),
        }

    async def _progress(self, fraction: float, message: str) -> None:
        del message  # the display shows stage and percent; the text belongs to MCP clients
        if not isfinite(fraction):
            return
        percent = max(0, min(100, round(fraction * 100)))
        now = time.monotonic()
        shown_at, shown = self.shown[-1]
        if percent == shown or (percent < 100 and now - shown_at < SHOW_EVERY_S):
            return  # whoever reports without end must not keep the database busy
        self.shown[:] = [(now, percent)]
        await standing.set_progress(self.crew.pool, self.step.fence, self.step.capability, percent)

    async def _check(self) -> None:
        await self.step.fence.check(self.crew.pool)


class Broken(ToolFailed):
    """An agent let out an error that it should have known: a defect, or its connection."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name} broke inside ({type(error).__name__}); the studio's log has it")
        self.outcome: Outcome = "infra" if isinstance(error, OSError) else "quality"


class Unconfirmed(BookAIError):
    """An agent elsewhere refuses the job: one of our own is asked before the job ends by it."""

    outcome: Outcome = "client"  # whether it was right will show

    def __init__(self, refusal: Refused) -> None:
        super().__init__(f"refused it, which nobody here has confirmed: {refusal}")


class Stalled(TryLater):
    """Time ran out inside an agent that still had its own: of a database or a server, for one."""

    outcome: Outcome = "infra"


class _OutOfTime(BookAIError):
    """The agent's own time was up; `in_full`: it had all that an attempt is due."""

    def __init__(self, why: str, in_full: bool) -> None:
        super().__init__(why)
        self.in_full = in_full
