"""What a channel's models cost: booked on the job they were asked for, and counted by day."""

import asyncio
from datetime import UTC, datetime, timedelta

from bookai.db import audit, jobs, planning
from bookai.db.pool import Pool
from bookai.llm.base import ModelRequest
from bookai.llm.serving.record import CallRecord
from bookai.settings import Settings
from bookai.testing import ScriptedProvider, scripted_pool
from studio.models.billing import billed_to, booked
from studio.planning.asked import asked_of


def request() -> ModelRequest:
    return ModelRequest(
        task="write_script",
        system="Answer.",
        prompt="What is UTC?",
        prompt_version="1",
        answer_schema={"type": "object"},
    )


async def test_calls_of_two_jobs_at_once_are_booked_each_on_its_own() -> None:
    found: list[object] = []

    async def record(call: CallRecord) -> None:
        found.append(booked(call).get("job_id"))

    async with scripted_pool(ScriptedProvider({"answer": "yes"}), record=record) as models:

        async def ask_for(job_id: int) -> None:
            await billed_to(job_id, models.ask)(request(), lambda answer: answer)

        async with asyncio.TaskGroup() as group:
            for job_id in (7, 8):
                group.create_task(ask_for(job_id))
        await models.ask(request(), lambda answer: answer)

    assert sorted(found[:2], key=str) == [7, 8]
    assert found[2:] == [None]


async def test_a_channels_bill_is_that_of_its_own_jobs_today(
    settings: Settings, pool: Pool
) -> None:
    configured = Settings.model_validate(
        settings.model_dump()
        | {"channels": {"news": {"budget": {"cents_per_day": 5}}, "other": {}}}
    )
    async with pool.acquire() as con, con.transaction():
        made = [await jobs.create(con, "a.md", name, "schedule") for name in ("news", "other")]
        for job_id, microcents in ((made[0], 1_500_000), (made[0], 500_000), (made[1], 9_000_000)):
            body = {"job_id": job_id, "microcents": microcents}
            await audit.append(con, "model.called", "studio:models", body)
        await jobs.set_status(con, made[0], "waiting")
    now = datetime.now(UTC)

    today = await planning.count(pool, asked_of(configured, "news", now))
    tomorrow = await planning.count(pool, asked_of(configured, "news", now + timedelta(days=1)))

    assert (today.spent_microcents, today.mean_microcents) == (2_000_000, 2_000_000)
    assert (tomorrow.spent_microcents, tomorrow.mean_microcents) == (0, 2_000_000)
