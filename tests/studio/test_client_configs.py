"""What the page on MCP clients tells people to paste, pasted."""

import asyncio
import json
import re
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from bookai.db import tokens
from bookai.db.pool import Pool
from bookai.settings import Settings
from mcp_server.server import serve_http
from studio.office import open_office
from studio.wiring import front_door

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-an-mcp-client.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
SERVERS: list[dict[str, Any]] = [
    server
    for block in BLOCKS
    for key in ("mcpServers", "servers", "context_servers")
    for server in block.get(key, {}).values()
]
URL = "http://127.0.0.1:8931/mcp"


def test_every_snippet_names_the_studios_command_or_address() -> None:
    assert len(SERVERS) == 6
    for server in SERVERS:
        if "command" in server:
            assert (server["command"], server["args"]) == ("bookai", ["mcp"])
        else:
            assert server["url"] == URL
            assert re.fullmatch(r"Bearer \$\{[\w:-]+\}", server["headers"]["Authorization"])


async def test_the_command_of_the_snippets_is_a_server_on_stdio(
    settings: Settings, dsn: str, admin_dsn: str
) -> None:
    env = {
        "BOOKAI_HOME": str(settings.home),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "BOOKAI_METRICS_PORT": "0",
        "PYTHONPATH": str(PAGE.parents[2]),
    }
    (words,) = {(server["command"], *server["args"]) for server in SERVERS if "command" in server}
    child = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from studio.cli import main; main()", *words[1:]],
        env=env,
    )
    async with Client(child) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        status = await client.call_tool("get_status", {})

    assert {"get_status", "make_video", "list_jobs"} <= names
    assert not status.is_error


async def test_the_program_of_the_page_runs(
    settings: Settings,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    token = await tokens.create(pool, "chat", ["read"], timedelta(days=1), "operator:test")
    monkeypatch.setenv("BOOKAI_TOKEN", token)
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(settings))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = group.create_task(serve_http(front_door(office), port=0, on_ready=url.set_result))
        names: dict[str, Any] = {}
        exec(program.replace(URL, await url), names)  # our own page
        await names["main"]()
        serving.cancel()

    assert "'audit_events'" in capsys.readouterr().out
