"""One step: let the best agent that is free do it, then the next best, and record all.

wait for the best that is free ──→ attempt, under a limit ──→ done, refused, or an operator's
      ↑                                  │ failed
      └── budget and time left, others ──┘        else: one line that says who was tried and why
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.base import Context
from bookai import tracing
from bookai.db import executions, jobs
from bookai.db.pool import Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, Fenced
from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, TryLater
from bookai.metrics import FALLBACKS
from bookai.models import Capability, Fallback, VideoJob
from bookai.router import Lease, NobodyCan, RetriesSpent, Saturated, TooLate
from graphs.attempt import Attempt, Unconfirmed
from graphs.chain import LIMITS, Failed, end_of, stood_in
from graphs.measures import Measured
from graphs.members import Members
from graphs.outcomes import outcome_of
from graphs.queues import queue_of

logger = logging.getLogger(__name__)

AGAIN_S = 10.0
"""After so long a step is tried again for which nobody was free."""

Progress = Callable[[float, str], Awaitable[None]]
IsOurs = Callable[[], Awaitable[None]]
MakeContext = Callable[[str, VideoJob, Progress, IsOurs, float], Context]
"""Agent, job, how to report progress, what raises `Fenced` once the job is no longer ours, and
until when, on the loop's clock, the attempt may last."""


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
class _Task:
    """A step that is being done; `until` by the loop's clock, `known` are older fallbacks."""

    step: Step
    task_id: int
    until: float
    known: tuple[Fallback, ...]
    measured: Measured


@dataclass(frozen=True, slots=True)
class Crew:
    """The agents on duty and what they may use."""

    members: Members
    pool: Pool
    make_context: MakeContext

    async def do(self, step: Step) -> VideoJob:
        """Let the best agent do this step, then the next best, until one succeeds.

        A step that was done before a crash is not done again: its stored result is returned. There
        is one deadline for waiting and for all attempts together.

        Raises:
            Refused, OperatorNeeded, NotYet: nobody else is asked, another would say the same.
            Fenced: another process took the job; nothing was written.
            TryLater: nobody was free in time, or one of those who failed may work later.
            BookAIError: all have failed; one line says who was tried, and why each failed.
        """
        limit = LIMITS[step.capability]
        loop = asyncio.get_running_loop()
        until = loop.time() + limit.step_s
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
        told = {"capability": step.capability, "round": step.round_}
        with Measured(step.capability) as measured, tracing.span("step", step.job_id, **told):
            return await self._chain(_Task(step, task_id, until, known, measured), job)

    async def _chain(self, task: _Task, job: VideoJob) -> VideoJob:
        """Ask one after another until one succeeds."""
        step, failed, limit = task.step, list[Failed](), LIMITS[task.step.capability]
        while True:
            lease = await self._next(step.capability, task.until, failed)
            agent = self.members.agents.get(lease.name)
            if agent is None:  # its host took it back while we were being woken
                lease.end("cancelled")
                continue
            tried = [one.name for one in failed]
            attempt = Attempt(
                self, step, task.task_id, lease, agent, len(failed) + 1, tried, task.known
            )
            task.measured.attempt()
            if failed:
                FALLBACKS.labels("agent").inc()
                task.measured.move_on(outcome_of(failed[-1].error))
                note = stood_in(step.capability, failed[-1], lease.name)
                job = job.model_copy(update={"fallbacks": (*job.fallbacks, note)})
            try:
                with tracing.span("attempt", step.job_id, agent=lease.name, attempt=attempt.nth):
                    done = await attempt.run(job, limit.attempt_s, task.until)
            except (Refused, OperatorNeeded, NotYet, Fenced):
                raise
            except BookAIError as error:
                _warn(step, lease.name, error)
                if isinstance(error, TryLater) and outcome_of(error) == "busy":
                    self.members.rest(lease.name, error.after_s)
                failed.append(Failed(lease.name, error))
            else:
                for one in failed:
                    if isinstance(one.error, Unconfirmed):
                        self.members.contradict(one.name, step.capability)
                return done

    async def _next(self, capability: Capability, until: float, failed: list[Failed]) -> Lease:
        """Return who does it next; without anybody, raise what the chain ends with."""
        members = self.members
        tried = frozenset(one.name for one in failed)
        left_s = until - asyncio.get_running_loop().time()
        able = members.able(capability, tried)
        silent = [name for name in able if members.is_silent(name)]
        if len(silent) == len(able):
            raise _nobody(capability, silent, failed)
        if failed and left_s <= 0:
            raise end_of(capability, failed, "No time was left for anybody else")
        try:
            # Who is only busy has not failed: asking another takes nothing from the retries.
            # Nor does a second word on what somebody elsewhere refused.
            last = failed[-1].error if failed else None
            second = last is not None and not (
                isinstance(last, Unconfirmed) or outcome_of(last) == "busy"
            )
            return await members.acquire(capability, left_s, tried, second=second)
        except NobodyCan as error:
            raise _nobody(capability, silent, failed) from error
        except (RetriesSpent, Saturated, TooLate) as error:
            if failed and not any(isinstance(one.error, Unconfirmed) for one in failed):
                raise end_of(capability, failed, str(error).rstrip(".")) from error
            after_s = error.after_s if isinstance(error, TryLater) else AGAIN_S
            raise TryLater(f"{capability} waits: {error}", after_s=after_s) from error


def _nobody(capability: Capability, silent: list[str], failed: list[Failed]) -> BookAIError:
    gone = f"{', '.join(silent)} did not answer for three beats" if silent else ""
    if failed:
        return end_of(capability, failed, gone)
    if silent:
        return TryLater(f"nobody can {capability!r} now: {gone}. See them: bookai agents")
    return OperatorNeeded(
        f"no agent can {capability!r}.", mend="Add a file with that capability to agents/."
    )


def _warn(step: Step, name: str, error: BookAIError) -> None:
    logger.warning(
        "%s failed at %s of job %s: %s",
        name,
        step.capability,
        step.job_id,
        error,
        extra={"action": "agent_failed", "job_id": step.job_id},
    )
