"""Clients whose person answers a question in one given way, and keeps what was asked."""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mcp.client import Client, ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp.server.mcpserver import MCPServer
from mcp.types import ElicitRequestParams, ElicitResult

from mcp_server.auth import Principal
from tests.mcp_server import doubles
from tests.mcp_server.doubles import ALICE, Studio

YES: dict[str, Any] = {"approval_id": 1, "decision": "approve"}


@dataclass
class Person:
    """Answers every question alike; one who says nothing never does."""

    says: Literal["accept", "decline", "cancel", "nothing"] = "accept"
    confirms: bool = True
    heard: list[str] = field(default_factory=list)

    async def answer(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        self.heard.append(params.message)
        if self.says == "nothing":
            await asyncio.Event().wait()
        content = {"confirm": self.confirms} if self.says == "accept" else None
        return ElicitResult(action=self.says, content=content)  # type: ignore[arg-type] # not "nothing"

    def client(self, studio: Studio, mode: str, principal: Principal = ALICE) -> Client:
        return self.at(studio.server(principal), mode)

    def at(self, server: MCPServer[Any] | StdioServerParameters, mode: str = "auto") -> Client:
        return Client(server, mode=mode, elicitation_callback=self.answer)


def other_process(*keys: str) -> StdioServerParameters:
    """Return the same small studio as a process of its own, with these keys."""
    program = Path(doubles.__file__).with_name("stdio_studio.py")
    root = str(program.parents[2])
    return StdioServerParameters(
        command=sys.executable,
        args=["-P", str(program), "operator", *keys],
        cwd=root,
        env={"PYTHONPATH": root},
    )
