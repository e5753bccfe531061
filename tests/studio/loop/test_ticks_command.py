"""`bookai ticks` says who leads and what came of each thing."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from click.testing import CliRunner

from bookai.db import loop
from bookai.settings import Settings
from studio.cli import bookai
from studio.office import open_office


@pytest.fixture
async def led(settings: Settings) -> None:
    """A loop that did one thing well and failed at another."""
    async with open_office(settings) as office:
        pool, at = office.database.pool, datetime.now(UTC)
        async with loop.lead(office.database.dsn, pool, "here:7") as epoch:
            plans = [loop.Planned("plan", "news", 300.0), loop.Planned("links", "", 86_400.0)]
            await loop.sync(pool, plans, at)
            ends: tuple[tuple[loop.Planned, Literal["done", "failed"], str], ...] = (
                (plans[0], "done", "started 2 jobs"),
                (plans[1], "failed", "no network"),
            )
            for plan, state, note in ends:
                tick = await loop.claim(pool, plan.name, plan.scope, at, epoch)
                assert tick is not None
                await loop.finish(pool, tick, epoch, state, at, note)


@pytest.mark.usefixtures("led")
async def test_it_shows_what_was_done_when_and_how_it_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.commands.running.ticks.read_settings", lambda: settings)

    text = await asyncio.to_thread(CliRunner().invoke, bookai, ["ticks"])
    only = await asyncio.to_thread(CliRunner().invoke, bookai, ["ticks", "--failed", "--json"])

    assert "nobody leads: here:7 did until" in text.output
    assert "started 2 jobs" in text.output
    found = json.loads(only.output)
    assert found["leader"]["leads"] is False
    assert [row["name"] for row in found["schedules"]] == ["links"]
    assert found["schedules"][0]["note"] == "no network"
