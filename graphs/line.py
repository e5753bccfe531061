"""The nodes of the main line and their order, for one run of one job.

No node has an effect outside the database before `wait`'s interrupt, and every node may run again
after a crash: `Crew.do` returns what is already done.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from bookai import tracing
from bookai.db import approvals, jobs
from bookai.db.pool import Pool
from bookai.db.runs import standing
from bookai.db.runs.fence import Fence, Fenced
from bookai.errors import BookAIError, Refused
from bookai.metrics import FALLBACKS
from bookai.models import Capability, Fallback, Report, VideoJob
from graphs.queues import queue_of
from graphs.state import State
from graphs.steps import Crew, Step, unchanged

MAX_EDITS = 2
MAX_SKIPS = 3

PLAIN: tuple[Capability, ...] = ("match_offers", "render", "check", "package", "publish")
LINE = ("match_offers", "render", "check", "package", "ask", "wait", "publish", "report")
ANEW = frozenset({"render", "check", "package", "wait"})
"""After these the film may have to be made anew: a shot was swapped, or cannot be shown."""
NODES = ("scout", "write", "edit", *LINE)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A node that only lets the crew do one step."""

    line: "Line"
    capability: Capability

    async def __call__(self, state: State) -> dict[str, Any]:
        swaps = state.get("swaps", 0)
        try:
            await self.line.do(self.capability, _making(self.capability, state))
        except Refused as error:
            mendable = swaps and self.capability in ANEW
            if mendable and await self.line.give_up_swaps(error):
                return {"turn": "again", "swaps": swaps + 1}
            raise
        return {"turn": "go_on"}


@dataclass(frozen=True, slots=True)
class Line:
    """The main line for one run: `fence` is what that run writes under."""

    crew: Crew
    pool: Pool
    fence: Fence
    approval_ttl: timedelta
    now: Callable[[], datetime]
    rules_of: approvals.RulesOf = approvals.anyone

    def compile(self, saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the graph, ready to be invoked."""
        graph = StateGraph(State)
        graph.add_node("scout", self._scout)
        graph.add_node("write", self._write)
        graph.add_node("edit", self._edit)
        for name in PLAIN:
            graph.add_node(name, _Plain(self, name))
        graph.add_node("ask", self._ask)
        graph.add_node("report", self._report)
        graph.add_node("wait", self._wait)
        graph.add_edge(START, "scout")
        graph.add_edge("scout", "write")
        graph.add_conditional_edges("write", _turn, {"go_on": "edit", "next_source": "scout"})
        graph.add_conditional_edges(
            "edit", _turn, {"go_on": "match_offers", "rewrite": "write", "next_source": "scout"}
        )
        for before, after in itertools.pairwise(LINE):
            if before in ANEW:
                graph.add_conditional_edges(before, _turn, {"go_on": after, "again": "render"})
            else:
                graph.add_edge(before, after)
        graph.add_edge("report", END)
        return graph.compile(checkpointer=saver)

    async def do(
        self,
        capability: Capability,
        round_: int,
        prepare: Callable[[VideoJob], VideoJob] = unchanged,
    ) -> VideoJob:
        """Let the crew do one step of this run."""
        return await self.crew.do(Step(self.fence, capability, round_, prepare))

    async def _scout(self, state: State) -> dict[str, Any]:
        await self.do("scout", state["skips"], _give_up_source)
        return {"turn": "go_on"}

    async def _write(self, state: State) -> dict[str, Any]:
        edits = state["edits"]

        def prepare(job: VideoJob) -> VideoJob:
            return job.model_copy(update={"edits": edits})

        try:
            await self.do("write", _round(state), prepare)
        except Refused:
            if await self._has_next_source(state):
                return {"turn": "next_source", "skips": state["skips"] + 1, "edits": 0}
            raise
        return {"turn": "go_on"}

    async def _edit(self, state: State) -> dict[str, Any]:
        job = await self.do("edit", _round(state))
        if job.review is None or job.review.verdict == "accept":
            return {"turn": "go_on"}
        if job.review.verdict == "send_back" and state["edits"] < MAX_EDITS:
            return {"turn": "rewrite", "edits": state["edits"] + 1}
        if await self._has_next_source(state):
            return {"turn": "next_source", "skips": state["skips"] + 1, "edits": 0}
        raise Refused("the editor refused the script: " + "; ".join(job.review.reasons))

    async def _ask(self, state: State) -> dict[str, Any]:
        """Write the approval row; asking twice for the same bytes gives the same row."""
        job = await self._load()
        if job.post is None or job.render is None:
            raise BookAIError(f"job {job.job_id} has nothing to approve: package it first")
        async with self.fence.writing(self.pool) as con:
            approval_id = await approvals.request(
                con,
                job.job_id,
                job.post,
                job.render.video_path,
                self.now(),
                self.approval_ttl,
                self.rules_of(job.channel),
            )
            await jobs.save(con, job.model_copy(update={"approval_id": approval_id}))
            await standing.begin_stage(con, job.job_id, "approval", queue_of("wait"))
            await jobs.set_status(con, job.job_id, "waiting", stage="approval")
        return {}

    async def _wait(self, state: State) -> dict[str, Any]:
        """Stop here until an operator decided; the answer is read from the table, never passed."""
        if await self.is_undecided():
            interrupt({"job_id": state["job_id"]})
        job = await self._load()
        if job.approval_id is None:  # a shot was swapped: the film is made anew
            return {"turn": "again", "swaps": state.get("swaps", 0) + 1}
        row = await approvals.get(self.pool, job.approval_id)
        self._trace_wait(row)
        if row.state == "approved":
            await self.set_status("running", stage="publish")
            return {"turn": "go_on"}
        if row.state == "rejected":
            # The reason is somebody's own words: it stays where it can be erased.
            raise Refused(f"rejected by {row.decided_by}: bookai approvals show {row.approval_id}")
        raise Refused(
            f"approval {row.approval_id} is {row.state}; nothing was published. "
            f"Ask anew: bookai approvals renew {row.approval_id}"
        )

    def _trace_wait(self, row: approvals.Approval) -> None:
        ended = row.decided_at or row.expires_at
        wait = tracing.Past(
            "approval", row.job_id, str(row.approval_id), row.requested_at, ended, row.state
        )
        tracing.told(wait)

    async def _report(self, state: State) -> dict[str, Any]:
        """Read results home. The post is out: failing here must not call the job failed."""
        try:
            await self.do("report", state["skips"])
        except Fenced:
            raise
        except BookAIError as error:
            job = await self._load()
            note = Report(views=None, note=f"not read: {error}")
            async with self.fence.writing(self.pool) as con:
                await jobs.save(con, job.model_copy(update={"report": note}))
        return {}

    async def give_up_swaps(self, error: Refused) -> bool:
        """Forget the swapped shots, whose film was refused, and say so; False: there are none."""
        job = await self._load()
        if not job.swaps:
            return False
        wanted = ", ".join(f"{kind} for line {line}" for line, kind in job.swaps.items())
        note = Fallback(
            what="swapped shot", wanted=wanted, used="the shots that were chosen", why=str(error)
        )
        FALLBACKS.labels(note.what).inc()
        kept = job.model_copy(update={"swaps": {}, "fallbacks": (*job.fallbacks, note)})
        async with self.fence.writing(self.pool) as con:
            await jobs.save(con, kept)
        return True

    async def is_undecided(self) -> bool:
        """Tell whether the job waits for an operator who has not answered."""
        job = await self._load()
        if job.approval_id is None:
            return False
        row = await approvals.get(self.pool, job.approval_id)
        return row.state == "pending"

    async def is_asked_anew(self) -> bool:
        """Tell whether nothing is decided about what was to be published: it was asked anew."""
        job = await self._load()
        return job.approval_id is None or await self.is_undecided()

    async def set_status(self, status: str, stage: str | None = None) -> None:
        """Change the job's status, as this run."""
        async with self.fence.writing(self.pool) as con:
            await jobs.set_status(con, self.fence.job_id, status, stage=stage)

    async def _has_next_source(self, state: State) -> bool:
        job = await self._load()
        more = job.trend is not None and job.trend.considered > len(job.skipped) + 1
        return more and state["skips"] < MAX_SKIPS

    async def _load(self) -> VideoJob:
        return await jobs.load(self.pool, self.fence.job_id)


def _turn(state: State) -> str:
    return state["turn"]


def _round(state: State) -> int:
    """Return the number of this write and edit: at most MAX_EDITS + 1 for each source."""
    return state["skips"] * (MAX_EDITS + 1) + state["edits"]


def _making(capability: Capability, state: State) -> int:
    """Return the number of this step: a swapped shot has the film made, checked, packaged anew."""
    anew = 0 if capability == "match_offers" else state.get("swaps", 0)
    return state["skips"] + (MAX_SKIPS + 1) * anew


def _give_up_source(job: VideoJob) -> VideoJob:
    """Forget the source that could not be used, so that the scout takes the next one."""
    if job.trend is None:
        return job
    gone = {"trend": None, "article": None, "script": None, "review": None, "edits": 0}
    return job.model_copy(update={"skipped": (*job.skipped, job.trend.url), **gone})
