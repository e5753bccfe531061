"""Where tasks are kept: what the server needs of it; `bookai/db/mcp/tasks.py` fills it in."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from bookai.mcp_tasks import Ended, NewTask, TaskRow, Wish


class Line(Protocol):
    """Shows others that this worker lives, and rings when it is called."""

    async def wait(self, limit_s: float) -> None:
        """Return when it rings, or after `limit_s`."""


class TaskStore(Protocol):
    """Tasks that outlive their process. Every method raises `TryLater` when it cannot tell."""

    async def create(self, new: NewTask) -> TaskRow:
        """Keep a new task; it is durable when this returns."""

    async def get(self, task_id: str, principal: str) -> TaskRow | None:
        """Return the principal's task, or None: unknown, expired, or somebody else's."""

    async def tell(self, task_id: str, worker: str, message: str) -> None:
        """Say how far a live task is."""

    async def cancel(self, task_id: str, principal: str) -> None:
        """Ask the worker to stop; an ended task stays as it is."""

    async def ask(self, task_id: str, worker: str, asks: Mapping[str, Any]) -> bool:
        """Set a task waiting for answers; return whether it was still at work."""

    async def answer(self, task_id: str, principal: str, answers: Mapping[str, Any]) -> None:
        """Note answers to questions that were asked; with the last one the work goes on."""

    async def finish(
        self, task_id: str, worker: str, state: Ended, outcome: Mapping[str, Any] | None
    ) -> bool:
        """End a task; return whether it was still this worker's to end."""

    async def beat(self, worker: str) -> tuple[Wish, ...]:
        """Say that the worker lives; return what is wished of each of its live tasks."""

    async def tidy(self, worker: str, lost: Mapping[str, Any]) -> Mapping[str, int]:
        """End dead workers' tasks with the error `lost`, forget expired ones, count the rest."""

    def line(self, worker: str) -> AbstractAsyncContextManager[Line]:
        """Show that the worker lives, and hear its calls."""
