"""What all scenes of a film share: its words, colours, pictures, and the header that stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from tools.render.brand import Ground, Palette, mix
from tools.render.cards import AI_LABEL, emblem, logo
from tools.render.cards.panels import Pictures
from tools.render.layout import Box, Layout
from tools.render.sprites import Frame, Sprite, paint
from tools.render.typography import BOLD, Style, Typeface


@dataclass(frozen=True, slots=True)
class Credits:
    """The words that come from outside the script, ready to set."""

    title: str
    brand: str
    credit: str
    disclosure: str


@dataclass(frozen=True, slots=True)
class Look:
    """What all scenes of a film share.

    `pictures` are the media that could be opened, by number, `thanks` the credit that each must be
    shown with. `clean` leaves out what some platforms forbid on top: brand and `logo` (a file).
    """

    layout: Layout
    face: Typeface
    palette: Palette
    credits: Credits
    scenes: int
    pictures: Pictures
    thanks: Mapping[int, str]
    logo: str = ""
    clean: bool = False


class Header:
    """Progress in as many parts as there are scenes, the brand, and the label."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._made: dict[str, list[tuple[Sprite, int, int]]] = {}
        self._bars = _bars(look.layout, look.scenes)
        # Each scene has a part of its own, unless there are so many that they would be dots.
        self._parted = len(self._bars) == look.scenes

    def draw(self, frame: Frame, on: int, ground: Ground) -> None:
        """Draw it in a scene's colours; `on` is the scene's number."""
        rest = mix(ground.text, ground.top, 0.76)
        if self._parted:
            for number in range(self._look.scenes):
                frame.fill(self._bar(number, 1.0), ground.text if number < on else rest)
        else:
            frame.fill(self._bar(0, 1.0), rest)
        if ground.name not in self._made:
            self._made[ground.name] = self._set(ground)
        # The title card carries the brand itself; a clean film carries none.
        bare = on == 0 or self._look.clean
        for sprite, x, y in self._made[ground.name][2 if bare else 0 :]:
            sprite.draw(frame, x, y)

    def progress(self, frame: Frame, on: int, said: float, ground: Ground) -> None:
        """Draw how much of scene `on` has been said, 0 to 1."""
        if not self._parted:
            on, said = 0, (on + said) / self._look.scenes
        frame.fill(self._bar(on, said), ground.text)

    def _bar(self, number: int, share: float) -> Box:
        x, y, room, thick = self._bars[number]
        return x, y, round(room * share) & ~1, thick

    def _set(self, ground: Ground) -> list[tuple[Sprite, int, int]]:
        """Return the mark, the brand and the label with their places."""
        look = self._look
        px = look.layout.px
        left, top, width, _ = look.layout.header
        size = px(40) & ~1
        row = top + px(30) & ~1
        style = Style(px(31), BOLD, 0)
        label = paint([(look.face.mask(AI_LABEL, style), ground.text)])
        room = width - label.width - 3 * size
        brand = look.credits.brand
        while brand and look.face.width(brand, style) > room:
            brand = brand[:-2].rstrip() + "…" if len(brand) > 2 else ""
        name = paint([(look.face.mask(brand or " ", style), ground.text)])
        baseline = row + size // 2 + round(style.size * 0.35) - look.face.rise(style) & ~1
        if look.logo:
            mark = logo(look.logo, 2 * size, size)
        else:
            mark = emblem(size, ground.strong, ground.text)
        return [
            (mark, left, row),
            (name, left + mark.width + px(14) & ~1, baseline),
            (label, left + width - label.width & ~1, baseline),
        ]


def _bars(layout: Layout, scenes: int) -> list[Box]:
    """Return the parts of the progress line: one a scene, or a single one."""
    left, top, width, _ = layout.header
    gap, thick = max(2, layout.even(8)), max(2, layout.even(6))
    count = scenes if width // scenes >= 4 * gap else 1
    edges = [left + width * number // count & ~1 for number in range(count + 1)]
    return [(x, top, after - x - gap, thick) for x, after in pairwise(edges)]
