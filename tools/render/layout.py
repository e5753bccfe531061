"""Where things stand on the picture: one grid for upright, square and wide pictures.

The grid's shorter side has 1080 units. Platforms lay their own buttons and texts over an upright
video: tabs at the top (up to about 220 of 1920), title and sound at the bottom (about 420), icons
at the right (about 140). Nothing that must be read stands there. Over square and wide videos they
lay nothing for long; a margin of 4 to 6 in a hundred is kept for screens that cut edges off.
"""

from dataclasses import dataclass
from typing import Literal

from bookai.models import Record

Box = tuple[int, int, int, int]  # x, y, width, height in pixels
Form = Literal["tall", "square", "wide"]
GRID_WIDTH, GRID_HEIGHT = 1080, 1920
NOTICE = 124  # height of the disclosure's box
CAPTIONS = 300  # two lines with their pills, and air
LOW_CAPTIONS = 270  # the same in a picture that is not high


class Size(Record):
    """The picture's size in pixels (both even) and its rate in frames a second."""

    width: int = GRID_WIDTH
    height: int = GRID_HEIGHT
    fps: int = 30


@dataclass(frozen=True, slots=True)
class Layout:
    """The grid of one picture size; every number is in its pixels."""

    size: Size

    @property
    def form(self) -> Form:
        """Which of the three arrangements this size gets."""
        ratio = self.size.height / self.size.width
        return "tall" if ratio >= 1.5 else "wide" if ratio <= 0.75 else "square"

    @property
    def scale(self) -> float:
        """Pixels a grid unit."""
        return min(self.size.width, self.size.height) / GRID_WIDTH

    def px(self, grid: float) -> int:
        """Return a length of the grid in this picture's pixels."""
        return round(grid * self.scale)

    def even(self, grid: float) -> int:
        """Return `px` rounded down to an even number, as 4:2:0 planes need."""
        return self.px(grid) & ~1

    def box(self, x: float, y: float, width: float, height: float) -> Box:
        """Return a box of the grid in pixels, all even."""
        return self.even(x), self.even(y), self.even(width), self.even(height)

    @property
    def safe(self) -> Box:
        """What no platform covers."""
        wide, high = self._grid
        if self.form == "tall":
            return self.box(60, high * 220 / 1920, 880, high * 1280 / 1920)
        return self.box(48, 36, wide - 96, high - 72)

    @property
    def header(self) -> Box:
        """Progress, brand and label."""
        top = self._grid[1] * 232 / 1920 if self.form == "tall" else 44
        return self.box(self._left, top, self._wide, 84)

    @property
    def stage(self) -> Box:
        """The cards: everything that is shown while a sentence is spoken."""
        return self.box(self._left, self._top, self._wide, self._floor - self._top)

    @property
    def short_stage(self) -> Box:
        """The cards while the disclosure is shown below them."""
        room = self._floor - self._top - NOTICE - 4
        return self.box(self._left, self._top, self._wide, room)

    @property
    def poster(self) -> Box:
        """What the thumbnail uses: no buttons cover it."""
        wide, high = self._grid
        if self.form == "tall":
            return self.box(76, high * 250 / 1920, 928, high * 1400 / 1920)
        return self.box(self._left, 72, wide - 2 * self._left, high - 144)

    @property
    def notice(self) -> Box:
        """The disclosure while an offer is announced, and at the end."""
        low = self._floor + 24 if self.form == "tall" else self._floor
        return self.box(self._left, low - NOTICE, self._wide, NOTICE)

    @property
    def captions(self) -> Box:
        """The spoken words, two lines."""
        return self.box(self._left - 12, self._words, self._wide + 20, self._high)

    @property
    def side(self) -> int:
        """The text's left edge."""
        return self.even(self._left)

    @property
    def column(self) -> int:
        """The text's greatest width."""
        return self.even(self._wide)

    @property
    def _grid(self) -> tuple[float, float]:
        return self.size.width / self.scale, self.size.height / self.scale

    @property
    def _left(self) -> float:
        return {"tall": 76, "square": 64, "wide": 112}[self.form]

    @property
    def _wide(self) -> float:
        return 852 if self.form == "tall" else self._grid[0] - 2 * self._left

    @property
    def _top(self) -> float:
        return self._grid[1] * 380 / 1920 if self.form == "tall" else 154

    @property
    def _words(self) -> float:
        """Where the captions begin."""
        high = self._grid[1]
        return high * 1156 / 1920 if self.form == "tall" else high - LOW_CAPTIONS - 38

    @property
    def _high(self) -> float:
        return CAPTIONS if self.form == "tall" else LOW_CAPTIONS

    @property
    def _floor(self) -> float:
        """Where the stage ends: a gap above the captions."""
        return self._words - (76 if self.form == "tall" else 52)
