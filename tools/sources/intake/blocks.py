"""Split running text into paragraphs and list items."""

import re
from itertools import groupby

_BULLET = re.compile(r"^\s{0,8}(?:[-*+\u2022]|\d{1,3}[.)])\s+(?=\S)")
_LONG_LINE = 100
_ENDS = (".", "!", "?", '"', "\u201d", "\u2026", "\u3002", "\u061f", "\u06d4", "\u0964")


def split_blocks(text: str) -> list[str]:
    """Return paragraphs, each on one line; a list item is a paragraph that starts with `- `."""
    lines = text.split("\n")
    paragraphs: list[str] = []
    for blank, block in groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            paragraphs += _paragraphs_of(list(block))
    return paragraphs


def _paragraphs_of(lines: list[str]) -> list[str]:
    if len(lines) > 1 and _is_unwrapped(lines):
        return [_marked(line) for line in lines]
    items: list[list[str]] = []
    for line in lines:
        if _BULLET.match(line) or not items:
            items.append([_marked(line)])
        else:
            items[-1].append(line.strip())
    return [" ".join(parts) for parts in items]


def _is_unwrapped(lines: list[str]) -> bool:
    """Tell whether each line is a paragraph of its own: long ones that end like sentences."""
    ended = sum(line.rstrip().endswith(_ENDS) for line in lines)
    return ended >= 0.9 * len(lines) and sum(map(len, lines)) / len(lines) > _LONG_LINE


def _marked(line: str) -> str:
    found = _BULLET.match(line)
    return f"- {line[found.end() :].strip()}" if found else line.strip()
