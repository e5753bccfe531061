"""The spoken words: at most two lines, the active word on a coloured pill."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tools.render.brand import Ground
from tools.render.layout import Layout
from tools.render.shapes import rounded
from tools.render.sprites import Frame, Mask, Sprite, paint
from tools.render.text.align import Shown
from tools.render.text.phrases import Phrase, cut
from tools.render.type.bidi import levels, visual
from tools.render.type.clusters import clusters
from tools.render.type.style import DROP
from tools.render.typography import HEAVY, Style, Typeface

# Shares of the type size. Text without spaces has its words a little apart, to be told by the eye.
PITCH, AIR, GAP, OVERHANG = 1.3, 0.1, 0.35, 0.14
CLOSE_GAP, CLOSE_OVERHANG = 0.12, 0.06
HEIGHT_SHARE, WIDTH_SHARE = 0.307, 0.1055  # of the box: the largest type size
BASELINE_SHARE = 0.345  # of the box: where the first line stands, unless its letters need more
PILL_AIR = 0.07  # left free above and below letters that stand higher or hang lower
SMALLEST = 0.66  # of the type size: a sentence shrinks so far for a long word to stay whole
PILL_UP, PILL_DOWN = 0.93, 0.23  # a Latin word's pill above and below its baseline
RISE = (0.4, 0.8)
"""Cover of a new phrase in its first pictures, each shown for one frame at 30 a second."""
SHORTEST_PIECE_S, LINGER_S = 0.12, 0.35


@dataclass(frozen=True, slots=True)
class _Band:
    """What all lines of a sentence share: pixels that its letters need above and below."""

    style: Style
    up: int
    down: int

    @property
    def pitch(self) -> int:
        """From one baseline to the next: more than usual for letters that stand high and low."""
        return round(max(self.style.size * PITCH, self.up + self.down + self.style.size * AIR))

    @property
    def tall(self) -> int:
        """What two lines need."""
        return self.up + self.pitch + self.down


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word of a phrase: its mask and where that lies in the caption box."""

    number: int
    mask: Mask
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class _Shot:
    """A phrase ready to draw at `at`: all its words, and the pill of each."""

    base: Sprite
    at: tuple[int, int]
    words: tuple[_Placed, ...]


class Captions:
    """The captions of one sentence.

    Words carry the times of the voice track; the scene starts `first` frames into it, and every
    frame number here counts from there.
    """

    def __init__(
        self,
        layout: Layout,
        face: Typeface,
        ground: Ground,
        words: Sequence[Shown],
        first: int = 0,
    ) -> None:
        self._layout, self._face, self._ground, self._first = layout, face, ground, first
        self._rtl = face.rtl(" ".join(word.text for word in words))
        self._band = self._measured(words)
        style = self._band.style
        self._edge = round(style.size * OVERHANG)
        self._room = layout.captions[2] - 2 * self._edge
        self._words = self._broken(words)
        self._widths = [face.width(word.text, style) for word in self._words]
        self._gaps = [style.size * (CLOSE_GAP if word.close else GAP) for word in self._words]
        texts = [word.text for word in self._words]
        self._phrases = cut(texts, self._widths, self._gaps, self._room) if texts else []
        self._shot: tuple[int, _Shot] | None = None
        self._pill: tuple[int, Sprite, int, int] | None = None

    @property
    def set_words(self) -> tuple[Shown, ...]:
        """The words as they are set: one wider than a line is several."""
        return tuple(self._words)

    @cached_property
    def starts(self) -> list[int]:
        """The frame at which each phrase begins."""
        return [self._frame(self._words[phrase.first].start_s) for phrase in self._phrases]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """From which frame to which (exclusive) each word is the active one."""
        starts = [self._frame(word.start_s) for word in self._words]
        spans = []
        for k, word in enumerate(self._words):
            last = self._frame(word.end_s + LINGER_S)
            spans.append((starts[k], min([last, *starts[k + 1 : k + 2]])))
        return spans

    def state(self, n: int) -> Hashable:
        """Return what stands on the screen at frame `n`: the same value, the same pixels.

        It is the phrase, how far it has come in, and the active word, -1 where there is none.
        """
        if not self._phrases:
            return None
        number = max((k for k, start in enumerate(self.starts) if start <= n), default=0)
        phrase = self._phrases[number]
        age = len(RISE)
        if number:
            age = min(len(RISE), (n - self.starts[number]) * 30 // self._layout.size.fps)
        if age < len(RISE):
            return number, age, -1
        spans = enumerate(self._spans[phrase.first : phrase.last], phrase.first)
        return number, age, next((k for k, (start, stop) in spans if start <= n < stop), -1)

    def draw(self, frame: Frame, n: int) -> None:
        """Draw what is spoken at frame `n`; before the first word, the first phrase."""
        state = self.state(n)
        if not isinstance(state, tuple):
            return
        number, age, active = state
        if self._shot is None or self._shot[0] != number:
            self._shot = (number, self._set(self._phrases[number]))
        shot = self._shot[1]
        x, y = shot.at
        if age < len(RISE):
            # It comes from below, within the box: the last row is left free for that.
            lift = self._layout.even((len(RISE) - age) * 6)
            shot.base.faded(RISE[age]).draw(frame, x, min(y + lift, self._floor(shot.base)))
            return
        shot.base.draw(frame, x, y)
        if active >= 0:
            placed = next(word for word in shot.words if word.number == active)
            if self._pill is None or self._pill[0] != active:
                self._pill = (active, *self._on_pill(placed))
            _, pill, px, py = self._pill
            pill.draw(frame, px, py)

    def _floor(self, sprite: Sprite) -> int:
        """Return the lowest place where a sprite is still inside the box."""
        return self._layout.captions[1] + self._layout.captions[3] - sprite.height & ~1

    def _frame(self, seconds: float) -> int:
        return round(seconds * self._layout.size.fps) - self._first

    def _measured(self, words: Sequence[Shown]) -> _Band:
        """Return the type size at which two lines of these letters fit the box, and their ink."""
        width, height = self._layout.captions[2:]
        size = int(min(height * HEIGHT_SHARE, width * WIDTH_SHARE))
        style = Style(size, HEAVY, rtl=self._rtl)
        style = replace(style, size=int(size * self._whole(words, style)))
        size = style.size
        inks = [self._face.ink(text, style) for text in sorted({w.text[:80] for w in words})]
        air = round(size * PILL_AIR)
        up = max([air - ink.top for ink in inks] + [round(size * PILL_UP)])
        down = max([air + ink.bottom for ink in inks] + [round(size * PILL_DOWN)])
        up, down = min(up, self._face.rise(style)), min(down, round(size * DROP))
        share = min(1.0, (height - 8) / _Band(style, up, down).tall)
        style = replace(style, size=int(size * share))
        return _Band(style, round(up * share), round(down * share))

    def _whole(self, words: Sequence[Shown], style: Style) -> float:
        """Return the share of a type size at which no word is broken; 1 where some must be."""
        room = self._layout.captions[2] - 2 * round(style.size * OVERHANG) - 2
        share = min(
            (room / self._face.width(w.text[:80], style) for w in words if w.text), default=1.0
        )
        return min(1.0, share) if share >= SMALLEST else 1.0

    def _broken(self, words: Sequence[Shown]) -> list[Shown]:
        """Break words wider than a line; pieces too short to be read end in an ellipsis."""
        broken: list[Shown] = []
        for word in words:
            span = word.end_s - word.start_s
            most = max(2, int(span / SHORTEST_PIECE_S))
            # More letters than so many pieces can hold need no measuring.
            text = word.text[: 100 * (most + 1)]
            pieces = self._face.break_word(text, self._band.style, self._room)
            if len(pieces) > most:
                kept = "".join(clusters(pieces[most - 1])[:-2])
                pieces = [*pieces[: most - 1], kept + "…"]
            step = span / len(pieces)
            for k, piece in enumerate(pieces):
                start = word.start_s + k * step
                close = word.close or k > 0
                broken.append(
                    replace(word, text=piece, start_s=start, end_s=start + step, close=close)
                )
        return broken

    def _set(self, phrase: Phrase) -> _Shot:
        """Rasterise a phrase: all its words in the text's colour."""
        left, top, width, height = self._layout.captions
        cover: Mask = np.zeros((height, width), np.float32)
        placed: list[_Placed] = []
        band = self._band
        lowest = height - band.pitch - band.down - 4
        upper = min(max(band.up + 2, round(height * BASELINE_SHARE)), lowest)
        for row, (first, last) in enumerate(phrase.lines):
            baseline = upper + row * band.pitch
            for k, x in zip(range(first, last), self._places(first, last), strict=True):
                word = self._word(k, x, baseline)
                part = cover[word.y : word.y + word.mask.shape[0], word.x :]
                np.maximum(
                    part[:, : word.mask.shape[1]], word.mask, out=part[:, : word.mask.shape[1]]
                )
                placed.append(word)
        rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
        if not rows.size:
            rows = columns = np.zeros(1, np.intp)
        x, y = int(columns[0]) & ~1, int(rows[0]) & ~1
        inked = cover[y : (int(rows[-1]) + 2) & ~1, x : (int(columns[-1]) + 2) & ~1]
        base = paint([(inked, self._ground.text)])
        return _Shot(base, (left + x, top + y), tuple(placed))

    def _word(self, k: int, x: float, baseline: int) -> _Placed:
        """Rasterise a word; its mask is cut to the band of its line, even and inside the box."""
        band, (width, height) = self._band, self._layout.captions[2:]
        mask = self._face.mask(self._words[k].text, band.style, pad=self._edge)
        rise = self._face.rise(band.style)
        above = max(0, rise - band.up) & ~1
        y = max(0, baseline - rise + above & ~1)
        mask = mask[above : rise + band.down + 1 & ~1][: height - y & ~1, : width & ~1]
        place = max(0, min(int(x) - self._edge, (width & ~1) - mask.shape[1])) & ~1
        return _Placed(k, mask, place, y)

    def _places(self, first: int, last: int) -> list[float]:
        """Return each word's left end within the caption box, from the script's reading side."""
        order = _visual([word.text for word in self._words[first:last]], rtl=self._rtl)
        total = sum(self._widths[first:last]) + sum(self._gaps[first + 1 : last])
        x = self._edge + (self._room - total if self._rtl else 0.0)
        places = [0.0] * (last - first)
        for spot, k in enumerate(order):
            if spot:
                # Between two words stands the space of the one that is spoken later.
                x += self._gaps[first + max(k, order[spot - 1])]
            places[k] = x
            x += self._widths[first + k]
        return places

    def _on_pill(self, word: _Placed) -> tuple[Sprite, int, int]:
        """Return a word on its pill, and where that stands."""
        left, top = self._layout.captions[:2]
        mask, size = word.mask, self._band.style.size
        pill: Mask = np.zeros_like(mask)
        inset = round(size * (OVERHANG - CLOSE_OVERHANG)) if self._crowded(word.number) else 0
        form = rounded(mask.shape[1] - 2 * inset & ~1, mask.shape[0], round(size * 0.2))
        pill[:, inset : inset + form.shape[1]] = form
        layers = [(pill, self._ground.pill), (mask, self._ground.pill_text)]
        return paint(layers), left + word.x, top + word.y

    def _crowded(self, k: int) -> bool:
        """Tell whether a word stands close to the one before or after it."""
        return any(word.close for word in self._words[k : k + 2])


def _visual(words: Sequence[str], *, rtl: bool) -> list[int]:
    """Return the words' numbers from left to right.

    Names and numbers of another direction stand as a run: each word goes by its first letter or
    digit, as the whole line decides.
    """
    line = " ".join(words)
    marks = levels(line, rtl=rtl)
    found: list[int] = []
    at = 0
    for word in words:
        own = marks[at : at + len(word)]
        telling = [mark for letter, mark in zip(word, own, strict=True) if letter.isalnum()]
        found.append(min(telling or own))
        at += len(word) + 1
    return visual(range(len(words)), lambda k: found[k])
