"""Break text into lines, and find the largest type in which it fits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from tools.render.sprites import Mask
from tools.render.text.words import cut_words
from tools.render.type.clusters import clusters
from tools.render.type.style import Setting, Style

MOST_CHARS = 400
_TRIAL = 64  # pixels
_CLEAR = 0.05  # of the size: the least gap between two lines
_PAUSES = " ,;:、，"  # noqa: RUF001 (commas of several scripts)


class Face(Protocol):
    """What measures text: a typeface."""

    @property
    def language(self) -> str:
        """The language of what it sets."""

    def rtl(self, text: str) -> bool:
        """Tell whether a line reads from the right."""

    def width(self, text: str, style: Style) -> float:
        """Return the advance of a line of text in pixels."""

    def rise(self, style: Style) -> int:
        """Return the height of the baseline in a mask."""

    def mask(self, text: str, style: Style) -> Mask:
        """Return the cover of one line."""

    def break_word(self, word: str, style: Style, room: float) -> list[str]:
        """Return the pieces of a word, each no wider than `room` pixels."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where text must fit: pixels, and from line to line as a share of the type size."""

    width: int
    height: int
    leading: float

    def lines(self, size: int) -> int:
        """Return how many lines of a size it takes: one at least."""
        return max(1, int(self.height / (size * self.leading)))


def wrap(face: Face, text: str, style: Style, room: float) -> list[str]:
    """Return lines no wider than `room`, as even in length as their number allows."""
    words = [
        (" " if k == 0 and not token.close else "", piece)
        for token in cut_words(text, face.language)
        for k, piece in enumerate(face.break_word(token.text, style, room))
    ]
    lines = _greedy(face, words, style, room)
    for narrower in np.linspace(0.5, 0.95, 10):
        tighter = _greedy(face, words, style, room * float(narrower))
        fits = all(face.width(line, style) <= room for line in tighter)
        if len(tighter) == len(lines) and fits:
            return tighter
    return lines


def fit(face: Face, text: str, weight: int, room: Room, sizes: Sequence[int]) -> Setting:
    """Return the text in the first of `sizes` (pixels, largest first) that fits `room`.

    Where even the last is too large the text ends in an ellipsis.
    """
    rtl = face.rtl(text)
    shown = text[:MOST_CHARS]
    tokens = [token.text for token in cut_words(shown, face.language)]
    for size in sizes:
        style = Style(size, weight, -18 if size > 60 else 0, rtl)
        # A font that is opened in one more size costs milliseconds: most sizes are ruled out.
        if size != sizes[-1] and _least_lines(face, shown, style, room.width) > room.lines(size):
            continue
        whole = all(face.width(word, style) <= room.width for word in tokens)
        lines = wrap(face, shown, style, room.width) if whole or size == sizes[-1] else []
        if whole and len(lines) <= room.lines(size) and shown == text:
            roomy = replace(room, leading=clear_leading(face, lines, style, room.leading))
            if len(lines) <= roomy.lines(size):
                setting = Setting(style, tuple(lines), roomy.leading)
                return _without_widow(face, text, setting, room.width)
    if len(lines) > room.lines(size) or shown != text:
        lines = _ended(face, lines[: room.lines(size)], style, room.width)
    return Setting(style, tuple(lines), room.leading)


def clear_leading(face: Face, lines: Sequence[str], style: Style, leading: float) -> float:
    """Return the leading at which no line's ink touches the next one's, at least `leading`.

    Latin capitals stand close well; below the long marks of Devanagari or Thai they would not.
    """
    trial = Style(_TRIAL, style.weight, 0, style.rtl)
    masks = [face.mask(line, trial) for line in lines]
    for upper, lower in pairwise(masks):
        wide = max(upper.shape[1], lower.shape[1])
        low, high = (_edges(mask, wide, face.rise(trial), style.rtl) for mask in (upper, lower))
        leading = max(leading, float((low[1] + high[0]).max()) / _TRIAL + _CLEAR)
    return leading


def _edges(mask: Mask, wide: int, rise: int, rtl: bool) -> tuple[Mask, Mask]:
    """Return how far each column's ink goes above and below the baseline, in pixels.

    A column without ink goes infinitely little; one beside ink counts as inked.
    """
    free = wide - mask.shape[1]
    inked = np.pad(mask > 0.3, ((0, 0), (free if rtl else 0, 0 if rtl else free)))
    for step in (1, 2):
        inked[:, step:] |= inked[:, :-step]
        inked[:, :-step] |= inked[:, step:]
    empty = ~inked.any(axis=0)
    up = (rise - inked.argmax(axis=0)).astype(np.float32)
    down = (inked.shape[0] - inked[::-1].argmax(axis=0) - rise).astype(np.float32)
    up[empty] = down[empty] = -np.inf
    return up, down


def _greedy(face: Face, words: Sequence[tuple[str, str]], style: Style, room: float) -> list[str]:
    lines: list[str] = []
    for space, word in words:
        if lines and face.width(f"{lines[-1]}{space}{word}", style) <= room:
            lines[-1] += f"{space}{word}"
        else:
            lines.append(word)
    return lines


def _ended(face: Face, lines: list[str], style: Style, room: int) -> list[str]:
    """Return lines that go on with an ellipsis."""
    last = lines[-1]
    while last and face.width(last + "…", style) > room:
        last = "".join(clusters(last)[:-1])
    return [*lines[:-1], last.rstrip(_PAUSES) + "…"]


def _least_lines(face: Face, text: str, style: Style, room: int) -> float:
    """Return about how many lines a text needs, rather too few; infinity: a word is wider.

    It is known from the widths of the words in one trial size.
    """
    trial = Style(_TRIAL, style.weight, -18, style.rtl)
    share = 0.97 * style.size / _TRIAL
    space, used, lines = share * face.width(" ", trial), 0.0, 1
    for token in cut_words(text, face.language):
        wide = share * face.width(token.text, trial)
        if wide > room:
            return math.inf
        before = 0.0 if token.close or not used else space
        if used + before + wide > room:
            lines, used, before = lines + 1, 0.0, 0.0
        used += before + wide
    return lines


def _without_widow(face: Face, text: str, setting: Setting, room: int) -> Setting:
    """Return the text a little smaller where that saves a last line of one short word."""
    lines, style = setting.lines, setting.style
    widths = [face.width(line, style) for line in lines]
    if len(lines) < 3 or widths[-1] > 0.45 * max(widths):
        return setting
    for size in range(style.size - 2, round(style.size * 0.84), -2):
        smaller = Style(size, style.weight, style.tracking, style.rtl)
        if _least_lines(face, text, smaller, room) >= len(lines):
            continue
        tighter = wrap(face, text, smaller, room)
        if len(tighter) < len(lines):
            return replace(setting, style=smaller, lines=tuple(tighter))
    return setting
