"""Where things stand on the picture: one grid, drawn for 1080x1920 and scaled to other sizes.

The platforms lay their own buttons and texts over a short video: tabs at the top (up to about
220 px), title and sound at the bottom (up to about 420 px), icons at the right (up to about
140 px). Nothing that must be read stands there.
"""

from dataclasses import dataclass

from bookai.models import Record

Box = tuple[int, int, int, int]  # x, y, width, height in pixels
GRID_WIDTH, GRID_HEIGHT = 1080, 1920


class Size(Record):
    """The picture's size in pixels (both even) and its rate in frames a second."""

    width: int = GRID_WIDTH
    height: int = GRID_HEIGHT
    fps: int = 30


@dataclass(frozen=True, slots=True)
class Layout:
    """The grid of one picture size; every number is in its pixels."""

    size: Size

    def px(self, grid: float) -> int:
        """Return a length of the 1080-wide grid in this picture's pixels."""
        return round(grid * self.size.width / GRID_WIDTH)

    def even(self, grid: float) -> int:
        """Return `px` rounded down to an even number, as 4:2:0 planes need."""
        return self.px(grid) & ~1

    def box(self, x: float, y: float, width: float, height: float) -> Box:
        """Return a box of the grid in pixels, all even."""
        return self.even(x), self.even(y), self.even(width), self.even(height)

    @property
    def safe(self) -> Box:
        """What no platform covers."""
        return self.box(60, 220, 880, 1280)

    @property
    def header(self) -> Box:
        """Progress, brand and label."""
        return self.box(76, 232, 852, 84)

    @property
    def stage(self) -> Box:
        """The cards: title, number, quotation, key phrase."""
        return self.box(76, 380, 852, 700)

    @property
    def short_stage(self) -> Box:
        """The cards while the disclosure is shown below them."""
        return self.box(76, 380, 852, 572)

    @property
    def poster(self) -> Box:
        """The title on the thumbnail, which no buttons cover."""
        return self.box(76, 380, 928, 1180)

    @property
    def notice(self) -> Box:
        """The disclosure while an offer is announced, and at the end."""
        return self.box(76, 980, 852, 124)

    @property
    def captions(self) -> Box:
        """The spoken words, two lines."""
        return self.box(64, 1156, 872, 300)

    @property
    def side(self) -> int:
        """The text's left edge."""
        return self.even(76)

    @property
    def column(self) -> int:
        """The text's greatest width."""
        return self.even(852)
