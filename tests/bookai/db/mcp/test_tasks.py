"""The table of tasks: what its rows keep to whoever writes, and whose worker counts as dead."""

from typing import Any

import asyncpg
import pytest

from bookai.db.mcp.tasks import LOCK, Tasks
from bookai.db.pool import Pool, connect
from bookai.errors import TryLater
from bookai.mcp_tasks import NewTask, TaskRow, Wish

LOST = {"code": -32603, "message": "lost"}


def new(number: int = 1, **changes: Any) -> NewTask:
    fields = {"principal": "operator:ann", "tool": "speak", "worker": "w1", "ttl_s": 60.0}
    return NewTask(task_id=f"task-number-{number:08}", **{**fields, **changes})


@pytest.fixture
def tasks(pool: Pool, dsn: str) -> Tasks:
    """Who is silent at all and holds no lock is dead."""
    return Tasks(pool, dsn, silence_s=0)


async def again(tasks: Tasks, row: TaskRow) -> TaskRow:
    found = await tasks.get(row.task_id, row.principal)
    assert found is not None
    return found


async def test_an_ended_task_stays_as_it_ended_and_is_kept_until_it_expires(
    tasks: Tasks, pool: Pool
) -> None:
    row = await tasks.create(new())
    result = {"content": [{"type": "text", "text": "a \x00 of the world, \ud83d too"}]}

    assert await tasks.finish(row.task_id, "w1", "completed", result)
    assert not await tasks.finish(row.task_id, "w1", "failed", LOST)
    for statement in (
        "UPDATE mcp_tasks SET state = 'working', result = NULL",
        "DELETE FROM mcp_tasks",
    ):
        with pytest.raises(asyncpg.CheckViolationError, match="stays so until it expires"):
            await pool.execute(statement)

    found = await again(tasks, row)
    assert (found.state, found.result, found.error) == ("completed", result, None)


async def test_the_program_cannot_say_whose_a_task_is_or_when_it_began(
    tasks: Tasks, pool: Pool
) -> None:
    await tasks.create(new())

    for column in ("principal", "worker", "tool", "task_id"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"UPDATE mcp_tasks SET {column} = 'another'")  # noqa: S608  # a constant
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE mcp_tasks SET expires_at = now() + interval '9 days'")


async def test_a_live_task_is_not_forgotten_even_when_it_expired(tasks: Tasks, pool: Pool) -> None:
    await tasks.create(new(ttl_s=60))
    row = await pool.fetchrow("SELECT count(*) AS tasks FROM mcp_tasks")

    with pytest.raises(asyncpg.CheckViolationError, match="not forgotten before it ended"):
        await pool.execute("DELETE FROM mcp_tasks")

    assert row["tasks"] == 1


async def test_only_its_worker_ends_a_task_and_only_its_principal_knows_it(tasks: Tasks) -> None:
    row = await tasks.create(new())

    assert not await tasks.finish(row.task_id, "w2", "completed", {})
    assert await tasks.get(row.task_id, "operator:bob") is None
    await tasks.cancel(row.task_id, "operator:bob")
    assert await tasks.beat("w1") == (Wish(task_id=row.task_id, cancel=False),)
    await tasks.cancel(row.task_id, "operator:ann")
    assert await tasks.beat("w1") == (Wish(task_id=row.task_id, cancel=True),)


async def test_a_worker_that_holds_its_lock_is_alive_and_one_without_is_dead(
    tasks: Tasks, dsn: str
) -> None:
    """Point 23: whose lock is free and who is silent has died; his tasks end."""
    living, dead = await tasks.create(new(1)), await tasks.create(new(2, worker="w2"))
    wished = await tasks.create(new(3, worker="w2"))
    await tasks.cancel(wished.task_id, wished.principal)

    async with tasks.line("w1"):
        counts = await tasks.tidy("w3", LOST)

    assert counts == {"working": 1, "failed": 1, "cancelled": 1}
    assert (await again(tasks, living)).state == "working"
    assert (await again(tasks, dead)).error == LOST


async def test_a_worker_that_is_silent_for_only_a_moment_is_spared(pool: Pool, dsn: str) -> None:
    patient = Tasks(pool, dsn, silence_s=30)
    await patient.create(new())

    assert await patient.tidy("w3", LOST) == {"working": 1}


async def test_a_frozen_worker_loses_its_tasks_though_it_holds_its_lock(
    pool: Pool, dsn: str
) -> None:
    """Point 23: who holds his lock and says nothing for long counts as dead as well."""
    tasks = Tasks(pool, dsn, silence_s=0, frozen_s=0)
    await tasks.create(new())

    async with tasks.line("w1"):
        assert await tasks.tidy("w3", LOST) == {"failed": 1}


async def test_a_line_rings_for_its_own_worker_alone(tasks: Tasks, pool: Pool) -> None:
    row = await tasks.create(new())
    other = await tasks.create(new(2, worker="w2"))

    async with tasks.line("w1") as line:
        await tasks.cancel(other.task_id, other.principal)
        await line.wait(0.05)
        assert not line.rung.is_set()
        await tasks.cancel(row.task_id, row.principal)
        await line.wait(20)

    assert [wish.cancel for wish in await tasks.beat("w1")] == [True]


async def test_a_line_that_breaks_is_told_and_its_lock_is_free(
    tasks: Tasks, dsn: str, admin_dsn: str
) -> None:
    owner = await connect(admin_dsn)
    try:
        with pytest.raises(TryLater, match="does not answer"):
            await break_line(tasks, owner)
        took = await owner.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"{LOCK}w1"
        )
    finally:
        await owner.close()

    assert took


async def break_line(tasks: Tasks, owner: asyncpg.Connection) -> None:
    async with tasks.line("w1") as line:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'bookai line' AND datname = current_database()"
        )
        await line.wait(20)
