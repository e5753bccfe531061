"""Bring a JSON schema into the part of the language that a hosted grammar understands."""

from collections.abc import Mapping
from typing import Any

# A grammar of Anthropic's turns a schema down that holds one of these; they are said in words.
_SAID = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "no item twice",
}
_SCHEMAS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "prefixItems")


def thinned(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with limits that a grammar does not know moved into descriptions.

    Whoever validates the answer still has the whole schema.
    """
    said = [
        text.format(schema[key])
        for key, text in _SAID.items()
        if key in schema and not (key == "minItems" and schema[key] in (0, 1))
    ]
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SAID and not (key == "minItems" and value in (0, 1)):
            continue
        found[key] = _inside(key, value)
    if found.get("type") == "object" or "properties" in found:
        found["additionalProperties"] = False
    if said:
        before = f"{found['description']} " if found.get("description") else ""
        found["description"] = f"{before}({'; '.join(said)})"
    return found


def _inside(key: str, value: Any) -> Any:
    if key in _SCHEMAS and isinstance(value, Mapping):
        return {name: thinned(one) for name, one in value.items()}
    if key in _LISTS and isinstance(value, list | tuple):
        return [thinned(one) for one in value]
    if key == "items" and isinstance(value, Mapping):
        return thinned(value)
    return value
