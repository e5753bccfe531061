"""The spoken words: at most two lines, the active word on a coloured pill."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tools.render.brand import Ground
from tools.render.layout import Layout
from tools.render.shapes import rounded
from tools.render.sprites import Frame, Mask, Sprite, paint
from tools.render.text.align import Shown
from tools.render.text.phrases import Phrase, cut
from tools.render.typography import HEAVY, Style, Typeface, right_to_left

SIZE, PITCH, GAP, PILL = 92, 120, 32, 13  # grid pixels; PILL is its overhang at each side
RISE = (0.34, 0.68, 0.9)  # cover of a new phrase in its first frames
SHORTEST_PIECE_S = 0.12


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in its phrase: its pill with the word on it, where, and when (frames)."""

    pill: Sprite
    at: tuple[int, int]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Shot:
    """A phrase ready to draw."""

    base: Sprite
    at: tuple[int, int]
    words: tuple[_Word, ...]


class Captions:
    """The captions of one sentence."""

    def __init__(
        self, layout: Layout, face: Typeface, ground: Ground, words: Sequence[Shown]
    ) -> None:
        self._layout, self._face, self._ground = layout, face, ground
        self._rtl = right_to_left(" ".join(word.text for word in words))
        self._style = Style(layout.px(SIZE), HEAVY, -8, self._rtl)
        self._room = layout.column - 2 * layout.px(PILL)
        self._words = self._broken(words)
        widths = [face.width(word.text, self._style) for word in self._words]
        texts = [word.text for word in self._words]
        self._phrases = cut(texts, widths, layout.px(GAP), self._room) if texts else []
        self._shot: tuple[int, _Shot] | None = None

    @property
    def starts(self) -> list[int]:
        """The frame at which each phrase begins."""
        return [self._frame(self._words[phrase.first].start_s) for phrase in self._phrases]

    def draw(self, frame: Frame, n: int) -> None:
        """Draw what is spoken at frame `n`; before the first word, the first phrase."""
        if not self._phrases:
            return
        starts = self.starts
        number = max((k for k, start in enumerate(starts) if start <= n), default=0)
        if self._shot is None or self._shot[0] != number:
            self._shot = (number, self._set(self._phrases[number]))
        shot = self._shot[1]
        age = n - starts[number]
        if number and 0 <= age < len(RISE):
            lift = self._layout.even((len(RISE) - age) * 8)
            shot.base.faded(RISE[age]).draw(frame, shot.at[0], shot.at[1] + lift)
            return
        shot.base.draw(frame, *shot.at)
        for word in shot.words:
            if word.first <= n < word.last:
                word.pill.draw(frame, *word.at)

    def _frame(self, seconds: float) -> int:
        return round(seconds * self._layout.size.fps)

    def _broken(self, words: Sequence[Shown]) -> list[Shown]:
        """Break words wider than a line; pieces too short to be read end in an ellipsis."""
        broken: list[Shown] = []
        for word in words:
            pieces = self._face.break_word(word.text, self._style, self._room)
            span = word.end_s - word.start_s
            most = max(2, int(span / SHORTEST_PIECE_S))
            if len(pieces) > most:
                pieces = [*pieces[: most - 1], pieces[most - 1][:-2] + "…"]
            step = span / len(pieces)
            for k, piece in enumerate(pieces):
                start = word.start_s + k * step
                broken.append(replace(word, text=piece, start_s=start, end_s=start + step))
        return broken

    def _set(self, phrase: Phrase) -> _Shot:
        """Rasterise a phrase: all words in the text's colour, and each word on its pill."""
        px, style = self._layout.px, self._style
        left, top = self._layout.captions[:2]
        width, height = self._layout.captions[2] & ~1, self._layout.even(2 * PITCH + 24)
        cover: Mask = np.zeros((height, width), np.float32)
        edge = px(PILL)
        words: list[_Word] = []
        for row, (first, last) in enumerate(phrase.lines):
            y = (px(8) + row * px(PITCH)) & ~1
            for k, x in zip(range(first, last), self._places(first, last, edge), strict=True):
                mask = self._face.mask(self._words[k].text, style, pad=edge)
                x = max(0, min(int(x - edge), width - mask.shape[1])) & ~1
                part = cover[y : y + mask.shape[0], x : x + mask.shape[1]]
                np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
                words.append(self._word(k, mask, (left + x, top + y)))
        return _Shot(paint([(cover, self._ground.text)]), (left, top), tuple(words))

    def _places(self, first: int, last: int, edge: int) -> list[float]:
        """Return each word's left end within the caption box, from the script's reading side."""
        widths = [self._face.width(self._words[k].text, self._style) for k in range(first, last)]
        gap = self._layout.px(GAP)
        order = list(range(len(widths)))
        if self._rtl:
            order = _visual([self._words[k].text for k in range(first, last)])
        total = sum(widths) + gap * (len(widths) - 1)
        x = float(edge + (self._room - total if self._rtl else 0))
        places = [0.0] * len(widths)
        for k in order:
            places[k] = x
            x += widths[k] + gap
        return places

    def _word(self, k: int, mask: Mask, at: tuple[int, int]) -> _Word:
        height, width = mask.shape
        style = self._style
        tall = round(style.size * 1.16) & ~1
        # The pill is centred on the capitals, whose height is 0.7 of the size.
        top = (self._face.rise(style) - round(style.size * 0.35) - tall // 2) & ~1
        pill: Mask = np.zeros_like(mask)
        form = rounded(width, min(tall, height - max(0, top)), self._layout.px(18))
        top = max(0, top)
        pill[top : top + form.shape[0], : form.shape[1]] = form[: height - top, :width]
        following = [w.start_s for w in self._words[k + 1 : k + 2]]
        word = self._words[k]
        last = min([word.end_s + 0.2, *following])
        layers = [(pill, self._ground.pill), (mask, self._ground.pill_text)]
        return _Word(paint(layers), at, self._frame(word.start_s), self._frame(last))


def _visual(words: Sequence[str]) -> list[int]:
    """Return word numbers from left to right in a right-to-left line.

    Runs of left-to-right words inside it (names, numbers) keep their own order.
    """
    order: list[int] = []
    run: list[int] = []
    for k in range(len(words) - 1, -1, -1):
        if right_to_left(words[k]) or not any(letter.isalnum() for letter in words[k]):
            order += run
            run = []
            order.append(k)
        else:
            run.insert(0, k)
    return order + run
