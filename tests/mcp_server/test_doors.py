"""The same claims through every door and in both eras of the protocol."""

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.toolbox import Toolbox
from tests.mcp_server.doubles import SECRET, Nothing, Said, Studio

DOORS = [(way, mode) for way in ("memory", "stdio", "http") for mode in ("auto", "legacy")]
ENDS: list[tuple[str, type[BookAIError], dict[str, Any]]] = [
    ("refused", Refused, {}),
    ("later", TryLater, {"after_s": 7.5}),
    ("held", NotYet, {"after_s": 60}),
    ("operator", OperatorNeeded, {"mend": "Run: bookai doctor"}),
    ("crash", ToolFailed, {}),
    ("wrong", ToolFailed, {}),
]


@pytest.mark.parametrize(("way", "mode"), DOORS)
async def test_an_error_keeps_its_class_and_loses_its_secrets(
    studio: Studio, way: str, mode: str
) -> None:
    """Point 32: at every door and in both eras; the overhead is a benchmark's."""
    seen = []
    async with studio.connected(way, mode, "agent") as client:
        for how, kind, fields in ENDS:
            with pytest.raises(BookAIError) as caught:
                await Toolbox(client).call("end_badly", Nothing, how=how)
            seen.append((type(caught.value), str(caught.value)))
            assert type(caught.value) is kind
            assert {name: getattr(caught.value, name) for name in fields} == fields

    texts = dict(zip((how for how, _, _ in ENDS), (text for _, text in seen), strict=True))
    assert texts["refused"] == "There are only 3 words in it. Choose a longer article."
    assert texts["operator"] == "There is no ffmpeg. Run: bookai doctor"
    assert texts["crash"] == "end_badly: end_badly failed inside; see the studio's log."
    assert SECRET not in str(texts)


@pytest.mark.parametrize(("way", "mode"), DOORS)
async def test_a_call_brings_home_a_record_and_its_progress(
    studio: Studio, way: str, mode: str
) -> None:
    heard: list[tuple[float, str]] = []

    async def hear(fraction: float, message: str) -> None:
        heard.append((fraction, message))

    async with studio.connected(way, mode, "agent") as client:
        toolbox = Toolbox(client).acting("writer", 7, hear)
        said = await toolbox.call("echo", Said, text="hello", times=2)

    assert said.text == "hello"
    assert heard == [(0.5, "said 1"), (1.0, "said 2")]


@pytest.mark.parametrize(("way", "mode"), DOORS)
async def test_an_agent_neither_sees_nor_gets_what_operators_have(
    studio: Studio, way: str, mode: str
) -> None:
    async with studio.connected(way, mode, "agent") as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        for name, arguments in (
            ("decide_approval", {"approval_id": 1, "decision": "approve"}),
            ("make_video", {"source": "a.txt"}),
        ):
            with pytest.raises(Refused, match="needs the right"):
                await Toolbox(client).call(name, Nothing, **arguments)
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("publish_everything", {})

    assert listed == sorted(listed)
    assert "echo" in listed
    assert not {"decide_approval", "make_video"} & set(listed)
    assert unknown.value.code == -32602
    assert studio.desk.decided == []
    assert studio.desk.created == []
