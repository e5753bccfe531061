"""Every tool called with what its schema allows and with what it does not: answers, no crashes."""

import json
import os
import re
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from bookai.db.pool import Pool
from bookai.settings import Settings
from mcp_server.auth import Principal
from mcp_server.server import load_tools
from studio.office import open_office
from studio.wiring import tool_server
from tests.mcp_server.shapes import draw, fitting, missing

EACH = int(os.environ.get("BOOKAI_FUZZ", "6"))
"""Examples a tool of either kind; `make fuzz` draws many more."""

# What fits would really be rendered, spoken or measured: minutes a call.
FLOOD = {"per_minute": 1_000_000, "burst": 1_000_000}
HEAVY = {"render_video", "speak", "check_video"}
EVERYONE = Principal("operator:fuzz", frozenset({"read", "operate", "approve", "admin"}))
WORKER = Principal("agent:fuzz", frozenset({"read", "agent"}))
LEAKS = re.compile(r"Traceback|File \"|postgres(ql)?://|psycopg|asyncpg|pydantic|SELECT |INSERT ")


@pytest.fixture
def settings(dsn: str, admin_dsn: str, tmp_path: Any) -> Settings:
    return Settings.model_validate(
        {
            "home": tmp_path / "home",
            "dsn": dsn,
            "admin_dsn": admin_dsn,
            "metrics_port": 0,
            "mcp": {"limits": dict.fromkeys(("whole", "reading", "changing"), FLOOD)},
        }
    )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("who", [EVERYONE, WORKER], ids=["operators", "agents"])
async def test_no_call_crashes_leaks_or_changes_anything_unaudited(
    settings: Settings, pool: Pool, who: Principal
) -> None:
    """Points 8 and 9: whatever comes is answered in words that the caller can act on."""
    sent, answered = 0, 0
    async with open_office(settings) as office:
        server = tool_server(office, who)
        async with Client(server) as client:
            for tool in (await client.list_tools()).tools:
                schema: dict[str, Any] = tool.input_schema
                defs = schema.get("$defs", {})
                calls = draw(missing(schema, defs), EACH, 1)
                if tool.name not in HEAVY:
                    calls += draw(fitting(schema, defs), EACH, 2)
                for arguments in calls:
                    sent += 1
                    try:
                        answer = await client.call_tool(tool.name, arguments)
                    except (MCPError, UnicodeError, ValueError):
                        continue  # the client itself could not send it, or the server said -32602
                    answered += 1
                    said = " ".join(getattr(part, "text", "") for part in answer.content)
                    shown = f"{tool.name} {json.dumps(arguments, default=str)[:300]}: {said[:500]}"
                    assert "failed inside" not in said, shown
                    if answer.is_error:
                        assert not LEAKS.search(said), shown
                        assert str(settings.home) not in said, shown
    assert answered > sent / 2
    calling = await pool.fetchval("SELECT count(*) FROM audit_log WHERE kind = 'tool.called'")
    made = await pool.fetchval("SELECT count(*) FROM video_jobs")
    born = await pool.fetchval("SELECT count(*) FROM audit_log WHERE kind = 'job.created'")
    assert calling >= answered
    assert made == born


def test_every_tool_is_drawn_for() -> None:
    scopes = EVERYONE.scopes | WORKER.scopes
    assert {tool.scope for tool in load_tools().values()} <= scopes
