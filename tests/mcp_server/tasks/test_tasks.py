"""Tasks through the SDK's own client, on a real Postgres; two servers stand for two processes."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from prometheus_client import REGISTRY

from bookai.db import audit
from bookai.db.pool import Pool
from bookai.mcp_tasks.client import Patient, Task, cancel_task, get_task
from mcp_server.auth import Principal
from tests.mcp_server.tasks.shop import (
    ANN,
    BOB,
    LIMIT_S,
    QUICK,
    begun,
    patient,
    reached,
    rows,
    shop,
    texts,
)


async def test_a_slow_call_returns_within_a_second_as_a_task_that_is_written_down(
    pool: Pool, dsn: str
) -> None:
    """Point 20: a call that takes long is a task within 1 s; its row is there before the reply."""
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        started = time.monotonic()
        task = await begun(client, studio.gate)
        took_s = time.monotonic() - started

        assert took_s < 1
        assert await rows(pool) == [("work_long", "working")]
        assert (task.status, task.ttl_ms, task.poll_interval_ms) == ("working", 14_400_000, 500)
        studio.gate.opened.set()
        ended = await reached(client, task.task_id, "completed")

    assert ended.result is not None
    assert ended.result["structuredContent"] == {"what": "operator:ann"}


async def test_a_quick_call_is_answered_and_leaves_no_task(pool: Pool, dsn: str) -> None:
    studio = shop(pool, dsn, terms=replace(QUICK, grace_s=5))
    async with patient(studio.server(ANN)) as client:
        answer = await client.call_tool("echo", {"text": "hello"})

    assert answer.structured_content == {"text": "hello", "by": "operator:ann"}
    assert await rows(pool) == []


async def test_a_patient_client_gets_the_last_answer_from_an_ordinary_call(
    pool: Pool, dsn: str
) -> None:
    studio = shop(pool, dsn)
    said: list[str | None] = []

    async def look(task: Task) -> None:
        said.append(task.status_message)
        studio.gate.opened.set()

    async with Client(studio.server(ANN), extensions=[Patient(on_status=look)]) as client:
        answer = await client.call_tool("work_long", {})

    assert answer.structured_content == {"what": "operator:ann"}
    assert said[0] == "40% half way"
    assert await rows(pool) == [("work_long", "completed")]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_without_tasks_waits_and_hears_rising_progress(
    pool: Pool, dsn: str, mode: Any
) -> None:
    """Point 20: a client that does not know tasks gets progress and then its answer, both eras."""
    studio = shop(pool, dsn)
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)
        if message == "half way":
            studio.gate.opened.set()

    async with Client(studio.server(ANN), mode=mode) as client:
        answer = await client.call_tool("work_long", {}, progress_callback=hear)

    assert answer.structured_content == {"what": "operator:ann"}
    assert heard == sorted(heard)
    assert 0.4 in heard
    assert await rows(pool) == []


async def test_progress_becomes_the_tasks_status_message(pool: Pool, dsn: str) -> None:
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)

        assert (await get_task(client.session, task.task_id)).status_message == "40% half way"
        studio.gate.opened.set()


async def test_a_result_is_read_after_a_restart_and_elsewhere_but_by_nobody_else(
    pool: Pool, dsn: str
) -> None:
    """Point 21: `tasks/get` works after a restart and elsewhere; for anyone else it is -32602."""
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        studio.gate.opened.set()
        await reached(client, task.task_id, "completed")

    later = shop(pool, dsn)
    async with patient(later.server(ANN)) as again, patient(later.server(BOB)) as other:
        found = await get_task(again.session, task.task_id)
        with pytest.raises(MCPError) as unknown:
            await get_task(other.session, task.task_id)
        with pytest.raises(MCPError) as not_his_to_stop:
            await cancel_task(other.session, task.task_id)

    assert found.status == "completed"
    assert (unknown.value.code, not_his_to_stop.value.code) == (-32602, -32602)


async def test_a_principal_who_lost_the_right_to_call_a_tool_loses_its_tasks(
    pool: Pool, dsn: str
) -> None:
    """Point 21: the right is looked at again at every question."""
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        studio.gate.opened.set()
        await reached(client, task.task_id, "completed")

    async with patient(studio.server(Principal(ANN.name, frozenset({"agent"})))) as stripped:
        with pytest.raises(MCPError) as unknown:
            await get_task(stripped.session, task.task_id)

    assert unknown.value.code == -32602


async def test_a_task_is_cancelled_within_two_seconds_by_another_process(
    pool: Pool, dsn: str
) -> None:
    """Point 22: cancel reaches the process that works, whichever it is, and the task ends so."""
    here, there = shop(pool, dsn), shop(pool, dsn)
    async with patient(here.server(ANN)) as client, patient(there.server(ANN)) as elsewhere:
        task = await begun(client, here.gate)
        started = time.monotonic()
        await cancel_task(elsewhere.session, task.task_id)
        ended = await reached(elsewhere, task.task_id, "cancelled")
        took_s = time.monotonic() - started
        await cancel_task(elsewhere.session, task.task_id)

    assert ended.status == "cancelled"
    assert took_s < 2
    assert here.gate.left == ["cancelled"]
    assert [body["outcome"] for _, _, body in here.rows] == ["cancelled"]
    asked = await audit.search(pool, kind="task.cancel_asked", limit=5)
    assert [row.actor for row in asked if task.task_id in row.body] == ["operator:ann"]


async def test_a_wish_that_no_bell_told_of_is_heeded_at_the_next_beat(pool: Pool, dsn: str) -> None:
    """Point 22: a lost notification costs a beat, not the cancel."""
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        await pool.execute("UPDATE mcp_tasks SET cancel_at = now()")
        ended = await reached(client, task.task_id, "cancelled")

    assert ended.status == "cancelled"


async def test_a_caller_that_goes_before_there_is_a_task_stops_its_call(
    pool: Pool, dsn: str
) -> None:
    """Point 22: a client that disconnects during the grace window stops the work as well."""
    studio = shop(pool, dsn, terms=replace(QUICK, grace_s=30))
    async with patient(studio.server(ANN)) as client, asyncio.TaskGroup() as group:
        call = group.create_task(client.call_tool("work_long", {}))
        await studio.gate.entered.wait()
        call.cancel()
        await studio.noted.wait()

    assert studio.gate.left == ["cancelled"]
    assert await rows(pool) == []


async def test_a_patient_caller_that_stops_waiting_cancels_its_task(pool: Pool, dsn: str) -> None:
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        with pytest.raises(MCPError, match="took too long"):
            await client.call_tool("work_long", {}, read_timeout_seconds=0.4)
        async with asyncio.timeout(LIMIT_S):
            await studio.noted.wait()

    assert studio.gate.left == ["cancelled"]


async def test_what_runs_when_the_server_stops_ends_as_failed_and_says_so(
    pool: Pool, dsn: str
) -> None:
    """Point 23: an orderly stop leaves no task at work."""
    studio = shop(pool, dsn)
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)

    async with patient(studio.server(ANN)) as client:
        ended = await get_task(client.session, task.task_id)

    assert studio.gate.left == ["cancelled"]
    assert ended.status == "failed"
    assert ended.error is not None
    assert "search_audit" in ended.error["message"]


async def test_more_long_work_than_agreed_is_refused_with_a_time_to_come_back(
    pool: Pool, dsn: str
) -> None:
    """Point 23: the queue is bounded, a refusal says "busy" and when to come back."""
    studio = shop(pool, dsn, terms=replace(QUICK, at_once=1, most=5, each=2))
    async with patient(studio.server(ANN)) as client:
        first = await begun(client, studio.gate)
        second = await begun(client, studio.gate)
        refused = await client.session.call_tool("work_long", {}, allow_claimed=True)
        waiting = await get_task(client.session, second.task_id)
        studio.gate.opened.set()
        for task in (first, second):
            await reached(client, task.task_id, "completed")

    assert refused.meta is not None
    assert (refused.meta["bookai/error"], refused.meta["bookai/after_s"]) == ("try_later", 15.0)
    assert "busy" in texts(refused)[0]
    assert waiting.status_message == "0% waits until other long work is done"
    assert studio.gate.most_at_once == 1
    assert "try_later" in [body["outcome"] for _, _, body in studio.rows]


async def test_expired_tasks_are_forgotten(pool: Pool, dsn: str) -> None:
    """Point 23: the reaper removes what nobody may ask after any more."""
    studio = shop(pool, dsn, terms=replace(QUICK, ttl_s=0.3, beat_s=0.05))
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        studio.gate.opened.set()
        async with asyncio.timeout(LIMIT_S):
            while await rows(pool):
                pass
        with pytest.raises(MCPError) as unknown:
            await get_task(client.session, task.task_id)

    assert unknown.value.code == -32602


async def test_tasks_are_in_the_metrics_by_state(pool: Pool, dsn: str) -> None:
    """Point 30: how many tasks there are by state, and how many ended how, is measured."""
    before = sample("bookai_mcp_tasks_ended_total") or 0
    studio = shop(pool, dsn, terms=replace(QUICK, beat_s=0.05))
    async with patient(studio.server(ANN)) as client:
        task = await begun(client, studio.gate)
        studio.gate.opened.set()
        await reached(client, task.task_id, "completed")
        async with asyncio.timeout(LIMIT_S):
            while sample("bookai_mcp_tasks") != 1:
                await rows(pool)

    assert sample("bookai_mcp_tasks_ended_total") == before + 1


def sample(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"state": "completed"})
