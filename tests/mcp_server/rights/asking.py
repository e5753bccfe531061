"""Clients whose person answers a question in one given way, and keeps what was asked."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp.client import Client, ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from mcp_server.auth import Principal
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
        return Client(studio.server(principal), mode=mode, elicitation_callback=self.answer)
