"""Bring the voice engine's word times to the words as the reader sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bookai.models import Word


@dataclass(frozen=True, slots=True)
class Shown:
    """A word on the screen with its punctuation; times in seconds, `at` its offset in the line."""

    text: str
    line: int
    start_s: float
    end_s: float
    at: int


def align(lines: Sequence[str], words: Sequence[Word]) -> tuple[Shown, ...]:
    """Return every whitespace-separated piece of every line with its time, in speaking order.

    An engine may split "three-year" in two or drop a comma; the script's own writing wins where
    all words of a line are found in it, otherwise the engine's words are shown as they are.
    """
    shown: list[Shown] = []
    for index, line in enumerate(lines):
        own = sorted((w for w in words if w.line == index), key=lambda word: word.start_s)
        shown += _by_token(line, own) or _as_spoken(own)
    return tuple(shown)


def _as_spoken(words: Sequence[Word]) -> list[Shown]:
    return [
        Shown(word.text.strip(), word.line, word.start_s, word.end_s, -1)
        for word in words
        if word.text.strip()
    ]


def _by_token(line: str, words: Sequence[Word]) -> list[Shown]:
    """Return the line's tokens with the times of the words inside, or nothing where one is lost."""
    tokens = _tokens(line)
    found: list[Shown] = []
    cursor = token = 0
    for word in words:
        at = line.find(word.text.strip(), cursor)
        if at < 0 or not word.text.strip():
            return []
        cursor = at + len(word.text.strip())
        while token + 1 < len(tokens) and tokens[token + 1][0] <= at:
            token += 1
        start, text = tokens[token]
        if found and found[-1].at == start:
            found[-1] = replace(found[-1], end_s=max(found[-1].end_s, word.end_s))
        else:
            found.append(Shown(text, word.line, word.start_s, word.end_s, start))
    return _with_the_unspoken(tokens, found)


def _tokens(line: str) -> list[tuple[int, str]]:
    tokens: list[tuple[int, str]] = []
    at = 0
    for part in line.split():
        at = line.index(part, at)
        tokens.append((at, part))
        at += len(part)
    return tokens


def _with_the_unspoken(tokens: Sequence[tuple[int, str]], found: list[Shown]) -> list[Shown]:
    """Hang tokens without a time, such as a dash, on the word before; the first ones on the next.

    One engine event may also cover several tokens ("2.9 million"); they then share its time.
    """
    if not found:
        return []
    timed = {word.at: number for number, word in enumerate(found)}
    groups: list[list[str]] = [[] for _ in found]
    current = 0
    for at, text in tokens:
        current = timed.get(at, current)
        groups[current].append(text)
    shown: list[Shown] = []
    for word, texts in zip(found, groups, strict=True):
        share = (word.end_s - word.start_s) / sum(map(len, texts))
        at, start = word.at, word.start_s
        for text in texts:
            stop = start + share * len(text)
            shown.append(Shown(text, word.line, start, stop, at))
            at, start = at + len(text) + 1, stop
    return shown
