"""What stands on the stage above the captions: title, number, quotation, key phrase, end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bookai.errors import Refused
from tools.render.brand import Ground, Rgb
from tools.render.layout import Box, Layout
from tools.render.shapes import disc, eased, quarter, rounded
from tools.render.sprites import Frame, Mask, Sprite, paint
from tools.render.text.accents import Number, Quote
from tools.render.typography import BLACK, BOLD, MEDIUM, Setting, Style, Typeface, right_to_left

IN_FRAMES, OUT_FRAMES = 16, 7
CAPITALS = 0.70  # height of a capital as a share of the type size
AI_LABEL = "AI-made"


@dataclass(frozen=True, slots=True)
class Piece:
    """One line or form of a card; `delay` in frames.

    It rises from behind its own lower edge, or is uncovered from the left.
    """

    sprite: Sprite
    x: int
    y: int
    delay: int = 0
    how: Literal["rise", "uncover"] = "rise"

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it `n` frames after its card came, `leaving` frames after it was sent away."""
        share = eased((n - self.delay) / IN_FRAMES)
        gone = min(1.0, max(0, leaving) / OUT_FRAMES) ** 2
        if share <= 0 or gone >= 1:
            return
        box = (self.x, self.y, self.sprite.width, self.sprite.height)
        if self.how == "uncover":
            box = (self.x, self.y, round(self.sprite.width * share * (1 - gone)) & ~1, box[3])
            self.sprite.draw(frame, self.x, self.y, box)
            return
        shift = round(self.sprite.height * ((1 - share) - gone))
        self.sprite.draw(frame, self.x, self.y + shift, box)


@dataclass(frozen=True, slots=True)
class Card:
    """Pieces that come and go together."""

    pieces: tuple[Piece, ...]

    def draw(self, frame: Frame, n: int, leaving: int = 0) -> None:
        """Draw it `n` frames after it came."""
        for piece in self.pieces:
            piece.draw(frame, n, leaving)


class Setter:
    """Sets cards on one ground."""

    def __init__(
        self, layout: Layout, face: Typeface, ground: Ground, *, stage: Box | None = None
    ) -> None:
        """Take the ground's colours; `stage` is where cards stand if not on the layout's own."""
        self.layout, self.face, self.ground = layout, face, ground
        self._stage = stage or layout.stage

    def title(self, title: str, brand: str) -> Card:
        """Set the hook: who speaks, and what about."""
        y, width, height = self._stage[1:]
        px = self.layout.px
        kicker = self._label(brand, 36, y + px(8))
        setting = self.face.fit(
            title,
            BLACK,
            (width, height - px(128)),
            self._sizes(210 if height > width else 160, 64),
            1.02,
        )
        top = y + px(116)
        lines = self._lines(setting, top, 1.02, delay=2, last=self.ground.strong)
        foot = top + round(len(setting.lines) * setting.style.size * 1.02) + px(30)
        return Card((kicker, *lines, self._rule(foot, 14)))

    def number(self, number: Number) -> Card:
        """Set a number that deserves the stage, with the words right around it."""
        width, height = self._stage[2:]
        px = self.layout.px
        rows: list[tuple[Setting, Rgb, float]] = []
        if number.lead:
            rows.append((self._one(number.lead, BOLD, 92, width), self.ground.text, 0.5))
        big = self.face.fit(number.value, BLACK, (width, height), self._sizes(600, 90), 1.0)
        rows.append((big, self.ground.strong, 0.0))
        if number.unit:
            rows.append((self._one(number.unit, BLACK, 160, width), self.ground.text, 0.34))
        if number.label:
            rows.append((self._one(number.label, BOLD, 104, width), self.ground.text, 0.52))
        return Card(self._stack(rows, px(44)))

    def quote(self, quote: Quote) -> Card:
        """Set a quotation with its marks and its speaker."""
        x, y, width, height = self._stage
        px = self.layout.px
        mark = Style(px(380), BLACK)
        sign = self.face.mask("“", mark)
        # The mark hangs in the upper third of its line: cut the empty rest away.
        inked = np.flatnonzero(sign.any(axis=1))
        sign = sign[inked[0] & ~1 : (inked[-1] + 2) & ~1]
        pieces = [
            Piece(
                paint([(sign, self.ground.strong)]), x - self.face.bearing("“", mark) & ~1, y & ~1
            )
        ]
        top = y + sign.shape[0] + px(34)
        room = height - sign.shape[0] - px(124 if quote.who else 40)
        setting = self.face.fit(quote.text, BOLD, (width, room), self._sizes(104, 40), 1.16)
        pieces += self._lines(setting, top, 1.16, delay=4)
        if quote.who:
            foot = top + round(len(setting.lines) * setting.style.size * 1.16) + px(30)
            pieces.append(self._rule(foot + px(14), 12, 72))
            who = self._one(quote.who, MEDIUM + 50, 40, width - px(100))
            pieces += self._lines(who, foot - px(10), 1.0, delay=13, indent=px(100))
        return Card(tuple(pieces))

    def phrase(self, phrase: str) -> Card:
        """Set a name or key phrase of the sentence."""
        y, width, height = self._stage[1:]
        px = self.layout.px
        phrase = phrase[:1].upper() + phrase[1:] if phrase.islower() else phrase
        setting = self.face.fit(phrase, BLACK, (width, height - px(90)), self._sizes(176, 64), 1.04)
        tall = round(len(setting.lines) * setting.style.size * 1.04)
        top = y + max(px(60), (height - tall) // 2)
        return Card((self._rule(top - px(44), 0), *self._lines(setting, top, 1.04, delay=3)))

    def end(self, brand: str, credit: str) -> Card:
        """Set the last two seconds: who made it, from what, and that a machine did."""
        x, y, width, _ = self._stage
        px = self.layout.px
        mark = Piece(emblem(px(148), self.ground.strong, self.ground.text), x, y + px(20) & ~1)
        label = self._label(AI_LABEL, 38, y + px(86), delay=6, indent=px(178))
        name = self.face.fit(brand, BLACK, (width, px(230)), self._sizes(112, 56), 1.04)
        top = y + px(210)
        pieces: list[Piece] = [mark, label, *self._lines(name, top, 1.04, delay=3)]
        top += round(len(name.lines) * name.style.size * 1.04) + px(34)
        if credit:
            room = (width, y + self._stage[3] - px(20) - top)
            source = self.face.fit(credit, MEDIUM, room, self._sizes(54, 24), 1.24)
            pieces += self._lines(source, top, 1.24, delay=7)
        return Card(tuple(pieces))

    def notice(self, disclosure: str) -> Card:
        """Set the advertising disclosure in its box, readable at once: it does not move in.

        Raises:
            Refused: it does not fit whole; a disclosure is never cut.
        """
        x, y, width, height = self.layout.notice
        px = self.layout.px
        room = (width - px(56), height - px(28))
        setting = self.face.fit(disclosure, BOLD, room, self._sizes(40, 22), 1.2)
        if "".join(setting.lines).replace(" ", "") != disclosure.replace(" ", ""):
            raise Refused(
                f"The disclosure has {len(disclosure)} characters, which do not fit its box:"
                " shorten it to about 150."
            )
        pitch = setting.style.size * 1.2
        tall = min(height, round(len(setting.lines) * pitch) + px(28)) & ~1
        mask = rounded(width, tall, px(18))
        words: Mask = np.zeros_like(mask)
        for row, line in enumerate(setting.lines):
            part = self.face.mask(line, setting.style)
            baseline = px(14) + row * pitch + setting.style.size * 0.92
            top = max(0, round(baseline) - self.face.rise(setting.style))
            room_left = words[top : top + part.shape[0], px(28) : px(28) + part.shape[1]]
            np.maximum(room_left, part[: room_left.shape[0], : room_left.shape[1]], out=room_left)
        sprite = paint([(mask, self.ground.text), (words, self.ground.top)])
        # A delay before the first frame: the easing is over when the card comes.
        return Card((Piece(sprite, x, (y + height - tall) & ~1, -IN_FRAMES),))

    def _sizes(self, largest: int, smallest: int) -> Sequence[int]:
        step = max(2, largest // 24)
        return [self.layout.px(size) for size in range(largest, smallest - 1, -step)]

    def _one(self, text: str, weight: int, size: int, width: int) -> Setting:
        """Set text on one line, as large as it fits."""
        px = self.layout.px
        sizes = [px(s) for s in range(size, 27, -4)]
        return self.face.fit(text, weight, (width, px(size) + 1), sizes, 1.0)

    def _lines(
        self,
        setting: Setting,
        top: int,
        leading: float,
        *,
        delay: int,
        last: Rgb | None = None,
        indent: int = 0,
    ) -> list[Piece]:
        pieces = []
        for row, line in enumerate(setting.lines):
            final = row == len(setting.lines) - 1 and row > 0
            colour = last if last is not None and final else self.ground.text
            baseline = top + row * setting.style.size * leading + setting.style.size * 0.86
            y = round(baseline) - self.face.rise(setting.style)
            sprite = paint([(self.face.mask(line, setting.style), colour)])
            x = self.layout.side + indent - self.face.bearing(line, setting.style)
            if right_to_left(line):
                x = self.layout.side + self.layout.column - sprite.width
            pieces.append(Piece(sprite, x & ~1, y & ~1, delay + 3 * row))
        return pieces

    def _stack(self, rows: Iterable[tuple[Setting, Rgb, float]], least: int) -> tuple[Piece, ...]:
        """Stack one-line settings by the height of their capitals, centred on the stage."""
        rows = list(rows)
        gaps = [max(least, round(s.style.size * gap)) if gap else least for s, _, gap in rows]
        tall = sum(round(s.style.size * CAPITALS) for s, _, _ in rows) + sum(gaps[1:])
        y, height = self._stage[1], self._stage[3]
        baseline = y + (height - tall) // 2
        pieces: list[Piece] = []
        for number, (setting, colour, _) in enumerate(rows):
            baseline += round(setting.style.size * CAPITALS) + (gaps[number] if number else 0)
            sprite = paint([(self.face.mask(setting.lines[0], setting.style), colour)])
            x = self.layout.side - self.face.bearing(setting.lines[0], setting.style)
            top = baseline - self.face.rise(setting.style)
            pieces.append(Piece(sprite, x & ~1, top & ~1, 3 * number))
        return tuple(pieces)

    def _label(self, text: str, size: int, y: int, delay: int = 0, indent: int = 0) -> Piece:
        """Set a short text on a small pill."""
        px = self.layout.px
        setting = self._one(text or " ", BOLD, size, self.layout.column - px(56))
        style = setting.style
        words = self.face.mask(" ".join(setting.lines), style, pad=px(26))
        form = rounded(words.shape[1], round(style.size * 2) & ~1, px(64))
        cover: Mask = np.zeros_like(form)
        top = form.shape[0] // 2 + round(style.size * 0.35) - self.face.rise(style)
        body = words[max(0, -top) : max(0, -top) + form.shape[0] - max(0, top)]
        cover[max(0, top) : max(0, top) + body.shape[0]] = body
        layers = [(form, self.ground.pill), (cover, self.ground.pill_text)]
        return Piece(paint(layers), self.layout.side + indent & ~1, y & ~1, delay, "uncover")

    def _rule(self, y: int, delay: int, width: int = 120) -> Piece:
        px = self.layout.px
        form: Mask = np.ones((px(12) & ~1, px(width) & ~1), np.float32)
        return Piece(
            paint([(form, self.ground.strong)]), self.layout.side, y & ~1, delay, "uncover"
        )


def emblem(size: int, first: Rgb, second: Rgb) -> Sprite:
    """Return the studio's mark: an open book of two quarter discs with a dot as its reader."""
    half = (size // 2) & ~1
    page: Mask = np.zeros((2 * half, 2 * half), np.float32)
    other: Mask = np.zeros_like(page)
    page[half:, :half] = quarter(half, 1)[:half, :half]
    other[half:, half:] = quarter(half, 0)[:half, :half]
    dot = disc(half // 2 - 2)
    left = half - dot.shape[1] // 2
    top = max(0, half // 2 - dot.shape[0] // 2)
    other[top : top + dot.shape[0], left : left + dot.shape[1]] = dot
    return paint([(page, first), (other, second)])
