"""Arguments drawn from a tool's own JSON schema, and arguments that miss it."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.just("'; DROP TABLE video_jobs; --"),
    st.just("../../../etc/passwd"),
    st.just("file:///etc/passwd"),
    st.just("http://169.254.169.254/latest/meta-data"),
    st.just("\x00\ud800".encode("utf-8", "replace").decode()),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
    st.just(2**80),
    st.just("x" * 20_000),
)


def fitting(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return what fits a part of a schema, as far as JSON Schema can say it."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return st.deferred(lambda: fitting(defs[name], defs))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return st.one_of([fitting(part, defs) for part in schema["anyOf"]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([fitting({**schema, "type": one}, defs) for one in kind])
    if kind == "array":
        return _array(schema, defs)
    if kind == "object":
        return _object(schema, defs)
    return _plain(kind, schema)


def _plain(kind: object, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    match kind:
        case "string":
            return _string(schema)
        case "integer":
            return st.integers(schema.get("minimum", -(2**40)), schema.get("maximum", 2**40))
        case "number":
            low, high = schema.get("minimum", -1e6), schema.get("maximum", 1e6)
            return st.floats(low, high, allow_nan=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case _:
            return ODD


def _array(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "prefixItems" in schema:
        return st.tuples(*[fitting(part, defs) for part in schema["prefixItems"]]).map(list)
    low = schema.get("minItems", 0)
    item = fitting(schema.get("items", {}), defs)
    return st.lists(item, min_size=low, max_size=min(schema.get("maxItems", 3), low + 3))


def _string(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+00:00".rjust(25, "0"))
    low = schema.get("minLength", 0)
    return st.text(min_size=low, max_size=min(schema.get("maxLength", 40), low + 40))


def _object(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(schema.get("additionalProperties"), Mapping):
        value = fitting(schema["additionalProperties"], defs)
        return st.dictionaries(st.text(max_size=10), value, max_size=3)
    parts = schema.get("properties", {})
    must = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: fitting(part, defs) for name, part in parts.items() if name in must},
        optional={name: fitting(part, defs) for name, part in parts.items() if name not in must},
    )


def missing(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return arguments with odd values, odd names, or parts left out."""
    names = st.sampled_from([*schema.get("properties", {}), "unknown", "__class__", "job_id"])
    return st.one_of(
        st.dictionaries(names, ODD, max_size=5),
        st.tuples(fitting(schema, defs), names, ODD).map(lambda t: {**t[0], t[1]: t[2]}),
    )


def draw(strategy: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    """Return `count` examples, the same ones for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found
