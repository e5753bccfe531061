"""A channel's calendar as an operator sees it: from the command line and over MCP."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from mcp.client import Client
from mcp.types import TextResourceContents

from bookai.db import control, jobs, planning
from bookai.db.planning import Claim
from bookai.db.pool import Pool
from bookai.settings import Settings
from mcp_server.auth import Principal
from studio.cli import bookai
from studio.office import open_office
from studio.planning.looking import Looker
from studio.wiring import tool_server

READER = Principal("operator:ann", frozenset({"read"}))
TOML = """
[channels.news]
time_zone = "Asia/Kathmandu"
[channels.news.cadence]
times = ["00:00", "06:00", "12:00", "18:00"]
approvals_per_day = 0
[channels.quiet]
"""
# Noon in Kathmandu.
NOON = datetime(2026, 11, 26, 6, 15, tzinfo=UTC)


def planned(settings: Settings) -> Settings:
    cadence = {"times": ("06:00", "12:00", "18:00"), "approvals_per_day": 4}
    news = {"time_zone": "Asia/Kathmandu", "cadence": cadence}
    sources = [{"url": "https://feeds.example/a", "channel": "news"}]
    more = {"channels": {"news": news}, "sources": sources}
    return Settings.model_validate(settings.model_dump() | more)


async def new_job(pool: Pool, slot: datetime, status: str) -> int:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "news", "schedule")
        await planning.claim(con, Claim("news", slot, job_id), NOON, ())
        await jobs.set_status(con, job_id, status)
    return job_id


async def test_the_calendar_shows_each_slot_with_its_job_and_what_became_of_it(
    settings: Settings, pool: Pool
) -> None:
    six_am, evening = NOON - timedelta(hours=6), NOON + timedelta(hours=6)
    failed = await new_job(pool, six_am, "failed")
    being_made = await new_job(pool, evening, "running")
    gave_up = await new_job(pool, evening + timedelta(hours=12), "cancelled")
    own_time = await new_job(pool, evening + timedelta(hours=18), "queued")
    async with pool.acquire() as con, con.transaction():
        at = NOON + timedelta(hours=7)
        await control.put_off(con, own_time, at, NOON, "operator:ann")

    async with open_office(planned(settings)) as office:
        found = await Looker(office.desk, office.settings).see("news", NOON, days=2)

    assert [(one.local[:-6], one.state, one.job_id) for one in found.slots] == [
        ("Thu 2026-11-26 06:00", "missed", failed),
        ("Thu 2026-11-26 12:00", "missed", None),
        ("Thu 2026-11-26 18:00", "making", being_made),
        ("Thu 2026-11-26 19:00", "making", own_time),
        ("Fri 2026-11-27 06:00", "unused", gave_up),
        ("Fri 2026-11-27 12:00", "free", None),
        ("Fri 2026-11-27 18:00", "free", None),
    ]


async def test_a_channel_without_a_source_is_told_to_add_one(settings: Settings) -> None:
    configured = planned(settings).model_copy(update={"sources": ()})
    async with open_office(configured, lambda: NOON) as office:
        found = await Looker(office.desk, configured).see("news", NOON, days=1)

    assert (found.starts, found.bound) == (0, "stories")
    assert found.told == '0 of 1: no source names it: add [[sources]] with channel = "news"'


async def test_a_reader_sees_the_plans_over_mcp(settings: Settings, pool: Pool) -> None:
    async with (
        open_office(planned(settings), lambda: NOON) as office,
        Client(tool_server(office, READER)) as client,
    ):
        [sheet] = (await client.read_resource("studio://plan")).contents

    assert isinstance(sheet, TextResourceContents)
    [plan] = json.loads(sheet.text)["plans"]
    assert (plan["channel"], plan["starts"], plan["bound"]) == ("news", 1, "none")
    assert {one["name"] for one in plan["limits"]} > {"slots", "waiting", "approvals", "cents"}
    assert len(plan["slots"]) == 6


def test_the_command_shows_what_binds_and_changes_nothing(
    dsn: str, admin_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "studio.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.setenv("BOOKAI_DSN", dsn)
    monkeypatch.setenv("BOOKAI_ADMIN_DSN", admin_dsn)

    shown = CliRunner().invoke(bookai, ["plan", "--days", "1"], catch_exceptions=False)
    quiet = CliRunner().invoke(bookai, ["plan", "quiet"], catch_exceptions=False)
    told = CliRunner().invoke(bookai, ["plan", "news", "--json"], catch_exceptions=False)
    made = CliRunner().invoke(bookai, ["jobs", "--json"], catch_exceptions=False)

    assert "news (Asia/Kathmandu): 0 of " in shown.stdout
    assert "→  approvals      0     operators decide 0 a day" in shown.stdout
    assert "quiet" not in shown.stdout
    assert "its sources alone say how often a video is made" in quiet.stdout
    [plan] = json.loads(told.stdout)
    assert (plan["bound"], len(plan["slots"])) == ("approvals", 8)
    assert json.loads(made.stdout) == []
