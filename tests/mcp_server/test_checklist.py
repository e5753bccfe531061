"""Points that an expert would look for and that no other file here shows, by their number."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import mcp
import pytest

from mcp_server.auth import AGENTS
from mcp_server.server import load_tools

ROOT = Path(__file__).parents[2]
STDIO = ROOT / "tests" / "mcp_server" / "stdio_studio.py"
CALLED = re.compile(r"""\.call\(\s*["'](\w+)["']""")


def request(number: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


async def test_stdio_carries_the_protocol_alone_and_ends_with_its_client() -> None:
    """Point 27: a tool that prints, logs beside it, and a clean end when the client goes."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-P", STDIO, "agent", stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    lines = [
        request(1, "initialize", hello),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode(),
        request(2, "tools/call", {"name": "echo", "arguments": {"text": "hi", "times": 2}}),
        request(3, "tools/call", {"name": "end_badly", "arguments": {"how": "crash"}}),
    ]
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(b"\n".join(lines) + b"\n")
    answered: dict[int, Any] = {}
    async with asyncio.timeout(30):
        while answered.keys() != {1, 2, 3}:
            message = json.loads(await server.stdout.readline())
            if "id" in message:
                answered[message["id"]] = message
        server.stdin.close()
        out, err = await server.communicate()

    assert server.returncode == 0
    assert out == b""
    assert answered[2]["result"]["structuredContent"]["text"] == "hi"
    assert answered[3]["result"]["isError"]
    assert b"Traceback" in err  # the crash is told to whoever reads the log, not to the client


def test_nothing_deprecated_is_used(pytestconfig: pytest.Config) -> None:
    """Point 31: every warning of these tests is an error, the SDK's deprecations among them."""
    assert issubclass(mcp.MCPDeprecationWarning, Warning)
    assert "error" in pytestconfig.getini("filterwarnings")
    for path in (ROOT / "mcp_server").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"create_message|list_roots|send_log_message|sse_app", text), path


def test_agents_have_no_other_way_to_a_tool_than_operators() -> None:
    """Point 33: whatever agents call is a tool of the server, and lies within their rights."""
    tools = load_tools()
    called = {
        name
        for path in (ROOT / "agents").glob("*.py")
        for name in CALLED.findall(path.read_text(encoding="utf-8"))
    }

    assert len(called) >= 10
    assert called <= tools.keys()
    assert {tools[name].scope for name in called} <= AGENTS.scopes
    assert not AGENTS.may("approve")
    assert not AGENTS.may("operate")
