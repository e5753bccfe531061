"""What an operator or a client writes for a channel, as values for the file."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, get_origin

from bookai.channels import ChannelSettings
from bookai.errors import Refused
from bookai.toml.shape import is_table, keys_at, type_at

Values = Mapping[tuple[str, ...], Any]
"""By the path of the key in the channel's table; None takes the key away."""

OVER_MCP = frozenset(
    {"language", "content", "time_zone", "niches"}
    | {"made_for_kids", "seconds", "banned_phrases", "voice", "brand"}
    | {"brand_voice", "cadence", "budget"}
)
"""What a client may change. Where videos go and who sees them, who approves, how far a channel runs
alone, where its secrets are, what its account may do and which files are opened is said on the
studio's own machine alone."""


def from_pairs(pairs: Sequence[str]) -> Values:
    """Read `key=value` pairs; a list may be written with commas, and `key=` takes the key away.

    Raises:
        Refused: a pair has no equals sign, or names no key of a channel.
    """
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise Refused(f"{pair[:80]!r} says nothing: write key=value, such as seconds=30.")
        path = tuple(name.strip().split("."))
        check_key(path)
        values[path] = _value(text.strip(), type_at(path, ChannelSettings))
    return values


def from_toml(text: str) -> Values:
    """Read lines as they would stand under the channel's header.

    Raises:
        Refused: it is no TOML, holds a header, or names no key of a channel.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(
            f"the changes are no TOML ({error}): write lines such as seconds = 30."
        ) from None
    values = dict(_flat((), found))
    for path in values:
        check_key(path)
    return values


def check_key(path: tuple[str, ...]) -> None:
    """Return when a channel has such a key.

    Raises:
        Refused: it has not; those that it has are named.
    """
    known = keys_at(path[:-1], ChannelSettings)
    if path[-1] not in known:
        where = ".".join(path)
        raise Refused(
            f"a channel has no key {where[:80]!r}"
            + (f"; known here: {', '.join(known)}." if known else ".")
        )


def check_over_mcp(values: Values) -> None:
    """Return when a client may change all of these.

    Raises:
        Refused: one of them is for the studio's own machine.
    """
    locked = sorted(".".join(path) for path in values if path[0] not in OVER_MCP)
    if locked:
        raise Refused(
            f"{', '.join(locked)} cannot be changed from here: where videos go and who sees them, "
            "who approves, what runs alone and where secrets are is said on "
            "the studio's own machine, with: bookai channels set"
        )


def _flat(at: tuple[str, ...], table: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    found = []
    for key, value in table.items():
        path = (*at, key)
        if isinstance(value, dict) and is_table(type_at(path, ChannelSettings)):
            found += _flat(path, value)
        else:
            found.append((path, value))
    return found


def _value(text: str, wanted: Any) -> Any:
    """Return a value as its key wants it: whoever types `account=123` means a text."""
    if not text:
        return None
    try:
        found = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        found = text
    if get_origin(wanted) is tuple:
        if isinstance(found, list):
            return found
        return [part.strip() for part in text.split(",") if part.strip()]
    is_other = isinstance(found, int | float) and wanted not in (int, float, bool)
    return text if is_other else found
