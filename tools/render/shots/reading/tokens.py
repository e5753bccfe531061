"""Cut a text into words with their places; unspaced scripts by budoux's word models."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.reading.signs import MINUSES, MONEY

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

    `opens` and `closes` tell whether marks stand before and behind it. A minus is no such mark.
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
    at = text.find(bare)
    if bare and at and text[at - 1] in MINUSES and (bare[0].isdigit() or bare[0] in MONEY):
        at -= 1
        bare = text[at : at + len(bare) + 1]
    at += start
    end = at + len(bare)
    return Token(
        text, start, bare, at, end, at > start or not bare, end < start + len(text) or not bare
    )


def bare(text: str) -> str:
    """Return a text without the marks around it; a figure's minus is none."""
    return _token(text, 0).bare


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


def amid_name(text: str, start: int, words: Lexicon) -> bool:
    """Tell whether a phrase would begin in the middle of a name: "Day" of "May Day"."""
    before = text[:start]
    last = before.split()
    if not (words.cased and len(last) > 1 and before[-1:].isspace() and text[start].isupper()):
        return False
    return last[-1][0].isupper() and last[-1][-1].isalpha()


@cache
def _parser(code: str) -> Callable[[str], list[str]]:
    parse: Callable[[str], list[str]] = getattr(import_module("budoux"), _LOADERS[code])().parse
    return parse
