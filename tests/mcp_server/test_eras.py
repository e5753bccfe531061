"""One address, both eras: whoever asks first in his own way is told who we are."""

import json
from importlib.metadata import version
from typing import Any

import httpx2

from tests.mcp_server.doubles import Studio

ACCEPT = {"accept": "application/json, text/event-stream", "authorization": "Bearer of-reader"}
INFO = {"name": "somebody", "version": "1"}


async def ask(url: str, headers: dict[str, str], method: str, params: dict[str, Any]) -> Any:
    async with httpx2.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await http.post(url, headers=ACCEPT | headers, json=body)
    text = answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        text = next(line[6:] for line in text.splitlines() if line.startswith("data: {"))
    return json.loads(text)["result"]


async def test_both_eras_are_served_at_one_address(studio: Studio) -> None:
    """Point 1: `server/discover` and `initialize` name one server, the package's version of it."""
    modern = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": modern,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    async with studio.served() as url:
        new = await ask(
            url,
            {"mcp-protocol-version": modern, "mcp-method": "server/discover"},
            "server/discover",
            {"_meta": meta},
        )
        older = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}
        old = await ask(url, {}, "initialize", older)

    about = {
        "name": "bookai-studio",
        "title": "BookAI Studio",
        "version": version("bookai-studio"),
        "description": "A studio that turns articles into approved short videos.",
    }
    assert modern in new["supportedVersions"]
    assert new["_meta"]["io.modelcontextprotocol/serverInfo"] == about
    assert old["protocolVersion"] == "2025-11-25"
    assert old["serverInfo"] == about
    assert old["instructions"] == new["instructions"]
    assert "decide_approval" in old["instructions"]
