"""The tokens of a line: what is shown, timed and lit as one.

Where words are spaced, a token stands between two white spaces. Chinese, Japanese and Thai write
none: there a token is a phrase, cut where a reader would break the line, and the tokens together
are the line again, spaces and all.
"""

import re
import unicodedata
from functools import cache
from typing import Protocol

import budoux

UNSPACED = ("ja", "th", "zh")
# What one chunk may hold before it is cut anyway: nobody follows a longer one.
LONGEST = 24
_LATIN_END = re.compile(r"[A-Za-z\d.,–~-]$")  # noqa: RUF001 (a dash as people type it)
_LATIN_BEGIN = re.compile(r"[A-Za-z\d.,%°℃℉–~-]")  # noqa: RUF001
_ONLY_MARKS = re.compile(r"[\W_]+")


class _Cutter(Protocol):
    def parse(self, sentence: str) -> list[str]: ...


def shown_tokens(line: str, language: str) -> list[str]:
    """Return the tokens of a line in order."""
    if language not in UNSPACED:
        return line.split()
    joined: list[str] = []
    for chunk in _cutter(language).parse(line.strip()) if line.strip() else ():
        word = chunk.lstrip()
        if joined:
            joined[-1] += chunk[: len(chunk) - len(word)]
        if joined and word and _belongs(joined[-1], word):
            joined[-1] += word
        elif word:
            joined.append(word)
    return [piece for chunk in joined for piece in _pieces(chunk)]


def _belongs(before: str, chunk: str) -> bool:
    """Whether the cutter parted what is one: a number, a Latin word, or a mark and its word."""
    if _LATIN_END.search(before) and _LATIN_BEGIN.match(chunk):
        return True
    return bool(_ONLY_MARKS.fullmatch(chunk) or _ONLY_MARKS.fullmatch(before))


def _pieces(chunk: str) -> list[str]:
    """Cut a chunk at its spaces, which stay at the end of what they follow, and by its length."""
    pieces: list[str] = []
    for piece in re.findall(r"\S+\s*", chunk):
        while len(piece) > LONGEST:
            end = LONGEST
            while end < len(piece) and _leans(piece[end]):
                end += 1
            pieces.append(piece[:end])
            piece = piece[end:]
        pieces.append(piece)
    return [piece for piece in pieces if piece]


def _leans(letter: str) -> bool:
    """Whether a letter stands on the one before it, or is the space after it."""
    return letter.isspace() or unicodedata.category(letter)[0] == "M"


@cache
def _cutter(language: str) -> _Cutter:
    load = {
        "ja": budoux.load_default_japanese_parser,
        "th": budoux.load_default_thai_parser,
        "zh": budoux.load_default_simplified_chinese_parser,
    }[language]
    cutter: _Cutter = load()
    return cutter
