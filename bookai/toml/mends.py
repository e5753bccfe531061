"""What is wrong with a file, each thing with its line and the mend, all of them at once."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bookai.toml.lines import KeyPath, line_of
from bookai.toml.shape import keys_at

_AT = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")
# Only what stands under these is told again: elsewhere an operator may have written a secret.
_TOLD = frozenset(
    {"channels", "sources", "loop", "retention", "disk", "approval_hours", "http_port"}
    | {"metrics_port"}
)
_UNTOLD = re.compile(r"credential|secret|token|passw|key|url|dsn", re.IGNORECASE)
_LONGEST = 60


def syntax_error(text: str, error: Exception) -> tuple[int, str]:
    """Return the line on which a text stops being TOML, and what is wrong there."""
    said = str(error)
    found = _AT.search(said)
    last = len(text.rstrip("\n").split("\n"))
    line = int(found[1]) if found and found[1] else last
    column = f" (column {found[2]})" if found and found[2] else ""
    plain = _AT.sub("", said).strip() or "it is no TOML"
    return line, f"{plain[0].lower()}{plain[1:]}{column}"


def wrong_values(
    error: ValidationError,
    model: type[BaseModel],
    lines: Mapping[KeyPath, int],
    elsewhere: Mapping[str, str],
) -> list[tuple[int | None, str]]:
    """Return what is wrong, in the file's order: the line, then the key and what to write.

    `elsewhere` names the environment variable that a top-level key's value came from: it has no
    line. A value is told only where it cannot be a secret.
    """
    found = []
    for one in error.errors(include_url=False):
        path = tuple(one["loc"])
        variable = elsewhere.get(str(path[0])) if path else None
        name = variable or dotted(path)
        line = None if variable else line_of(lines, path)
        found.append((line, f"{name}: {_said(one, path, model)}"))
    return sorted(found, key=lambda pair: (pair[0] or 0, pair[1]))


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as people write it."""
    return ".".join(str(part) for part in path)


def _said(one: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> str:
    context = one.get("ctx", {})
    match one["type"]:
        case "extra_forbidden":
            return f"there is no such key{_meant(path, model)}"
        case "missing":
            return "it is missing"
        case "value_error":
            return str(context["error"])
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            return f"it must be a table; write it as [{dotted(path)}]"
        case "literal_error":
            return f"{_value(one, path)} is none of {context['expected']}"
        case "string_pattern_mismatch":
            return f"{_value(one, path)} does not fit {context['pattern']}"
        case _:
            wanted = one["msg"].removeprefix("Input should ").removeprefix("be ").lower()
            shown = _value(one, path)
            wrong = "" if shown == "it" else f"{shown} is not right; "
            return f"{wrong}it should be {wanted}"


def _value(one: ErrorDetails, path: KeyPath) -> str:
    """Return the value as it was written, or "it" where it may be a secret or is long."""
    value: Any = one["input"]
    names = [part for part in path if isinstance(part, str)]
    is_open = names and names[0] in _TOLD and not _UNTOLD.search(names[-1])
    if not is_open or not isinstance(value, str | int | float | bool):
        return "it"
    if isinstance(value, bool):
        return str(value).lower()
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _meant(path: KeyPath, model: type[BaseModel]) -> str:
    """Return which key was probably meant."""
    known = keys_at(path[:-1], model)
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if 0 < len(known) <= 40 else ""
