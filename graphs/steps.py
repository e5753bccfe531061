"""One step: rank the agents that can, run the best, fall back to the next, record all."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from agents.base import Agent, Context
from bookai.db import audit, executions, jobs
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, Fenced
from bookai.errors import BookAIError, OperatorNeeded, Refused, TryLater
from bookai.metrics import AGENT_RUNS, AGENT_SECONDS, FALLBACKS
from bookai.models import Capability, Fallback, VideoJob
from bookai.router import Candidate, Choice, rank
from graphs.queues import queue_of

logger = logging.getLogger(__name__)

DEADLINE_S: Mapping[Capability, float] = {
    "scout": 180,
    "write": 420,
    "edit": 60,
    "match_offers": 60,
    "render": 900,
    "check": 240,
    "package": 60,
    "publish": 360,
    "report": 120,
}

Progress = Callable[[float, str], Awaitable[None]]
IsOurs = Callable[[], Awaitable[None]]
MakeContext = Callable[[str, VideoJob, Progress, IsOurs], Context]
"""Agent, job, how to report progress, and what raises `Fenced` once the job is no longer ours."""


def unchanged(job: VideoJob) -> VideoJob:
    """Prepare nothing."""
    return job


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one run; `round_` tells repetitions of the same step apart."""

    fence: Fence
    capability: Capability
    round_: int = 0
    prepare: Callable[[VideoJob], VideoJob] = unchanged

    @property
    def job_id(self) -> int:
        """The job it is a step of."""
        return self.fence.job_id


@dataclass(frozen=True, slots=True)
class Crew:
    """The agents on duty and what they may use."""

    agents: Mapping[str, Agent]
    pool: Pool
    make_context: MakeContext
    now: Callable[[], datetime]

    async def do(self, step: Step) -> VideoJob:
        """Let the best agent do this step, then the next best, until one succeeds.

        A step that was done before a crash is not done again: its stored result is returned.

        Raises:
            Refused, OperatorNeeded: nobody else is asked, another candidate would say the same.
            Fenced: another process took the job; nothing was written.
            BookAIError: the last candidate's own error, when all have failed.
        """
        job = await jobs.load(self.pool, step.job_id)
        async with step.fence.writing(self.pool) as con:
            task_id, done = await executions.open_task(
                con, step.job_id, step.capability, step.round_
            )
            queue = queue_of(step.capability)
            await standing.begin_stage(con, step.job_id, step.capability, queue)
        if done:
            return job
        known = job.fallbacks
        job = step.prepare(job)
        choices = await self._rank(step.capability)
        failed: list[tuple[Choice, BookAIError]] = []
        for choice in choices:
            try:
                attempt = _Attempt(self, step, task_id, choice, choices, known)
                return await attempt.run(_note_failover(job, step.capability, failed, choice))
            except (Refused, OperatorNeeded, Fenced):
                raise
            except BookAIError as error:
                logger.warning(
                    "%s failed at %s of job %s: %s",
                    choice.name,
                    step.capability,
                    step.job_id,
                    error,
                    extra={"action": "agent_failed", "job_id": step.job_id},
                )
                failed.append((choice, error))
        raise failed[-1][1]

    async def _rank(self, capability: Capability) -> tuple[Choice, ...]:
        candidates = [
            Candidate(agent.name, frozenset(agent.capabilities)) for agent in self.agents.values()
        ]
        choices = rank(
            candidates, capability, await executions.past(self.pool, capability), self.now()
        )
        if not choices:
            raise OperatorNeeded(
                f"no agent can {capability!r}.", mend="Add a file with that capability to agents/."
            )
        return choices


def _note_failover(
    job: VideoJob,
    capability: Capability,
    failed: Sequence[tuple[Choice, BookAIError]],
    standing_in: Choice,
) -> VideoJob:
    if not failed:
        return job
    first, error = failed[-1]
    FALLBACKS.labels("agent").inc()
    fallback = Fallback(
        what=f"agent for {capability}", wanted=first.name, used=standing_in.name, why=str(error)
    )
    return job.model_copy(update={"fallbacks": (*job.fallbacks, fallback)})


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One agent's attempt at one step, from its first audit row to its last."""

    crew: Crew
    step: Step
    task_id: int
    choice: Choice
    choices: Sequence[Choice]
    known: tuple[Fallback, ...]

    async def run(self, job: VideoJob) -> VideoJob:
        execution_id = await self._begin()
        started = time.monotonic()
        agent = self.crew.agents[self.choice.name]
        limit_s = DEADLINE_S[self.step.capability]
        context = self.crew.make_context(agent.name, job, self._progress, self._check)
        try:
            async with asyncio.timeout(limit_s) as deadline:
                done = await agent.run(self.step.capability, job, context)
        except TimeoutError as error:
            if not deadline.expired():  # somebody else's time was up: the database's, for one
                await self._end(execution_id, "failed", started, "TimeoutError inside")
                raise
            late = TryLater(f"{agent.name} was not done with {self.step.capability} in {limit_s} s")
            await self._end(execution_id, "timeout", started, str(late))
            raise late from error
        except Fenced:
            raise
        except BookAIError as error:
            outcome = "refused" if isinstance(error, Refused) else "failed"
            await self._end(execution_id, outcome, started, str(error))
            raise
        except asyncio.CancelledError:
            # Whatever cancelled us may have taken the job or the database away.
            with suppress(BookAIError, *DATABASE_ERRORS):
                await asyncio.shield(self._end(execution_id, "cancelled", started, "cancelled"))
            raise
        except Exception as error:
            # A defect of the agent: it goes on to the door, but not without a trace.
            await self._end(execution_id, "failed", started, f"{type(error).__name__} inside")
            raise
        await self._end(execution_id, "ok", started, None, done)
        return done

    async def _begin(self) -> int:
        pool, step = self.crew.pool, self.step
        async with step.fence.writing(pool) as con:
            body = {
                "job_id": step.job_id,
                "capability": step.capability,
                "agent": self.choice.name,
                "candidates": [choice.as_json() for choice in self.choices],
            }
            await audit.append(con, "agent.chosen", "router", body)
            return await executions.start(con, self.task_id, self.choice.name, self.choices)

    async def _end(
        self,
        execution_id: int,
        outcome: str,
        started: float,
        error: str | None,
        job: VideoJob | None = None,
    ) -> None:
        """Write the result, the execution, the task and the audit row in one transaction."""
        step, name, seconds = self.step, self.choice.name, time.monotonic() - started
        AGENT_RUNS.labels(name, step.capability, outcome).inc()
        AGENT_SECONDS.labels(name, step.capability).observe(seconds)
        async with step.fence.writing(self.crew.pool) as con:
            await executions.finish(con, execution_id, outcome, error, seconds)
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
            body = {
                "job_id": step.job_id,
                "capability": step.capability,
                "agent": name,
                "outcome": outcome,
                "error": error or "",
                "ms": round(seconds * 1000),
            }
            await audit.append(con, "agent.ended", f"agent:{name}", body)

    async def _progress(self, fraction: float, message: str) -> None:
        del message  # the display shows stage and percent; the text belongs to MCP clients
        percent = max(0, min(100, round(fraction * 100)))
        await standing.set_progress(self.crew.pool, self.step.fence, self.step.capability, percent)

    async def _check(self) -> None:
        await self.step.fence.check(self.crew.pool)
