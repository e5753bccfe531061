"""Set type and forms on one ground: what every card is put together from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bookai.errors import Refused
from tools.render.brand import Ground, Rgb
from tools.render.cards.card import Card, How, Pace, Piece
from tools.render.layout import Box, Layout
from tools.render.shapes import rounded
from tools.render.sprites import Mask, Sprite, paint
from tools.render.typography import BOLD, Setting, Style, Typeface

CAPITALS = 0.70  # height of a capital as a share of the type size
STAGGER_S = 0.1
RULE = 12  # thickness of a rule in grid pixels


@dataclass(frozen=True, slots=True)
class Where:
    """Where a block of lines stands: left edge, top, and the width it is set in.

    `mirrored` sets it from the right, as a right-to-left text reads.
    """

    x: int
    y: int
    width: int
    mirrored: bool = False

    def place(self, width: int, bearing: int = 0) -> int:
        """Return the left edge, even, of something `width` wide."""
        x = self.x + self.width - width if self.mirrored else self.x - bearing
        return x & ~1

    def below(self, by: int, inset: int = 0) -> "Where":
        """Return the place `by` pixels further down, `inset` in from its reading side."""
        left = 0 if self.mirrored else inset
        return Where(self.x + left, self.y + by, self.width - inset, self.mirrored)


def opened(text: str) -> str:
    """Return words that open a card: with a capital, unless they have some of their own."""
    return text[:1].upper() + text[1:] if text.islower() else text


class Setter:
    """Sets cards on one ground, on one stage."""

    def __init__(
        self, layout: Layout, face: Typeface, ground: Ground, *, stage: Box | None = None
    ) -> None:
        """Take the ground's colours; `stage` is where cards stand if not on the layout's own."""
        self.layout, self.face, self.ground = layout, face, ground
        self.stage = stage or layout.stage
        self.px = layout.px
        self.pace = Pace.at(layout.size.fps)

    def frames(self, seconds: float) -> int:
        """Return how many frames a time lasts."""
        return round(seconds * self.layout.size.fps)

    def where(self, text: str = "", down: int = 0) -> Where:
        """Return the stage's upper corner, on the side from which `text` is read."""
        x, y, width, _ = self.stage
        return Where(x, y + down, width, self.face.rtl(text))

    def sizes(self, largest: int, smallest: int) -> Sequence[int]:
        """Return type sizes in pixels from grid sizes, largest first."""
        step = max(2, largest // 24)
        return [self.px(size) for size in range(largest, smallest - 1, -step)]

    def fit(
        self,
        text: str,
        weight: int,
        room: tuple[int, int],
        sizes: tuple[int, int],
        leading: float,
    ) -> Setting:
        """Set text in a room of pixels, in the largest size between two of the grid that fits.

        Not even a single line is higher than the room.
        """
        known = self.sizes(*sizes)
        low = [size for size in known if size * leading <= room[1]] or known[-1:]
        return self.face.fit(text, weight, room, low, leading)

    def one(self, text: str, weight: int, size: int, width: int) -> Setting:
        """Set text on one line, as large as it fits; what does not fit at all is cut."""
        sizes = self.sizes(max(8, size), min(24, max(8, size)))
        for pixels in sizes:
            style = Style(pixels, weight, -18 if pixels > 60 else 0)
            if self.face.width(text, style) <= width:
                return Setting(style, (text,))
        return self.face.fit(text, weight, (width, sizes[-1]), sizes[-1:], 1.0)

    def block(
        self,
        setting: Setting,
        where: Where,
        leading: float,
        *,
        delay: int = 0,
        colours: tuple[Rgb, Rgb] | None = None,
    ) -> list[Piece]:
        """Return a text's lines as pieces that rise one after the other.

        `colours` are those of its lines and of the last of several.
        """
        usual, final = colours or (self.ground.text, self.ground.text)
        leading = max(leading, setting.leading)
        pieces = []
        step = max(1, self.frames(STAGGER_S))
        for row, line in enumerate(setting.lines):
            last = row == len(setting.lines) - 1 and row > 0
            size = setting.style.size
            baseline = where.y + row * size * leading + size * 0.86
            y = round(baseline) - self.face.rise(setting.style)
            sprite = self.ink(line, setting.style, final if last else usual)
            x = where.place(sprite.width, self.face.bearing(line, setting.style))
            pieces.append(Piece(sprite, x, y & ~1, self.pace, delay + step * row))
        return pieces

    def height(self, setting: Setting, leading: float) -> int:
        """Return how far down the next thing may begin."""
        leading = max(leading, setting.leading)
        return round(len(setting.lines) * setting.style.size * leading)

    def ink(self, text: str, style: Style, colour: Rgb) -> Sprite:
        """Return one line of text in one colour."""
        return paint([(self.face.mask(text, style), colour)])

    def on_baseline(
        self, text: str, style: Style, colour: Rgb, at: tuple[int, int], delay: int = 0
    ) -> Piece:
        """Return one line with its first letter's ink at `at` (x, baseline)."""
        sprite = self.ink(text, style, colour)
        x = at[0] - self.face.bearing(text, style)
        rise = self.face.rise(style)
        return Piece(sprite, x & ~1, at[1] - rise & ~1, self.pace, delay, rise=rise)

    def pill(self, text: str, size: int, where: Where, delay: int = 0) -> Piece:
        """Set a short text on a small pill."""
        setting = self.one(text or " ", BOLD, size, where.width - self.px(56))
        style = setting.style
        words = self.face.mask(" ".join(setting.lines), style, pad=self.px(26))
        form = rounded(words.shape[1], round(style.size * 2) & ~1, self.px(64))
        cover: Mask = np.zeros_like(form)
        top = form.shape[0] // 2 + round(style.size * 0.35) - self.face.rise(style)
        body = words[max(0, -top) : max(0, -top) + form.shape[0] - max(0, top)]
        cover[max(0, top) : max(0, top) + body.shape[0]] = body
        sprite = paint([(form, self.ground.pill), (cover, self.ground.pill_text)])
        x = where.place(sprite.width)
        return Piece(sprite, x, where.y & ~1, self.pace, delay, self.reading(where))

    def rule(self, where: Where, delay: int = 0, width: int = 120) -> Piece:
        """Return a short strong rule, `width` grid pixels long."""
        form: Mask = np.ones((max(2, self.layout.even(RULE)), self.layout.even(width)), np.float32)
        sprite = paint([(form, self.ground.strong)])
        x = where.place(sprite.width)
        return Piece(sprite, x, where.y & ~1, self.pace, delay, self.reading(where))

    def form(self, mask: Mask, colour: Rgb, at: tuple[int, int], delay: int, how: How) -> Piece:
        """Return a form with its left upper corner at `at`."""
        return Piece(paint([(mask, colour)]), at[0] & ~1, at[1] & ~1, self.pace, delay, how)

    def reading(self, where: Where) -> How:
        """Return how something is uncovered in the direction of reading."""
        return "uncover left" if where.mirrored else "uncover"

    def notice(self, disclosure: str) -> Card:
        """Set the advertising disclosure in its box, readable at once: it does not move in.

        Raises:
            Refused: it does not fit whole; a disclosure is never cut.
        """
        x, y, width, height = self.layout.notice
        px = self.px
        room = (width - px(56), height - px(28))
        setting = self.face.fit(disclosure, BOLD, room, self.sizes(40, 22), 1.2)
        if "".join(setting.lines).replace(" ", "") != disclosure.replace(" ", ""):
            raise Refused(
                f"The disclosure has {len(disclosure)} characters, which do not fit its box:"
                " shorten it to about 150."
            )
        pitch = setting.style.size * 1.2
        tall = min(height, round(len(setting.lines) * pitch) + px(28)) & ~1
        mask = rounded(width, tall, px(18))
        words: Mask = np.zeros_like(mask)
        mirrored = self.face.rtl(disclosure)
        for row, line in enumerate(setting.lines):
            part = self.face.mask(line, setting.style)
            baseline = px(14) + row * pitch + setting.style.size * 0.92
            top = max(0, round(baseline) - self.face.rise(setting.style))
            left = max(0, width - px(28) - part.shape[1]) if mirrored else px(28)
            below = words[top : top + part.shape[0], left : left + part.shape[1]]
            np.maximum(below, part[: below.shape[0], : below.shape[1]], out=below)
        sprite = paint([(mask, self.ground.text), (words, self.ground.top)])
        # A delay before the first frame: the easing is over when the card comes.
        return Card([Piece(sprite, x, (y + height - tall) & ~1, self.pace, -self.pace.come)])
