"""What the Inspector, the tool that people debug servers with, says of ours."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bookai.db.mcp.tasks import Tasks
from bookai.db.pool import Pool
from mcp_server.cards import CARD_URI
from mcp_server.server import load_tools
from tests.mcp_server.conformance.stage import TOKEN, WEB_URL, Stage, opened
from tests.mcp_server.doubles import Studio, Token
from tests.mcp_server.tasks.shop import rows
from tests.peers import judges
from tools.base import Tool

ERAS = ("legacy", "modern")
BEARER = ("--header", f"Authorization: Bearer {TOKEN}")
WRONG = ("--header", "Authorization: Bearer guessed")
IS_ERROR, NO_ENTRY = 5, 3


@dataclass
class House(Studio):
    """The doubles' studio with every tool that the real one has."""

    listed: Mapping[str, Tool] = field(default_factory=load_tools)

    def __post_init__(self) -> None:
        super().__post_init__()
        everything = frozenset({"read", "operate", "approve", "admin"})
        self.tokens[TOKEN] = Token("alice", everything)

    @property
    def tools(self) -> dict[str, Tool]:
        return dict(self.listed)


def http(url: str, era: str, *rest: str) -> tuple[str, ...]:
    return ("--server-url", url, "--transport", "http", "--protocol-era", era, *rest)


@pytest.mark.conformance
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("token", [TOKEN, "of-agent"])
async def test_every_schema_is_portable(era: str, token: str) -> None:
    """Point 3: `--strict` finds no schema that some client could not read, for either role."""
    judges.require()
    house = House()
    right = house.tokens[token].scopes

    async with opened(house.server(None)) as url:
        bearer = ("--header", f"Authorization: Bearer {token}")
        ran = await judges.inspect(*http(url, era, "--method", "tools/list", "--strict", *bearer))

    problems = [line for line in ran.err.splitlines() if line.startswith(("Warning", "Error"))]
    paths = re.findall(r"^  Path: (\S+)", ran.err, re.MULTILINE)
    assert ran.code == 0, ran.err
    assert "0 errors" in ran.err
    # The one thing it warns of: an answer's field may be null, said in the shorter way.
    assert ran.err.count("`type` is an array") == len(problems) == len(paths)
    assert [path for path in paths if not path.startswith("outputSchema.")] == []
    shown = {tool["name"] for tool in ran.told["result"]["tools"]}
    assert shown == {name for name, tool in house.tools.items() if tool.scope in right}


@pytest.mark.conformance
async def test_a_call_that_takes_long_is_followed_to_its_end_as_a_task(
    pool: Pool, dsn: str
) -> None:
    """Point 3: the Inspector's own client of the Tasks extension reads ours."""
    judges.require()
    stage = Stage(store=Tasks(pool, dsn))
    call = ("--method", "tools/call", "--tool-name", "slow_compute")
    wanted = ("--tool-args-json", '{"seconds": 1, "label": "for the Inspector"}')

    async with opened(stage.server(None)) as url:
        ran = await judges.inspect(*http(url, "modern", *call, *wanted, *BEARER))

    assert ran.code == 0, ran.err
    assert ran.told["result"]["structuredContent"] == {"text": "done for the Inspector"}
    assert await rows(pool) == [("slow_compute", "completed")]


@pytest.mark.conformance
@pytest.mark.parametrize("era", ERAS)
async def test_it_reads_resources_and_prompts_and_tells_errors_apart(era: str) -> None:
    """Point 8: a tool's refusal, a wrong token and an unknown name are three different things."""
    judges.require()
    stage = Stage()
    call = ("--method", "tools/call", "--tool-name")

    async with opened(stage.server(None)) as url:
        asked = {
            "read": ("--method", "resources/read", "--uri", "job://1", *BEARER),
            "prompt": ("--method", "prompts/get", "--prompt-name", "daily_briefing", *BEARER),
            "refused": (*call, "get_job", "--tool-args-json", '{"job_id": 999}', *BEARER),
            "unknown": (*call, "no_such_tool", *BEARER),
            "stranger": ("--method", "tools/list", *WRONG),
        }
        ran = {name: await judges.inspect(*http(url, era, *words)) for name, words in asked.items()}

    codes = {name: one.code for name, one in ran.items()}
    assert codes == {
        "read": 0,
        "prompt": 0,
        "refused": IS_ERROR,
        "unknown": IS_ERROR,
        "stranger": NO_ENTRY,
    }
    assert "There is no job 999" in ran["refused"].out
    assert "tool_not_found" in ran["unknown"].err
    assert "auth_required" in ran["stranger"].err


@pytest.mark.conformance
@pytest.mark.parametrize("era", ERAS)
async def test_it_finds_the_card_of_one_tool_and_what_the_card_may_load(era: str) -> None:
    judges.require()
    method = ("--method", "tools/list", "--app-info", "--advertise-apps")

    async with opened(Stage().server(None)) as url:
        ran = await judges.inspect(*http(url, era, *method, *BEARER))

    [card] = [one for line in ran.out.splitlines() if (one := json.loads(line))["hasApp"]]
    assert card == {
        "hasApp": True,
        "toolName": "list_approvals",
        "resourceUri": CARD_URI,
        "resourceMimeType": "text/html;profile=mcp-app",
        "csp": {"resourceDomains": [WEB_URL]},
        "prefersBorder": True,
    }


@pytest.mark.conformance
@pytest.mark.parametrize("era", ERAS)
async def test_it_speaks_with_the_studio_over_standard_input(era: str) -> None:
    """Point 1: the same server, both eras, as a process of the client's own."""
    judges.require()
    program = Path(__file__).parents[1] / "stdio_studio.py"
    server = ("--", sys.executable, "-P", str(program), "operator")
    method = ("--method", "tools/call", "--tool-name", "echo", "--tool-args-json", '{"text": "x"}')

    here = ("--transport", "stdio", "--protocol-era", era, "-e", f"PYTHONPATH={judges.ROOT}")
    ran = await judges.inspect(*here, *method, *server)

    assert ran.code == 0, ran.err
    assert ran.told["result"]["structuredContent"] == {"text": "x", "by": "operator:alice"}
