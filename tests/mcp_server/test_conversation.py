"""The conversation in the docs is one that the server would still understand."""

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator

from mcp_server.auth import Principal
from tests.mcp_server.doubles import Studio
from tests.mcp_server.test_server import listed

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-the-studio-by-chat.md"
CALL = re.compile(r"^`(\w+)`\n\n```json\n(.*?)\n```", re.MULTILINE | re.DOTALL)
OPERATOR = Principal("operator:chat", frozenset({"read", "operate", "approve"}))


async def test_every_call_of_the_page_fits_its_tool() -> None:
    calls = CALL.findall(PAGE.read_text(encoding="utf-8"))
    tools = {tool["name"]: tool for tool in await listed(Studio(), OPERATOR)}

    assert {"list_trends", "make_batch", "decide_bundle", "list_earnings"} <= {n for n, _ in calls}
    for name, arguments in calls:
        Draft202012Validator(tools[name]["inputSchema"]).validate(json.loads(arguments))
