"""Reading a model's answer: what is mended, and what is never made up."""

import json

import pytest

from bookai.llm.parsing import NotJson, Stage, WrongShape, check_shape, parse_object


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ('{"a": "b"}', "strict"),
        ('{"a": "b"}\n', "strict"),
        ('<think>so {"a": 1}?</think>\n{"a": "b"}', "think"),
        ('<thinking>\nso\n</thinking>{"a": "b"}', "think"),
        ('```json\n{"a": "b"}\n```', "fences"),
        ('<think>so</think>```\n{"a": "b"}```', "fences"),
        ('Here it is: {"a": "b"} Enjoy!', "outermost"),
        ('{"a": "b",}', "commas"),
        ('Well, {"a": "b" , }', "commas"),
    ],
)
def test_what_stands_around_an_object_is_dropped(text: str, stage: Stage) -> None:
    parsed = parse_object(text)

    assert (parsed.content, parsed.stage) == ({"a": "b"}, stage)


def test_a_raw_line_break_inside_a_text_is_kept() -> None:
    parsed = parse_object('{"a": "b\nc"}')

    assert (parsed.content, parsed.stage) == ({"a": "b\nc"}, "control_characters")


def test_a_comma_inside_a_text_is_not_taken() -> None:
    assert parse_object('{"a": "b,]", "c": [1, 2,],}').content == {"a": "b,]", "c": [1, 2]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "[1, 2]",
        '"text"',
        '{"title": "Rain", "lines": [{"kind": "hook"',
        '{"title": "Rain", "lines": [{"kind": "hook"}',
        '{"title": "Rain"',
        "<think>so {",
        '{"a": 1} {"b": 2}',
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        '{"a":' * 30_000,
    ],
)
def test_what_is_no_whole_object_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        parse_object(text)


def test_a_whole_object_is_never_found_in_a_cut_one() -> None:
    whole = json.dumps({"title": "Rain", "lines": [{"kind": "hook", "text": "a } b"}]})

    for end in range(len(whole)):
        with pytest.raises(NotJson):
            parse_object(whole[:end])


def test_the_place_of_what_does_not_fit_is_told() -> None:
    schema = {
        "type": "object",
        "properties": {"lines": {"type": "array", "items": {"type": "string"}}},
    }

    check_shape({"lines": ["a"]}, schema)
    with pytest.raises(WrongShape, match=r"lines\.1: 2 is not of type"):
        check_shape({"lines": ["a", 2]}, schema)


@pytest.mark.parametrize(
    "text",
    [
        "```" + " " * 50_000 + "x",
        "```json" + "\n" * 50_000,
        '{"' + '\\"' * 50_000 + "}",
        '{"a": ' + '"' * 50_001 + "}",
        '{"a": [' + ", " * 50_000 + "]}",
    ],
)
def test_a_long_answer_is_read_in_one_go(text: str) -> None:
    """Each of these once took minutes to hours, in which nothing else could happen."""
    with pytest.raises(NotJson):
        parse_object(text)
