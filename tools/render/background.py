"""A scene's ground: a soft gradient with grain, and large forms that come in and rest.

Nothing moves after the first second, so that the encoder has nothing to do; the grain stands
still from the start.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache

import numpy as np

from tools.render.brand import Ground, Rgb
from tools.render.layout import Layout, Size
from tools.render.shapes import ARRIVAL_S, Arrival, capsule, disc, halftone, ring, rings, tiles
from tools.render.sprites import Frame, Mask, yuv

GRAIN = 1.5  # standard deviation in luma steps: enough to keep a gradient from banding
GRAIN_TILE = 340  # pixels a side


class Backdrop:
    """The ground and forms of one scene: they come in within a second, and rest."""

    def __init__(self, layout: Layout, ground: Ground, kind: int, free: int, seed: int) -> None:
        """Prepare it; `kind` picks the composition.

        `free` is how many frames strong forms may stand on the stage, 0 for not at all.
        """
        self._fps = layout.size.fps
        self._plate = _plate(layout.size, ground)
        compose = COMPOSITIONS[kind % len(COMPOSITIONS)]
        brush = _Brush(layout, ground, free > 0, np.random.default_rng(seed))
        self._forms = compose(brush)
        for form in self._forms:
            form.reach = layout.size.width
            # What stands on the stage makes room for the card; what lies below stays.
            if free and form.at[1] + form.mask.shape[0] / 2 < layout.captions[1]:
                form.leaves = max(0, free - round(0.27 * self._fps))
        self._rest: Frame | None = None
        last = round((ARRIVAL_S if not free else max(ARRIVAL_S, free / self._fps + 1)) * self._fps)
        self._places = self._planned(last)
        self.settled = len(self._places) - 1
        """The first frame from which on nothing moves."""
        for number, form in enumerate(self._forms):
            form.trim(
                {row[number] for row in self._places}, (layout.size.width, layout.size.height)
            )

    def state(self, n: int) -> Hashable:
        """Return what is seen of it: equal states are equal pictures."""
        return self._places[min(n, self.settled)]

    def draw(self, frame: Frame, n: int) -> None:
        """Paint it as it stands `n` frames into its scene."""
        if n >= self.settled:
            if self._rest is None:
                self._rest = Frame(*frame.box[2:])
                self._paint(self._rest, self.settled)
            np.copyto(frame.buffer, self._rest.buffer)
        else:
            self._paint(frame, n)

    def _paint(self, frame: Frame, n: int) -> None:
        np.copyto(frame.buffer, self._plate.buffer)
        for form, at in zip(self._forms, self._places[n], strict=True):
            form.draw(frame, at)

    def _planned(self, last: int) -> list[tuple[tuple[int, int], ...]]:
        """Return where the forms stand in each frame, up to the first from which on all rest."""
        places = [tuple(form.place(n, self._fps) for form in self._forms) for n in range(last + 1)]
        while len(places) > 1 and places[-2] == places[-1]:
            places.pop()
        return places


@lru_cache(maxsize=4)
def _plate(size: Size, ground: Ground) -> Frame:
    """Return the gradient, in planes, dithered: YUV is linear in RGB, so is a mix of two."""
    plate = Frame(size.width, size.height)
    for (plane, _), top, bottom in zip(
        plate.planes, yuv(ground.top), yuv(ground.bottom), strict=True
    ):
        rows, columns = plane.shape
        luma = rows == size.height
        across = np.linspace(0, 0.22 * (bottom - top), columns, dtype=np.float32)
        down = np.linspace(top + 0.5, top + 0.5 + 0.78 * (bottom - top), rows, dtype=np.float32)
        noise = _grain(GRAIN if luma else 0.4)
        # Block by block, so that the numbers stay near the processor.
        for y in range(0, rows, GRAIN_TILE):
            for x in range(0, columns, GRAIN_TILE):
                part = plane[y : y + GRAIN_TILE, x : x + GRAIN_TILE]
                tone = down[y : y + GRAIN_TILE, None] + across[None, x : x + GRAIN_TILE]
                tone += noise[: tone.shape[0], : tone.shape[1]]
                part[...] = np.clip(tone, 16, 235 if luma else 240, out=tone)
    return plate


@lru_cache(maxsize=2)
def _grain(deviation: float) -> Mask:
    """Return noise in a tile that is laid side by side, which nobody can see."""
    rng = np.random.default_rng(0)
    tile = rng.standard_normal((GRAIN_TILE, GRAIN_TILE), np.float32)
    return tile * np.float32(deviation)


class _Brush:
    """What a composition paints with: lengths of the grid, colours of the ground."""

    def __init__(
        self, layout: Layout, ground: Ground, quiet: bool, rng: np.random.Generator
    ) -> None:
        self.layout = layout
        self.soft, self.mid = ground.tints
        self.pop: Rgb = ground.pop if quiet else ground.tints[1]
        # Only an upright picture has room below the captions; elsewhere text stands there.
        self.edge: Rgb = ground.pop if layout.form == "tall" else ground.tints[1]
        self.quiet = quiet
        self.rng = rng
        self.px = layout.px

    def place(
        self,
        mask: Mask,
        colour: Rgb,
        at: tuple[float, float],
        *,
        entry: tuple[float, float] = (0, 0),
    ) -> Arrival:
        """Return a form with its centre at `at`, a place of a picture of 1080 by 1920.

        Other formats stretch places, never forms.
        """
        size, scale = self.layout.size, self.layout.scale
        height, width = mask.shape
        return Arrival(
            mask,
            colour,
            (at[0] * size.width / 1080 - width / 2, at[1] * size.height / 1920 - height / 2),
            (entry[0] * scale, entry[1] * scale),
        )


def _orbit(b: _Brush) -> list[Arrival]:
    px = b.px
    planet = b.place(disc(px(46)), b.pop, (760, 700))
    planet.orbit = (b.layout.scale * 400, 0.1)
    low = 1830 if b.layout.form == "tall" else 1960
    return [
        b.place(disc(px(560)), b.soft, (760, 700), entry=(240, 0)),
        b.place(ring(px(400), px(6)), b.mid, (760, 700), entry=(160, 0)),
        *([b.place(disc(px(190)), b.pop, (760, 700), entry=(420, 0))] if b.quiet else []),
        planet,
        b.place(disc(px(300)), b.soft, (60, low), entry=(-200, 120)),
        b.place(disc(px(70)), b.edge, (930, low - 90), entry=(200, 0)),
    ]


def _hills(b: _Brush) -> list[Arrival]:
    px = b.px
    sun = [b.place(disc(px(230)), b.pop, (690, 700), entry=(0, 500))]
    return [
        *(sun if b.quiet else []),
        b.place(disc(px(480)), b.soft, (850, 1640), entry=(300, 100)),
        b.place(disc(px(620)), b.mid, (120, 2160), entry=(-300, 200)),
        b.place(disc(px(90)), b.edge, (980, 1780), entry=(200, 0)),
    ]


def _capsules(b: _Brush) -> list[Arrival]:
    # Height, width, side and colour of each bar.
    rows = [
        (1500, 560, 1, b.soft),
        (1630, 700, -2, b.mid),
        (1760, 420, 2, b.edge),
        (1890, 640, -1, b.soft),
    ]
    if b.quiet:
        rows += [
            (450, 560, 1, b.soft),
            (580, 760, -2, b.mid),
            (710, 420, 2, b.pop),
            (840, 640, -1, b.soft),
            (970, 500, 1, b.mid),
        ]
    return [
        b.place(
            capsule(b.px(width), b.px(104)),
            colour,
            (900 if side < 0 else 250, y),
            entry=(-600 * side, 0),
        )
        for y, width, side, colour in rows
    ]


def _quilt(b: _Brush) -> list[Arrival]:
    px = b.px
    forms = [
        b.place(tiles(7, 2, px(216), b.rng), b.soft, (640, 1710), entry=(0, 300)),
        b.place(disc(px(54)), b.edge, (856, 1818), entry=(0, 300)),
    ]
    if b.quiet:
        forms += [
            b.place(tiles(4, 2, px(216), b.rng), b.mid, (520, 640), entry=(0, -200)),
            b.place(disc(px(108)), b.pop, (736, 748), entry=(300, 0)),
        ]
    return forms


def _ripples(b: _Brush) -> list[Arrival]:
    px = b.px
    low = (1000, 1900)
    forms = [
        b.place(rings(px(640), px(44)), b.soft, low, entry=(160, 160)),
        b.place(disc(px(150)), b.edge, low, entry=(160, 160)),
    ]
    if b.quiet:
        forms += [
            b.place(rings(px(420), px(34)), b.mid, (640, 690), entry=(-160, -160)),
            b.place(disc(px(150)), b.pop, (640, 690), entry=(-160, -160)),
        ]
    return forms


def _dots(b: _Brush) -> list[Arrival]:
    px = b.px
    forms = [
        b.place(halftone(24, 12, px(60)), b.soft, (660, 1590), entry=(0, 200)),
    ]
    if b.quiet:
        forms += [
            b.place(disc(px(300)), b.mid, (420, 680), entry=(-300, 0)),
            b.place(ring(px(300), px(64)), b.pop, (660, 680), entry=(300, 0)),
        ]
    return forms


COMPOSITIONS: tuple[Callable[[_Brush], list[Arrival]], ...] = (
    _orbit,
    _hills,
    _capsules,
    _quilt,
    _ripples,
    _dots,
)
