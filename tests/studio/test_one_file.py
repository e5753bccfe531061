"""A new agent and a new tool are one file each: those of the how-to pages, taken word for word."""

import re
from pathlib import Path
from typing import Any

import pytest

import tools
from agents.base import Agent
from bookai.db import audit, jobs
from bookai.db.runs.fence import take
from bookai.models import Record
from bookai.settings import Settings
from bookai.toolbox import open_toolbox
from graphs.steps import Step
from mcp_server.guard import AGENTS
from studio.office import open_office
from studio.wiring import open_studio, tool_server
from tests.graphs.crew import ALL, Hand, crew

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def example(page: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL)
    return str(code)


async def test_the_agent_of_the_how_to_is_tried_and_replaced(settings: Settings) -> None:
    namespace: dict[str, Any] = {"__name__": "agents.haiku_writer"}
    exec(example("add-an-agent.md"), namespace)
    newcomer = namespace["AGENT"]
    assert isinstance(newcomer, Agent)
    hand = Hand("zeno")

    async with open_office(settings) as office:
        pool = office.database.pool
        # Of equal newcomers whoever joined first is asked first.
        both = crew(pool, newcomer, hand)
        async with pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, "a.md", "default", "operator:test")

        job = await both.do(Step(await take(pool, job_id), "write"))

        assert job.script is not None
        assert [(f.wanted, f.used) for f in job.fallbacks] == [("haiku_writer", "zeno")]
        assert len(await audit.search(pool, kind="agent.chosen", job_id=job_id)) == 2


class Count(Record):
    words: int


async def test_the_tool_of_the_how_to_is_served_and_audited(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "count_words.py").write_text(example("add-a-tool.md"))
    monkeypatch.setattr(tools, "__path__", [*tools.__path__, str(tmp_path)])

    async with open_office(settings) as office:
        async with open_toolbox(tool_server(office, AGENTS)) as toolbox:
            count = await toolbox.call("count_words", Count, text="one two three")
        called = await audit.search(office.database.pool, kind="tool.called")

    assert count == Count(words=3)
    assert '"tool":"count_words"' in called[0].body


async def test_every_capability_of_the_main_line_has_an_agent(settings: Settings) -> None:
    async with open_studio(settings) as house:
        records = await house.office.desk.list_agents()

    able = {capability for record in records for capability in record.capabilities}
    assert able == ALL
    assert {record.name for record in records} == {
        "trend_scout", "writer", "editor", "affiliate_optimizer", "publisher",
    }  # fmt: skip
