"""Change keys of a TOML text, and nothing else in it: comments, order and space stay."""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from bookai.errors import Refused
from bookai.toml.lines import sections_of

Changes = Mapping[tuple[str, ...], Any]
"""New values by the path of their key below a table; None takes the key away."""


def change_table(text: str, table: tuple[str, ...], changes: Changes) -> str:
    """Return a TOML text with these keys of a table changed; a table that is missing is added.

    Raises:
        Refused: the text is written in a way that cannot be changed without rewriting more of it.
    """
    if _table(tomllib.loads(text), table) is None:
        text = _ended(text) + ("\n" if text else "") + f"[{_dotted(table)}]\n"
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            raise _by_hand(table) from None
    for path, value in changes.items():
        text = _put(text, table, path, value)
    return text


def _put(text: str, table: tuple[str, ...], path: tuple[str, ...], value: Any) -> str:
    """Change one key, in the first way whose text reads back as it should.

    The library loses its way in some files.
    """
    wanted = tomllib.loads(text)
    _put_plain(wanted, (*table, *path), value)
    is_there = _table(tomllib.loads(text), (*table, *path)) is not None
    ways = (_by_library,) if is_there or value is None else (_in_section, _at_end, _by_library)
    for way in ways:
        try:
            fresh = way(text, table, path, value)
            if _bare(tomllib.loads(fresh)) == _bare(wanted):
                return fresh
        except (TOMLKitError, tomllib.TOMLDecodeError, LookupError, TypeError, ValueError):
            continue
    raise _by_hand((*table, *path))


def _by_hand(path: tuple[str, ...]) -> Refused:
    return Refused(
        "the file is written in a way that cannot be changed from here: change "
        f"{'.'.join(path)} in it by hand."
    )


def _in_section(text: str, table: tuple[str, ...], path: tuple[str, ...], value: Any) -> str:
    """Write a new key behind the last one of the nearest table that has a header.

    The library would write it behind the comments that follow, which are of the next table.
    """
    sections, whole = sections_of(text), (*table, *path)
    depth = max((d for d in range(1, len(whole)) if whole[:d] in sections), default=0)
    lines = _ended(text).splitlines(keepends=True)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    fresh = f"{_dotted(whole[depth:])} = {tomlkit.item(value).as_string()}{end}"
    lines.insert(sections[whole[:depth]], fresh)
    return "".join(lines)


def _at_end(text: str, table: tuple[str, ...], path: tuple[str, ...], value: Any) -> str:
    """Give the table a header of its own at the end of the file."""
    pair = f"{_dotted(path)} = {tomlkit.item(value).as_string()}"
    return f"{_ended(text)}\n[{_dotted(table)}]\n{pair}\n"


def _by_library(text: str, table: tuple[str, ...], path: tuple[str, ...], value: Any) -> str:
    document = tomlkit.parse(text)
    found: Any = document
    for key in (*table, *path[:-1]):
        if key not in found and value is None:
            return text
        found = found[key]
    if value is None:
        found.pop(path[-1], None)
    else:
        found[path[-1]] = value
    return tomlkit.dumps(document)


def _dotted(path: tuple[str, ...]) -> str:
    return tomlkit.key(list(path)).as_string()


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _put_plain(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    if value is None:
        values.pop(path[-1], None)
    else:
        values[path[-1]] = value


def _table(values: dict[str, Any], table: tuple[str, ...]) -> Any:
    found: Any = values
    for key in table:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _bare(values: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Leave out empty tables inside of tables: they say nothing."""
    return {
        key: _bare(value, depth + 1) if isinstance(value, dict) else value
        for key, value in values.items()
        if depth < 2 or value != {}
    }
