"""Calls and tasks while the database does not answer."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bookai.db.pool import Pool, connect
from bookai.errors import TryLater
from bookai.mcp_tasks import NewTask, TaskRow
from bookai.mcp_tasks.client import cancel_task
from tests.mcp_server.tasks.shop import ANN, begun, patient, reached, rows, shop

BREAK_LINES = """
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE application_name = 'bookai line'
   AND datname = current_database()
"""


@dataclass(frozen=True)
class Deaf:
    """A store whose database takes nothing new."""

    store: Any

    async def create(self, new: NewTask) -> TaskRow:
        raise TryLater("The database does not answer.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


async def test_a_call_that_cannot_be_written_down_stays_a_call(pool: Pool, dsn: str) -> None:
    studio = shop(pool, dsn)
    studio.store = Deaf(studio.store)
    async with patient(studio.server(ANN)) as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("work_long", {}))
        await studio.gate.entered.wait()
        studio.gate.opened.set()

    assert call.result().structured_content == {"what": "operator:ann"}
    assert await rows(pool) == []


@dataclass
class Restarting:
    """A store whose database is away when the first task ends."""

    store: Any
    refusals: int = 1

    async def finish(self, *ended: Any) -> bool:
        if self.refusals:
            self.refusals -= 1
            raise TryLater("The database does not answer.")
        answer: bool = await self.store.finish(*ended)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


async def test_an_answer_is_noted_though_the_database_was_away_when_it_came(
    pool: Pool, dsn: str
) -> None:
    studio = shop(pool, dsn)
    studio.store = Restarting(studio.store)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        studio.gate.opened.set()
        ended = await reached(client, task.task_id, "completed", "failed")

    assert ended.status == "completed"


async def test_a_broken_line_is_made_anew_and_wishes_are_heeded_again(
    pool: Pool, dsn: str, admin_dsn: str
) -> None:
    """Point 22: a worker whose connection broke hears of a cancel all the same."""
    studio = shop(pool, dsn)
    owner = await connect(admin_dsn)
    try:
        async with patient(studio.server(ANN)) as client:
            task = await begun(client, studio.gate)
            await owner.execute(BREAK_LINES)
            await cancel_task(client.session, task.task_id)
            ended = await reached(client, task.task_id, "cancelled")
    finally:
        await owner.close()

    assert ended.status == "cancelled"
    assert studio.gate.left == ["cancelled"]
