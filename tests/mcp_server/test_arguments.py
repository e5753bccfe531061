import pytest
from mcp.client import Client
from mcp.types import TextContent

from bookai.errors import ToolFailed
from bookai.toolbox import Toolbox
from mcp_server.schema import compact, inline, loosen
from tests.mcp_server.doubles import POST, WORKER, Nothing, Studio


async def said(studio: Studio, name: str, arguments: dict[str, object]) -> str:
    async with Client(studio.server(WORKER)) as client:
        answer = await client.call_tool(name, arguments)
    assert answer.is_error
    [part] = answer.content
    assert isinstance(part, TextContent)
    return part.text


async def test_an_unknown_argument_is_refused_by_name(studio: Studio) -> None:
    text = await said(studio, "echo", {"text": "a", "volume": 11, "colour": "red"})

    assert text.splitlines() == [
        "The arguments of echo do not fit.",
        "volume: there is no such argument",
        "colour: there is no such argument",
        "It takes: text, times",
    ]


async def test_each_misfit_is_one_line_without_the_checkers_own_words(studio: Studio) -> None:
    post = POST.model_dump(mode="json") | {"mood": "happy", "title": 5}
    echo = await said(studio, "echo", {"times": 9})
    send = await said(studio, "send_post", {"job_id": 0, "post": post})

    assert echo.splitlines()[1:] == [
        "text: is missing",
        "times: Input should be less than or equal to 5",
    ]
    assert send.splitlines()[1:] == [
        "job_id: Input should be greater than or equal to 1",
        "post.title: Input should be a valid string",
        "post.mood: there is no such field",
    ]
    assert "pydantic" not in echo + send
    assert "input_value" not in echo + send


async def test_arguments_that_do_not_fit_reach_the_audit_log_but_not_the_tool(
    studio: Studio,
) -> None:
    async with Client(studio.server(WORKER)) as client:
        with pytest.raises(ToolFailed, match="how: is missing"):
            await Toolbox(client).call("end_badly", Nothing)

    [(_kind, _actor, body)] = studio.rows
    assert (body["outcome"], body["error"]) == ("bad_arguments", "BadArguments")


async def test_a_number_that_no_row_can_have_is_refused_before_the_database(
    studio: Studio,
) -> None:
    assert "job_id: there is no such number" in await said(studio, "get_job", {"job_id": 2**63})


async def test_a_flood_of_unknown_arguments_is_answered_and_audited_briefly(
    studio: Studio,
) -> None:
    text = await said(studio, "echo", {f"{n}" + "x" * 500: n for n in range(2000)})

    assert len(text) < 3000
    assert "and 1981 more" in text
    assert len(str(studio.rows)) < 4000


def test_compact_drops_made_up_titles_and_keeps_fields_called_title() -> None:
    schema = {
        "title": "Args",
        "properties": {"title": {"title": "Title", "type": "string", "default": {"title": "t"}}},
        "anyOf": [{"title": "A", "type": "string"}],
    }

    assert compact(schema) == {
        "properties": {"title": {"type": "string", "default": {"title": "t"}}},
        "anyOf": [{"type": "string"}],
    }


def test_loosen_lets_an_answer_grow_and_shortens_what_may_be_null() -> None:
    schema = {
        "additionalProperties": False,
        "description": "An answer.",
        "properties": {
            "description": {"type": "string"},
            "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "b": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "c": {"additionalProperties": {"type": "number"}},
        },
    }

    assert loosen(schema) == {
        "properties": {
            "description": {"type": "string"},
            "a": {"type": ["string", "null"]},
            "b": {"type": ["string", "null"]},
            "c": {"additionalProperties": {"type": "number"}},
        },
    }


def test_loosen_shows_the_records_of_an_answer_and_no_deeper() -> None:
    schema = {
        "$defs": {
            "Deep": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "Row": {"type": "object", "properties": {"deep": {"$ref": "#/$defs/Deep"}}},
        },
        "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
    }

    assert loosen(schema) == {
        "properties": {
            "rows": {
                "type": "array",
                "items": {"type": "object", "properties": {"deep": {"type": "object"}}},
            }
        }
    }


def test_inline_writes_down_in_place_what_is_used_once() -> None:
    schema = {
        "$defs": {"One": {"type": "object"}, "Two": {"properties": {"x": {"minimum": 1}}}},
        "properties": {
            "a": {"$ref": "#/$defs/One", "description": "The only one."},
            "b": {"$ref": "#/$defs/Two"},
            "c": {"items": {"$ref": "#/$defs/Two"}},
        },
    }

    assert inline(schema) == {
        "$defs": {"Two": {"properties": {"x": {"minimum": 1}}}},
        "properties": {
            "a": {"type": "object", "description": "The only one."},
            "b": {"$ref": "#/$defs/Two"},
            "c": {"items": {"$ref": "#/$defs/Two"}},
        },
    }
