"""Cut a text into words with their places; unspaced scripts by budoux's word models."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from tools.render.shots.reading.lexicon import Lexicon

EDGES = " \t\n\r,.;:!?…״“”\"'‘’()[]{}«»‹›„–—-、。，；：！？「」『』《》（）・،؛؟।"  # noqa: RUF001
CLAUSE_MARKS = ",.;:!?…，。、；：！？،؛؟।"  # noqa: RUF001
_SPACED = re.compile(r"\S+")
_LOADERS = {
    "ja": "load_default_japanese_parser",
    "zh": "load_default_simplified_chinese_parser",
    "th": "load_default_thai_parser",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, marks included, from `start` on; `bare` is it without them.

    `opens` and `closes` tell whether marks stand before and behind it.
    """

    text: str
    start: int
    bare: str
    bare_start: int
    bare_end: int
    opens: bool
    closes: bool


def _token(text: str, start: int) -> Token:
    bare = text.strip(EDGES)
    at = start + text.find(bare)
    end = at + len(bare)
    return Token(
        text, start, bare, at, end, at > start or not bare, end < start + len(text) or not bare
    )


def cut(text: str, words: Lexicon) -> tuple[Token, ...]:
    """Return the words of `text` in order; white space belongs to none."""
    if words.spaced:
        spans = [(match.start(), match.group()) for match in _SPACED.finditer(text)]
    else:
        spans = []
        for match in _SPACED.finditer(text):
            at = match.start()
            for piece in _parser(words.code)(match.group()):
                spans.append((at, piece))
                at += len(piece)
    return tuple(_token(piece, at) for at, piece in spans)


@cache
def _parser(code: str) -> Callable[[str], list[str]]:
    parse: Callable[[str], list[str]] = getattr(import_module("budoux"), _LOADERS[code])().parse
    return parse
