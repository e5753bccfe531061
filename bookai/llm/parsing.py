"""What a model said becomes one JSON object that fits its schema, or an error that says why not.

Stages go from the strict to the lenient, and the first that yields an object wins. A JSON that was
cut off is never completed: what is missing might have been the important part.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NoReturn

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Stage = Literal["strict", "control_characters", "think", "fences", "outermost", "commas"]

MAX_SAID = 300

_THINKING = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL)
# A string as a whole, or a comma before a closing bracket: so no comma inside a string is taken.
# A string that never ends counts as one too: else each quote would be tried to the end anew.
_STRING_OR_COMMA = re.compile(r'("(?:\\.|[^"\\])*"?)|,(?=\s*[}\]])', re.DOTALL)
_FENCE = "```"


class NotJson(ValueError):
    """There is no whole JSON object in the answer."""


class WrongShape(ValueError):
    """The object does not fit the schema."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The object, and the stage that found it."""

    content: dict[str, Any]
    stage: Stage


def parse_object(text: str) -> Parsed:
    """Return the JSON object in a model's answer; thinking, fences and chatter are dropped.

    Raises:
        NotJson: there is no whole object, or one that cannot be written down: with half a
            character, a zero byte or a number that is none.
    """
    for stage, candidate in _candidates(text):
        try:
            found = json.loads(candidate, strict=stage == "strict", parse_constant=_no_number)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            _check_text(found)
            return Parsed(found, stage)
    raise NotJson(f"the answer was no JSON object but {text[:60]!r}")


def check_shape(content: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check an object against a JSON schema.

    Raises:
        WrongShape: with the worst of what is wrong, and where.
    """
    problem = best_match(_validator(json.dumps(schema, sort_keys=True)).iter_errors(content))
    if problem is not None:
        where = ".".join(str(part) for part in problem.absolute_path) or "object"
        raise WrongShape(f"the answer's {where}: {problem.message[:MAX_SAID]}")


def _candidates(text: str) -> Iterator[tuple[Stage, str]]:
    yield "strict", text
    yield "control_characters", text
    bare = _THINKING.sub("", text)
    yield "think", bare
    bare = _unfenced(bare)
    yield "fences", bare
    begin, end = bare.find("{"), bare.rfind("}")
    if 0 <= begin < end:
        bare = bare[begin : end + 1]
        yield "outermost", bare
        yield "commas", _STRING_OR_COMMA.sub(lambda found: found.group(1) or "", bare)


def _unfenced(text: str) -> str:
    text = text.strip()
    if len(text) < 2 * len(_FENCE) or not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    return text[len(_FENCE) : -len(_FENCE)].removeprefix("json").strip()


def _no_number(name: str) -> NoReturn:
    raise NotJson(f"the answer holds {name}, which is no number")


def _check_text(found: dict[str, Any]) -> None:
    try:
        said = json.dumps(found, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotJson("the answer holds half a character") from error
    if b"\\u0000" in said:
        raise NotJson("the answer holds a zero byte")


@lru_cache(maxsize=64)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))
