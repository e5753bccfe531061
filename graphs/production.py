"""The main line: source to publication, with the operator's word in the middle.

    scout → write → edit → match_offers → render → check → package → ask → wait → publish → report
      ↑       ↑_______|  (at most twice, with the editor's reasons)
      |_______|          (a feed's next item, when the writer or the editor refuses one)

LangGraph stays inside this file. No node has an effect outside the database before `wait`'s
interrupt, and every node may run again after a crash: `Crew.do` returns what is already done.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from bookai.db import approvals, jobs
from bookai.db.pool import Pool
from bookai.errors import BookAIError, Refused, TryLater
from bookai.models import Capability, Report, VideoJob
from graphs.state import State, first_state
from graphs.steps import Crew, Step

logger = logging.getLogger(__name__)

MAX_EDITS = 2
MAX_SKIPS = 3

Status = Literal["done", "waiting", "refused", "failed", "queued"]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a job got. `again_after_s` is set when a later try may work."""

    status: Status
    reason: str | None = None
    again_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Plain:
    """A node that only lets the crew do one step."""

    crew: Crew
    capability: Capability

    async def __call__(self, state: State) -> dict[str, Any]:
        await self.crew.do(Step(state["job_id"], self.capability, state["skips"]))
        return {}


class Production:
    """Moves one job along the main line until it is published, refused, or waits."""

    def __init__(
        self,
        crew: Crew,
        pool: Pool,
        new_saver: Callable[[], BaseCheckpointSaver[Any]],
        approval_ttl: timedelta,
        now: Callable[[], datetime],
        rules_of: approvals.RulesOf = approvals.anyone,
    ) -> None:
        self._crew = crew
        self._pool = pool
        self._new_saver = new_saver
        self._ttl = approval_ttl
        self._now = now
        self._rules_of = rules_of

    async def advance(self, job_id: int) -> Advance:
        """Carry a job on from its last finished step, as far as it goes.

        The caller holds the job's lock: the checkpointer has none of its own.
        """
        graph = self._compile(self._new_saver())
        config: RunnableConfig = {"configurable": {"thread_id": f"job-{job_id}"}}
        found = await graph.aget_state(config)
        if found.created_at is not None and not found.next:
            await self._set(job_id, "done", stage="done")
            return Advance("done")
        if found.interrupts:
            if await self._is_undecided(job_id):
                return await self._waits(job_id)
            command: State | Command[Any] | None = Command(resume="decided")
        else:
            command = first_state(job_id) if found.created_at is None else None
        try:
            await self._set(job_id, "running")
            await graph.ainvoke(command, config, durability="sync")
        except Refused as error:
            return await self._stop(job_id, Advance("refused", str(error)))
        except TryLater as error:
            return await self._stop(job_id, Advance("queued", str(error), error.after_s))
        except BookAIError as error:
            return await self._stop(job_id, Advance("failed", str(error)))
        after = await graph.aget_state(config)
        if after.next:
            return await self._waits(job_id)
        await self._set(job_id, "done", stage="done")
        return Advance("done")

    def _compile(self, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
        graph = StateGraph(State)
        graph.add_node("scout", self._scout)
        graph.add_node("write", self._write)
        graph.add_node("edit", self._edit)
        plain: tuple[Capability, ...] = (
            "match_offers", "render", "check", "package", "publish",
        )  # fmt: skip
        for name in plain:
            graph.add_node(name, _Plain(self._crew, name))
        graph.add_node("ask", self._ask)
        graph.add_node("report", self._report)
        graph.add_node("wait", self._wait)
        graph.add_edge(START, "scout")
        graph.add_edge("scout", "write")
        graph.add_conditional_edges("write", _turn, {"go_on": "edit", "next_source": "scout"})
        graph.add_conditional_edges(
            "edit", _turn, {"go_on": "match_offers", "rewrite": "write", "next_source": "scout"}
        )
        line = ("match_offers", "render", "check", "package", "ask", "wait", "publish", "report")
        for before, after in itertools.pairwise(line):
            graph.add_edge(before, after)
        graph.add_edge("report", END)
        return graph.compile(checkpointer=saver)

    async def _scout(self, state: State) -> dict[str, Any]:
        await self._crew.do(Step(state["job_id"], "scout", state["skips"], _give_up_source))
        return {"turn": "go_on"}

    async def _write(self, state: State) -> dict[str, Any]:
        edits = state["edits"]

        def prepare(job: VideoJob) -> VideoJob:
            return job.model_copy(update={"edits": edits})

        step = Step(state["job_id"], "write", _round(state), prepare)
        try:
            await self._crew.do(step)
        except Refused:
            if await self._has_next_source(state):
                return {"turn": "next_source", "skips": state["skips"] + 1, "edits": 0}
            raise
        return {"turn": "go_on"}

    async def _edit(self, state: State) -> dict[str, Any]:
        job = await self._crew.do(Step(state["job_id"], "edit", _round(state)))
        if job.review is None or job.review.verdict == "accept":
            return {"turn": "go_on"}
        if job.review.verdict == "send_back" and state["edits"] < MAX_EDITS:
            return {"turn": "rewrite", "edits": state["edits"] + 1}
        if await self._has_next_source(state):
            return {"turn": "next_source", "skips": state["skips"] + 1, "edits": 0}
        raise Refused("the editor refused the script: " + "; ".join(job.review.reasons))

    async def _ask(self, state: State) -> dict[str, Any]:
        """Write the approval row; asking twice for the same bytes gives the same row."""
        job = await jobs.load(self._pool, state["job_id"])
        if job.post is None or job.render is None:
            raise BookAIError(f"job {job.job_id} has nothing to approve: package it first")
        async with self._pool.acquire() as con, con.transaction():
            approval_id = await approvals.request(
                con,
                job.job_id,
                job.post,
                job.render.video_path,
                self._now(),
                self._ttl,
                self._rules_of(job.channel),
            )
            await jobs.save(con, job.model_copy(update={"approval_id": approval_id}))
            await jobs.set_status(con, job.job_id, "waiting", stage="approval")
        return {}

    async def _wait(self, state: State) -> dict[str, Any]:
        """Stop here until an operator decided; the answer is read from the table, never passed."""
        if await self._is_undecided(state["job_id"]):
            interrupt({"job_id": state["job_id"]})
        job = await jobs.load(self._pool, state["job_id"])
        row = await approvals.get(self._pool, job.approval_id or 0)
        if row.state == "approved":
            await self._set(job.job_id, "running", stage="publish")
            return {}
        if row.state == "rejected":
            raise Refused(f"rejected by {row.decided_by}: {row.note}")
        raise Refused(
            f"approval {row.approval_id} is {row.state}; nothing was published. "
            f"Make the video again: bookai make {job.source!r}"
        )

    async def _report(self, state: State) -> dict[str, Any]:
        """Read results home. The post is out: failing here must not call the job failed."""
        step = Step(state["job_id"], "report", state["skips"])
        try:
            await self._crew.do(step)
        except BookAIError as error:
            job = await jobs.load(self._pool, step.job_id)
            note = Report(views=None, note=f"not read: {error}")
            async with self._pool.acquire() as con, con.transaction():
                await jobs.save(con, job.model_copy(update={"report": note}))
        return {}

    async def _waits(self, job_id: int) -> Advance:
        if (await jobs.get(self._pool, job_id)).status != "waiting":
            await self._set(job_id, "waiting", stage="approval")
        return Advance("waiting")

    async def _is_undecided(self, job_id: int) -> bool:
        job = await jobs.load(self._pool, job_id)
        row = await approvals.get(self._pool, job.approval_id or 0)
        return row.state == "pending"

    async def _has_next_source(self, state: State) -> bool:
        job = await jobs.load(self._pool, state["job_id"])
        more = job.trend is not None and job.trend.considered > len(job.skipped) + 1
        return more and state["skips"] < MAX_SKIPS

    async def _set(self, job_id: int, status: str, stage: str | None = None) -> None:
        async with self._pool.acquire() as con, con.transaction():
            await jobs.set_status(con, job_id, status, stage=stage)

    async def _stop(self, job_id: int, advance: Advance) -> Advance:
        async with self._pool.acquire() as con, con.transaction():
            await jobs.set_status(con, job_id, advance.status, reason=advance.reason)
        logger.info(
            "Job %s is %s: %s",
            job_id,
            advance.status,
            advance.reason,
            extra={"action": "job_stopped", "job_id": job_id},
        )
        return advance


def _turn(state: State) -> str:
    return state["turn"]


def _round(state: State) -> int:
    """Return the number of this write and edit: at most MAX_EDITS + 1 for each source."""
    return state["skips"] * (MAX_EDITS + 1) + state["edits"]


def _give_up_source(job: VideoJob) -> VideoJob:
    """Forget the source that could not be used, so that the scout takes the next one."""
    if job.trend is None:
        return job
    gone = {"trend": None, "article": None, "script": None, "review": None, "edits": 0}
    return job.model_copy(update={"skipped": (*job.skipped, job.trend.url), **gone})
