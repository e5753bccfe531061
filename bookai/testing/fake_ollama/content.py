"""What the fake models say: it depends on seed, model, prompt and schema alone."""

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bookai.testing.fake_ollama.config import Fault

_WORDS = (
    "the agent book chapter plan draft scene reader story index figure outline editor review "
    "theme quote source table note style"
)
WORDS = tuple(_WORDS.split())
DEEP = 3

Schema = Mapping[str, Any] | bool


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before it is cut into tokens."""

    text: str
    thinking: str = ""
    calls: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer depends on. `form` is "json", a schema, or None for prose."""

    model: str
    prompt: str
    form: str | Mapping[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()
    thinks: bool = False


def say(question: Question, seed: int, mean_tokens: int, fault: Fault | None) -> Said:
    """Return the answer, spoilt as `fault` says."""
    key = (seed, question.model, question.prompt, json.dumps(question.form, sort_keys=True))
    rng = dice(*key)
    thinking = _prose(rng, 12) if question.thinks else ""
    if question.tools and not question.form:
        function = rng.choice(question.tools)["function"]
        arguments = instance(function.get("parameters") or {}, rng)
        call = {"function": {"name": function["name"], "arguments": arguments}}
        return Said("", thinking, (call,))
    if question.form is None:
        text = _prose(rng, mean_tokens)
    elif isinstance(question.form, str):
        text = json.dumps({"answer": " ".join(rng.choices(WORDS, k=6))})
    else:
        text = json.dumps(instance(question.form, rng))
    return Said(spoil(text, fault), thinking)


def dice(*key: object) -> random.Random:
    """Return a source of randomness that is the same for the same key in every process."""
    return random.Random(hashlib.sha256(repr(key).encode()).digest())


def spoil(text: str, fault: Fault | None) -> str:
    """Return `text` as a model with this fault would have written it."""
    match fault:
        case "invalid_json":
            return f"Sure! Here is the JSON you asked for: {text[:-1]},}}"
        case "truncated_json":
            return text[: max(1, len(text) * 2 // 3)]
        case "schema_violation":
            return _off_schema(text)
        case "fenced_json":
            return f"```json\n{text}\n```"
        case "whitespace_flood":
            return "{" + "\n" * 4000
        case "empty_content":
            return ""
        case "think_leak":
            return f"<think>hmm, let me see</think>\n{text}"
        case _:
            return text


def _off_schema(text: str) -> str:
    """Drop the first key of an object and add one that nobody asked for."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return json.dumps({"unexpected": 1})
    kept = {key: found[key] for key in sorted(found)[1:]}
    return json.dumps(kept | {"unexpected": 1})


def instance(schema: Schema, rng: random.Random) -> Any:
    """Return a value that fits a JSON schema; `pattern`, `format` and `not` are not looked at."""
    return _Maker(schema if isinstance(schema, Mapping) else {}, rng).value(schema, 0)


class _Maker:
    def __init__(self, root: Mapping[str, Any], rng: random.Random) -> None:
        self._root = root
        self._rng = rng

    def value(self, schema: Schema, depth: int) -> Any:
        if isinstance(schema, bool) or not schema:
            return "x"
        if "$ref" in schema:
            return self.value(self._resolve(schema["$ref"]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._rng.choice(schema["enum"])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(self._option(options, depth), depth + 1)
        if "allOf" in schema:
            return self._all(schema["allOf"], depth)
        return self._typed(schema, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match self._rng.choice(kind) if isinstance(kind, list) else kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                low, high = _bounds(schema, 1, 100)
                return self._rng.randint(math.ceil(low), math.floor(high))
            case "number":
                low, high = _bounds(schema, 0.001, 1.0)
                return round(self._rng.uniform(low, high), 3)
            case "boolean":
                return self._rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema)

    def _resolve(self, reference: str) -> Schema:
        node: Any = self._root
        for name in reference.lstrip("#/").split("/"):
            node = node[name]
        found: Schema = node
        return found

    def _option(self, options: Sequence[Mapping[str, Any]], depth: int) -> Mapping[str, Any]:
        flat = [o for o in options if "$ref" not in o and o.get("type") not in ("object", "array")]
        return self._rng.choice(flat if flat and depth > DEEP else list(options))

    def _all(self, parts: Sequence[Mapping[str, Any]], depth: int) -> Any:
        made = [self.value(part, depth + 1) for part in parts]
        whole: dict[str, Any] = {}
        for part in made:
            if not isinstance(part, dict):
                return part
            whole |= part
        return whole

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        return {
            name: self.value(part, depth + 1)
            for name, part in properties.items()
            if name in required or (depth <= DEEP and self._rng.random() < 0.7)
        }

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        low = schema.get("minItems", 0 if depth > DEEP else 1)
        high = max(low, min(schema.get("maxItems", 3), low + 2))
        items = schema.get("items", {"type": "string"})
        return [self.value(items, depth + 1) for _ in range(self._rng.randint(low, high))]

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = " ".join(self._rng.choices(WORDS, k=self._rng.randint(2, 6)))
        while len(text) < schema.get("minLength", 0):
            text += " " + self._rng.choice(WORDS)
        return text[: schema.get("maxLength", 200)]


def _bounds(schema: Mapping[str, Any], step: Any, span: Any) -> tuple[Any, Any]:
    """Return the least and the greatest value, `span` apart where the schema names only one."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    if low is None:
        low = 0 if high is None else min(0, high)
    return low, low + span if high is None else high


def _prose(rng: random.Random, mean_words: int) -> str:
    count = max(5, int(rng.lognormvariate(math.log(max(1, mean_words)), 0.5)))
    return " ".join(rng.choices(WORDS, k=count)).capitalize() + "."
