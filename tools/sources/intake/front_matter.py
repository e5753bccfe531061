"""The block of settings at the head of a Markdown or text file.

Static site generators write `---` around lines of `key: value` (a small part of YAML) or `+++`
around TOML. We read what we need of both: flat keys with a text, a date or a list of texts.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime

from tools.sources.base import Reading

_BLOCK = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.S)
_KEY = re.compile(r"^([A-Za-z][\w-]*)[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"^[ \t]*-[ \t]+(.*)$")
_DATED_NAME = re.compile(r"^(\d{4}-\d{2}-\d{2})-")
_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$|Z$|UTC$)")

# Settings are a few lines; a longer block is text between two rules.
_LONGEST = 65_536

Values = Mapping[str, tuple[str, ...]]


def split_front_matter(text: str) -> tuple[Values, str]:
    """Return the settings and the text after them; no settings when the block is none."""
    found = _BLOCK.match(text[:_LONGEST])
    if not found:
        return {}, text
    mark, block = found.groups()
    values = _read_toml(block) if mark == "+++" else _read_lines(block)
    if not values:
        # Two rules around a paragraph are no settings, and the paragraph is the author's.
        return {}, text
    return values, text[found.end() :]


def reading_from(values: Values, paragraphs: tuple[str, ...], *, title: str, name: str) -> Reading:
    """Join what the settings say with what was read; `title` stands in when they have none."""

    def first(*keys: str) -> str:
        return next((values[key][0] for key in keys if values.get(key)), "")

    dated = _DATED_NAME.match(name)
    return Reading(
        paragraphs=paragraphs,
        title=first("title") or title,
        publisher=first("publisher", "site", "source"),
        url=first("url", "canonical_url", "link"),
        language=first("language", "lang"),
        author=", ".join(values.get("author", ()) or values.get("authors", ())),
        licence=first("licence", "license", "rights"),
        published_at=read_date(
            first("date", "published", "published_at") or (dated.group(1) if dated else "")
        ),
    )


def read_date(text: str) -> datetime | None:
    """Return an ISO date or time as aware UTC, or None; a date alone means its midnight in UTC."""
    text = _ZONE.sub("", text.strip()).removesuffix("UTC")
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_toml(block: str) -> Values:
    try:
        table = tomllib.loads(block)
    except tomllib.TOMLDecodeError:
        return {}
    return {key.lower(): texts for key, value in table.items() if (texts := _texts(value))}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if isinstance(value, date):
        return (value.isoformat(),)
    if isinstance(value, list):
        return tuple(one for one in value if isinstance(one, str))
    return ()


def _read_lines(block: str) -> Values:
    values: dict[str, tuple[str, ...]] = {}
    key = ""
    for line in block.split("\n"):
        if found := _KEY.match(line):
            key = found.group(1).lower()
            values[key] = _flow(found.group(2) or "")
        elif (item := _ITEM.match(line)) and key:
            values[key] = (*values[key], _unquoted(item.group(1)))
    return values


def _flow(text: str) -> tuple[str, ...]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return tuple(_unquoted(part) for part in text[1:-1].split(",") if part.strip())
    return (_unquoted(text),) if text else ()


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text.partition(" #")[0].rstrip()
