"""A host that speaks MCP and means harm, or has become another program meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bookai.errors import ToolFailed
from bookai.toolbox import open_toolbox
from studio.hosts.remote import HostGone, Line, RemoteAgent
from studio.hosts.wire import DESCRIBE, AgentThere, HostThere
from tests.studio.hosts.processes import until_only
from tests.studio.hosts.test_accept import JOB


class Peer:
    """The least that a client takes for an MCP server; each method that was called is kept."""

    def __init__(self, results: Mapping[str, Any] | None = None) -> None:
        self.results = results or {}
        self.version: str | None = None
        self.called: list[str] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = head.partition("content-length: ")[2].split("\r\n")[0]
            asked = json.loads(await reader.readexactly(int(length or 0)) or "{}")
            status, answer = "202 Accepted", b""
            if head.startswith("get"):
                status = "405 No"
            elif "id" in asked:
                status, answer = "200 OK", json.dumps(self._answer(asked)).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nmcp-session-id: s\r\n"
                f"content-length: {len(answer)}\r\nconnection: close\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
        writer.close()

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, found = asked["method"], {"jsonrpc": "2.0", "id": asked["id"]}
        self.called.append(method)
        if method == "initialize":
            version = self.version or asked["params"]["protocolVersion"]
            told = {"name": "peer", "version": "1"}
            capabilities: dict[str, Any] = {"tools": {}}
            result = {
                "protocolVersion": version,
                "capabilities": capabilities,
                "serverInfo": told,
            }
            return {**found, "result": result}
        if method in self.results:
            return {**found, "result": self.results[method]}
        return {**found, "error": {"code": -32603, "message": "boom"}}


async def test_the_schema_of_a_host_is_never_checked_in_our_loop() -> None:
    """With this pattern and this text, one check takes longer than anybody waits."""
    peer = Peer(
        {
            "tools/call": {
                "content": [],
                "structuredContent": {"version": "1", "agents": [], "x": "a" * 60 + "!"},
            },
            "tools/list": {
                "tools": [
                    {
                        "name": DESCRIBE,
                        "inputSchema": {"type": "object"},
                        "outputSchema": {
                            "type": "object",
                            "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}},
                        },
                    }
                ]
            },
        }
    )

    async with peer.serving() as url, open_toolbox(url, check_schema=False) as hand:
        with pytest.raises(ToolFailed, match="no HostThere"):
            await hand.call(DESCRIBE, HostThere)

    assert "tools/list" not in peer.called


async def test_a_host_that_became_another_program_is_gone_and_nobody_is_cancelled(
    tmp_path: Path,
) -> None:
    peer = Peer()
    there = AgentThere(
        name="poet", capabilities=("write",), capacity=4, in_flight=0, proficiency=0.9
    )
    until = asyncio.get_running_loop().time() + 15

    async with peer.serving() as url, open_toolbox(url, check_schema=False) as hand:
        agent = RemoteAgent(there, frozenset({"write"}), Line("far", hand, tmp_path))
        with pytest.raises(ToolFailed, match="boom"):
            await agent.run("write", JOB, until_only("poet", JOB, _nothing, _ours, until))
        peer.version = "1999"
        with pytest.raises(HostGone):
            await agent.run("write", JOB, until_only("poet", JOB, _nothing, _ours, until))


async def _nothing(fraction: float, message: str) -> None:
    del fraction, message


async def _ours() -> None:
    pass
