"""What a table may hold: its keys and the types of their values, from the settings' own models."""

from typing import Any, get_args

from pydantic import BaseModel

from bookai.toml.lines import KeyPath


def keys_at(path: KeyPath, model: type[BaseModel]) -> list[str]:
    """Return the keys that a table may have; none where it is a plug-in's own."""
    found = type_at(path, model)
    return list(found.model_fields) if is_table(found) else []


def type_at(path: KeyPath, model: type[BaseModel]) -> Any:
    """Return the type of what stands there, None where none is known; of an optional one, its."""
    found: Any = model
    for part in path:
        found = _inside(found, part)
    return found


def is_table(annotation: Any) -> bool:
    """Tell whether a type is a table with keys of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inside(annotation: Any, part: str | int) -> Any:
    if is_table(annotation):
        field = annotation.model_fields.get(str(part))
        return _required(field.annotation) if field else None
    items = get_args(annotation)
    if not items:
        return None
    return _required(items[0] if isinstance(part, int) else items[-1])


def _required(annotation: Any) -> Any:
    """Return what stands beside the None of an optional type."""
    options = [one for one in get_args(annotation) if one is not type(None)]
    is_optional = len(options) == 1 and len(get_args(annotation)) == 2
    return options[0] if is_optional else annotation
