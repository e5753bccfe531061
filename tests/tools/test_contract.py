"""What every file in tools/ keeps, those that are written tomorrow included."""

import inspect
import re
import sys
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import tools
from bookai.models import Post, Record
from bookai.plugins import load_plugins
from tools.base import Scope, Tool, ToolContext

TOOLS = load_plugins(tools, "TOOL", Tool)
# Long enough for a render, short enough that a hung tool does not hold a job for ever.
LONGEST_S = 600
each_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS.keys())


def parameters(tool: Tool) -> dict[str, Any]:
    hints = get_type_hints(tool.run, include_extras=True)
    names = list(inspect.signature(tool.run).parameters)
    return {name: hints[name] for name in names[1:]}


def facts(annotation: Any) -> tuple[Any, str, list[Any]]:
    """Return the bare type of a parameter, its description and its bounds."""
    if get_origin(annotation) is not Annotated:
        return annotation, "", []
    bare, *marks = get_args(annotation)
    fields = [mark for mark in marks if isinstance(mark, FieldInfo)]
    bounds = [bound for field in fields for bound in field.metadata]
    return bare, " ".join(field.description or "" for field in fields), bounds


def unbounded(name: str, bare: Any, bounds: list[Any]) -> Iterator[str]:
    """Name what a hostile caller could make as large as it likes."""
    if get_origin(bare) is Literal:
        return
    if get_origin(bare) is Union or type(bare).__name__ == "UnionType":
        for part in get_args(bare):
            yield from unbounded(name, part, bounds)
        return
    kinds = {type(bound) for bound in bounds}
    if bare in (int, float):
        low = kinds & {annotated_types.Ge, annotated_types.Gt, annotated_types.Interval}
        high = kinds & {annotated_types.Le, annotated_types.Lt, annotated_types.Interval}
        # The guard knows how far the numbers of rows go.
        if not (low and (high or name.endswith("_id"))):
            yield f"{bare.__name__} without ge and le"
    elif bare is str:
        if not kinds & {annotated_types.MaxLen, annotated_types.Len}:
            yield "str without max_length"
    elif not (bare in (bool, date, type(None)) or _is_record(bare)):
        yield f"{bare!r}: use a record, a Literal or a bounded scalar"


def _is_record(bare: Any) -> bool:
    return isinstance(bare, type) and issubclass(bare, BaseModel)


def test_there_are_tools() -> None:
    assert {"get_status", "make_video", "decide_approval"} <= set(TOOLS)


@each_tool
def test_its_name_is_verb_noun_and_short(tool: Tool) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", tool.name)
    assert len(tool.name) <= 40


@each_tool
def test_it_has_a_title_a_right_and_a_time_limit(tool: Tool) -> None:
    assert tool.title[:1].isupper()
    assert len(tool.title) <= 60
    assert tool.scope in get_args(Scope)
    assert 0 < tool.timeout_s <= LONGEST_S


@each_tool
def test_its_docstring_tells_a_model_when_and_when_not(tool: Tool) -> None:
    told = inspect.getdoc(tool.run) or ""

    assert 60 <= len(told) <= 1000
    assert re.search(r"\b(Use|Call|For|When)\b", told), "say when to use it"
    # Agents' tools are called by code; the others are chosen by a model.
    assert tool.scope == "agent" or re.search(r"\b([Nn]ot|[Nn]ever)\b", told), "say when not"


@each_tool
def test_it_takes_the_context_first_and_answers_with_a_record(tool: Tool) -> None:
    hints = get_type_hints(tool.run)
    first = next(iter(inspect.signature(tool.run).parameters))

    assert inspect.iscoroutinefunction(tool.run)
    assert (first, hints[first]) == ("ctx", ToolContext)
    assert issubclass(hints["return"], Record)


@each_tool
def test_every_parameter_is_described_and_bounded(tool: Tool) -> None:
    faults = []
    for name, annotation in parameters(tool).items():
        bare, description, bounds = facts(annotation)
        faults += [] if len(description) >= 8 else [f"{name}: no description"]
        faults += [f"{name}: {fault}" for fault in unbounded(name, bare, bounds)]

    assert faults == []


@each_tool
def test_its_hints_do_not_contradict_each_other(tool: Tool) -> None:
    assert not (tool.read_only and tool.destructive)
    assert not (tool.read_only and not tool.idempotent)
    assert not (tool.read_only and tool.scope in ("operate", "approve", "admin"))


@each_tool
def test_a_tool_that_needs_approval_can_be_checked_against_it(tool: Tool) -> None:
    types = {name: facts(annotation)[0] for name, annotation in parameters(tool).items()}

    assert not tool.needs_approval or (types.get("job_id"), types.get("post")) == (int, Post)
    assert tool.needs_approval or types.get("post") is not Post


@each_tool
def test_its_file_exports_it_under_its_own_name(tool: Tool) -> None:
    module = sys.modules[tool.run.__module__]

    assert module.__name__ == f"tools.{tool.name}"
    assert getattr(module, tool.name) is tool.run
