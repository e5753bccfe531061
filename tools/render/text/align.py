"""Bring the voice engine's word times to the words as the reader sees them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bookai.models import Word
from tools.render.text.words import Token, cut_words


@dataclass(frozen=True, slots=True)
class Shown:
    """A word on the screen with its punctuation; times in seconds, `at` its offset in the line.

    `close` says that no space stands before it: Chinese, Japanese and Thai are cut into words for
    the screen only.
    """

    text: str
    line: int
    start_s: float
    end_s: float
    at: int
    close: bool = False


def align(lines: Sequence[str], words: Sequence[Word], language: str = "") -> tuple[Shown, ...]:
    """Return every word of every line, as a reader parts them, with its time, in speaking order.

    An engine may split "three-year" in two or drop a comma; the script's own writing wins where
    all words of a line are found in it, otherwise the engine's words are shown as they are.
    `language` (a tag such as "ja") tells how text without spaces is parted; "" lets it be guessed.
    """
    shown: list[Shown] = []
    for index, line in enumerate(lines):
        own = sorted((w for w in words if w.line == index), key=lambda word: word.start_s)
        shown += _by_token(line, own, cut_words(line, language)) or _as_spoken(own)
    return tuple(shown)


def _as_spoken(words: Sequence[Word]) -> list[Shown]:
    return [
        Shown(word.text.strip(), word.line, word.start_s, word.end_s, -1)
        for word in words
        if _seen(word.text)
    ]


def _seen(text: str) -> bool:
    """Tell whether anything of a word is seen: not of spaces and format characters alone."""
    return any(not sign.isspace() and unicodedata.category(sign) != "Cf" for sign in text)


def _by_token(line: str, words: Sequence[Word], tokens: Sequence[Token]) -> list[Shown]:
    """Return the line's tokens with the times of the words inside, or nothing where one is lost."""
    if not tokens:
        return []
    found: list[Shown] = []
    cursor = number = 0
    for word in words:
        at = line.find(word.text.strip(), cursor)
        if at < 0 or not word.text.strip():
            return []
        cursor = at + len(word.text.strip())
        while number + 1 < len(tokens) and tokens[number + 1].at <= at:
            number += 1
        token = tokens[number]
        if found and found[-1].at == token.at:
            found[-1] = replace(found[-1], end_s=max(found[-1].end_s, word.end_s))
        else:
            found.append(Shown(token.text, word.line, word.start_s, word.end_s, token.at))
    return _with_the_unspoken(tokens, found)


def _with_the_unspoken(tokens: Sequence[Token], found: list[Shown]) -> list[Shown]:
    """Hang tokens without a time, such as a dash, on the word before; the first ones on the next.

    One engine event may also cover several tokens ("2.9 million"); they then share its time.
    """
    if not found:
        return []
    timed = {word.at: number for number, word in enumerate(found)}
    groups: list[list[Token]] = [[] for _ in found]
    current = 0
    for token in tokens:
        current = timed.get(token.at, current)
        groups[current].append(token)
    shown: list[Shown] = []
    for word, group in zip(found, groups, strict=True):
        share = (word.end_s - word.start_s) / sum(len(token.text) for token in group)
        start = word.start_s
        for token in group:
            stop = start + share * len(token.text)
            shown.append(Shown(token.text, word.line, start, stop, token.at, token.close))
            start = stop
    return shown
