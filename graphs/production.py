"""The main line: source to publication, with the operator's word in the middle.

    scout → write → edit → match_offers → render → check → package → ask → wait → publish → report
      ↑       ↑_______|  (at most twice, with the editor's reasons)
      |_______|          (a feed's next item, when the writer or the editor refuses one)

LangGraph stays in this folder. A run goes as far as its worker may: it stops before a step whose
queue that worker does not serve, and whoever serves it goes on from the checkpoint.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from bookai.db import approvals, jobs
from bookai.db.pool import Pool, Unreachable
from bookai.db.runs.fence import Fence, Fenced, take
from bookai.errors import BookAIError, NotYet, Refused, TryLater
from bookai.models import Queue
from graphs.advance import Advance
from graphs.line import NODES, Line
from graphs.queues import EVERY_QUEUE, queue_of
from graphs.state import State, first_state
from graphs.steps import Crew

logger = logging.getLogger(__name__)

Graph = CompiledStateGraph[Any, Any, Any, Any]
NewSaver = Callable[[Fence], BaseCheckpointSaver[Any]]


class Production:
    """Moves a job along the main line until it is published, refused, waiting or handed over."""

    def __init__(
        self,
        crew: Crew,
        pool: Pool,
        new_saver: NewSaver,
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

    async def advance(
        self, job_id: int, fence: Fence | None = None, queues: frozenset[Queue] = EVERY_QUEUE
    ) -> Advance:
        """Carry a job on from its last finished step, as far as it goes within `queues`.

        The caller holds the job's lock: the checkpointer has none of its own. Without a `fence`
        the job is taken here.

        Raises:
            Fenced: another process took the job meanwhile; nothing of this run was written since.
            Unreachable: Postgres went away; what was written is where the next run goes on.
        """
        fence = fence or await take(self._pool, job_id)
        line = Line(self._crew, self._pool, fence, self._ttl, self._now, self._rules_of)
        graph = line.compile(self._new_saver(fence))
        config: RunnableConfig = {"configurable": {"thread_id": f"job-{job_id}"}}
        found = await _found(graph, config, line)
        if found.created_at is not None and not found.tasks:
            return await _done(line)
        if _asks(found) and await line.is_undecided():
            return await self._waits(line)
        if (foreign := _stands_at(found)) not in queues:
            return Advance("queued", hand_over=foreign)
        try:
            await line.set_status("running")
            await graph.ainvoke(
                _command(found, job_id),
                config,
                durability="sync",
                interrupt_before=[node for node in NODES if queue_of(node) not in queues],
            )
        except (Fenced, Unreachable):
            raise  # nothing can be written now, and none of it is the job's fault
        except BookAIError as error:
            # Its yes may have been taken back at the last moment: then it is asked anew.
            if isinstance(error, NotYet) and _asks(await _found(graph, config, line)):
                return await self._waits(line)
            return await self._stop(fence, _stopped_by(error))
        after = await graph.aget_state(config)
        if not after.tasks:
            return await _done(line)
        if after.interrupts:
            return await self._waits(line)
        return Advance("queued", hand_over=_stands_at(after))

    async def _waits(self, line: Line) -> Advance:
        if (await jobs.get(self._pool, line.fence.job_id)).status != "waiting":
            await line.set_status("waiting", stage="approval")
        return Advance("waiting")

    async def _stop(self, fence: Fence, advance: Advance) -> Advance:
        async with fence.writing(self._pool) as con:
            await jobs.set_status(con, fence.job_id, advance.status, reason=advance.reason)
        logger.info(
            "Job %s is %s: %s",
            fence.job_id,
            advance.status,
            advance.reason,
            extra={"action": "job_stopped", "job_id": fence.job_id},
        )
        return advance


async def _done(line: Line) -> Advance:
    await line.set_status("done", stage="done")
    return Advance("done")


def _stopped_by(error: BookAIError) -> Advance:
    match error:
        case Refused():
            return Advance("refused", str(error))
        case TryLater():
            held = isinstance(error, NotYet)
            return Advance("queued", str(error), error.after_s, held=held)
        case _:
            return Advance("failed", str(error))


async def _found(graph: Graph, config: RunnableConfig, line: Line) -> StateSnapshot:
    """Return where the run stands; it does not publish what was asked anew meanwhile."""
    found = await graph.aget_state(config)
    if _next(found) == "publish" and await line.is_asked_anew():
        return await _back_to_asking(graph, config)
    return found


async def _back_to_asking(graph: Graph, config: RunnableConfig) -> StateSnapshot:
    """Let a run that was about to publish stand where it waits for an operator."""
    await graph.aupdate_state(config, {"turn": "go_on"}, as_node="ask")
    return await graph.aget_state(config)


def _stands_at(state: StateSnapshot) -> Queue:
    """Return the queue of the next node; a job that was never begun stands at the first.

    By its tasks, not by `next`: that leaves out a node whose result is written while the checkpoint
    behind it is not, as after a crash between the two, and looks as if the run were over.
    """
    return queue_of(_next(state))


def _asks(state: StateSnapshot) -> bool:
    return bool(state.interrupts) or _next(state) == "wait"


def _next(state: StateSnapshot) -> str:
    return state.tasks[0].name if state.tasks else "scout"


def _command(found: StateSnapshot, job_id: int) -> State | Command[Any] | None:
    """Return what makes the graph go on from what was found."""
    if found.interrupts:
        return Command(resume="decided")
    return first_state(job_id) if found.created_at is None else None
