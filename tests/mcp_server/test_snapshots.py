"""Point 7: each tool as it crosses the wire is kept here, so that no change of it goes unseen.

After a change that is meant: `python -m tests.mcp_server.test_snapshots`.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from mcp_server.auth import Principal
from mcp_server.server import load_tools
from tests.mcp_server.doubles import Studio
from tests.mcp_server.test_server import listed

FOLDER = Path(__file__).parent / "snapshots"
ALL = Principal("operator:all", frozenset({"read", "operate", "approve", "admin"}))
WORKER = Principal("agent:all", frozenset({"read", "agent"}))


async def shown() -> dict[str, str]:
    """Return every tool's text."""
    tools: dict[str, Any] = {}
    for who in (ALL, WORKER):
        tools |= {tool["name"]: tool for tool in await listed(Studio(), who)}
    return {
        name: json.dumps(tool, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for name, tool in tools.items()
    }


async def test_no_tool_changed_unseen() -> None:
    now = await shown()
    kept = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert now.keys() == load_tools().keys()
    changed = sorted(name for name in now.keys() | kept.keys() if now.get(name) != kept.get(name))
    assert changed == [], "meant? then: python -m tests.mcp_server.test_snapshots"


async def test_names_are_verbs_and_short_and_descriptions_say_when_not() -> None:
    """Point 5."""
    for name, text in (await shown()).items():
        tool = json.loads(text)
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert len(name) <= 64
        description = tool["description"].lower()
        assert any(word in description for word in ("do not", "never", "only", "not for")), name
        for argument, part in tool["inputSchema"].get("properties", {}).items():
            assert part.get("description"), f"{name}.{argument}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for tool_name, tool_text in asyncio.run(shown()).items():
        (FOLDER / f"{tool_name}.json").write_text(tool_text, encoding="utf-8")
