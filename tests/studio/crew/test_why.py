""" "Why did it take the second writer?": asked of the desk, over MCP, and on the command line."""

import asyncio
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bookai.db import memory
from bookai.db.executions import Past
from bookai.db.pool import Pool, open_pool
from bookai.db.runs.fence import take
from bookai.errors import Refused, ToolFailed
from bookai.settings import Settings
from bookai.toolbox import open_toolbox
from graphs.steps import Step
from mcp_server.auth import operator_here
from studio.cli import bookai
from studio.crew.words import explain
from studio.office import open_office
from studio.wiring import tool_server
from tests.graphs.crew import crew
from tests.graphs.test_failover import Writer, raises
from tests.graphs.test_production import new_job
from tools.explain_choice import ChoicePage


def past(agent: str, outcome: str, **changed: object) -> Past:
    terms = {"score_s": "14.200", "success": "0.912", "latency_s": "9.870", "evidence": "11.40"}
    values: dict[str, object] = {
        "capability": "write",
        "round_": 0,
        "status": "open",
        "fault": None,
        "error": None,
        "seconds": 2.0,
        "candidates": (
            {"name": "writer", **terms, "excluded": None},
            {"name": "second", **terms, "excluded": "silent for 22 s"},
        ),
        "started_at": datetime(2026, 11, 25, tzinfo=UTC),
        "place": "host:1",
    }
    return Past(agent=agent, outcome=outcome, **(values | changed))  # type: ignore[arg-type] # as asked


def test_the_first_choice_is_told_with_its_terms_and_who_was_left_out() -> None:
    (row,) = explain([past("writer", "ok")])

    assert row.words == (
        "writer was the only one free to write (expected 14.200 s until it succeeds, success "
        "0.912, takes 9.870 s, by 11.40 attempts remembered). The others: second: left out, silent "
        "for 22 s (expected 14.200 s until it succeeds, success 0.912, takes 9.870 s, by 11.40 "
        "attempts remembered). It did it after 2.0 s."
    )


def test_a_stand_in_is_told_with_whom_it_stands_in_for() -> None:
    failed = past("writer", "failed", fault="quality", error="no ink")
    _, row = explain([failed, past("second", "ok")])

    assert row.words.startswith(
        "second stood in at write for writer, which failed by what it made after 2.0 s: no ink"
    )


def test_another_round_is_another_choice() -> None:
    _, again = explain([past("writer", "ok"), past("writer", "ok", round_=1)])

    assert "stood in" not in again.words
    assert again.round == 1


def test_choices_of_an_older_studio_are_told_with_what_they_have() -> None:
    old = ({"name": "writer", "score_s": "3.1", "load": "0.00", "excluded": None},)
    (row,) = explain([past("writer", "ok", candidates=old)])

    assert row.words == (
        "writer was the only one that can write (expected 3.1 s until it succeeds, load 0.00). It "
        "did it after 2.0 s."
    )


async def second_writer(pool: Pool) -> int:
    """Let a first writer fail and a second one stand in; return the job."""
    hands = crew(pool, Writer("first", raises(ToolFailed("no ink"))), Writer("second"))
    await memory.beat(pool, "here", hands.members.beats())
    job_id = await new_job(pool)
    await hands.do(Step(await take(pool, job_id), "write"))
    return job_id


async def test_an_mcp_client_is_told_why(settings: Settings) -> None:
    async with open_office(settings) as office:
        job_id = await second_writer(office.database.pool)
        server = tool_server(office, operator_here("operator:test"))
        async with open_toolbox(server) as toolbox:
            page = await toolbox.call("explain_choice", ChoicePage, job_id=job_id, step="write")
            with pytest.raises(Refused, match="no job 99"):
                await toolbox.call("explain_choice", ChoicePage, job_id=99)

    first, second = page.choices
    assert (first.agent, first.outcome, first.fault) == ("first", "failed", "quality")
    assert {row.name for row in first.candidates} == {"first", "second"}
    assert second.words.startswith("second stood in at write for first, which failed")
    assert "no ink" in second.words


def test_the_command_line_tells_why_and_who_is_on_duty(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKAI_DSN", settings.dsn or "")
    monkeypatch.setenv("BOOKAI_ADMIN_DSN", settings.admin_dsn or "")

    async def arrange() -> int:
        async with open_pool(settings.dsn or "") as pool:
            return await second_writer(pool)

    job_id = asyncio.run(arrange())

    why = CliRunner().invoke(bookai, ["agents", "why", str(job_id), "--step", "write"])
    listing = CliRunner().invoke(bookai, ["agents"])

    assert "write: second stood in at write for first" in why.output
    first, second = listing.output.splitlines()[1:]
    assert "local" in first
    assert "no ink" in first
    assert "0 of 8" in second
