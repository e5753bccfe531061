"""A scene's ground: a soft gradient with grain, and large forms that drift over it.

Only the forms move; the grain stands still, so that the encoder copies most of every frame.
"""

from collections.abc import Callable

import numpy as np

from tools.render.brand import Ground, Rgb
from tools.render.layout import Layout
from tools.render.shapes import Drifter, capsule, disc, halftone, ring, rings, tiles
from tools.render.sprites import Frame, yuv

GRAIN = 1.5  # standard deviation in luma steps: enough to keep a gradient from banding


class Backdrop:
    """The ground and forms of one scene."""

    def __init__(self, layout: Layout, ground: Ground, kind: int, free: int, seed: int) -> None:
        """Prepare it; `kind` picks the composition.

        `free` is how many frames strong forms may stand on the stage, 0 for not at all.
        """
        rng = np.random.default_rng(seed)
        self._plate = _plate(layout, ground, rng)
        compose = COMPOSITIONS[kind % len(COMPOSITIONS)]
        self._forms = compose(_Brush(layout, ground, free > 0, rng))
        for form in self._forms:
            # What stands on the stage makes room for the card; what lies below stays.
            if free and form.at[1] + form.mask.shape[0] / 2 < layout.px(1080):
                form.leaves = free - 8

    def draw(self, frame: Frame, n: int) -> None:
        """Paint it as it stands `n` frames into its scene."""
        np.copyto(frame.buffer, self._plate.buffer)
        for form in self._forms:
            form.draw(frame, n)


def _plate(layout: Layout, ground: Ground, rng: np.random.Generator) -> Frame:
    """Return the gradient, in planes, dithered: YUV is linear in RGB, so is a mix of two."""
    width, height = layout.size.width, layout.size.height
    plate = Frame(width, height)
    for (plane, _), top, bottom in zip(
        plate.planes, yuv(ground.top), yuv(ground.bottom), strict=True
    ):
        rows, columns = plane.shape
        y, x = np.ogrid[0:rows, 0:columns]
        share = (0.22 * x / columns + 0.78 * y / rows).astype(np.float32)
        tone = np.float32(top) + np.float32(bottom - top) * share
        luma = rows == height
        noise = rng.standard_normal((rows, columns), np.float32) * np.float32(
            GRAIN if luma else 0.4
        )
        plane[...] = np.clip(tone + noise + np.float32(0.5), 16, 235 if luma else 240)
    return plate


class _Brush:
    """What a composition paints with: lengths of the grid, colours of the ground."""

    def __init__(
        self, layout: Layout, ground: Ground, quiet: bool, rng: np.random.Generator
    ) -> None:
        self.layout = layout
        self.soft, self.mid = ground.tints
        self.pop: Rgb = ground.pop if quiet else ground.tints[1]
        self.edge = ground.pop
        self.quiet = quiet
        self.rng = rng
        self.px = layout.px

    def place(
        self,
        mask: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        colour: Rgb,
        at: tuple[float, float],
        *,
        speed: tuple[float, float] = (0, 0),
        entry: tuple[float, float] = (0, 0),
    ) -> Drifter:
        """Return a form with its centre at `at`; everything in grid pixels."""
        scale = self.layout.size.width / 1080
        height, width = mask.shape
        return Drifter(
            mask,
            colour,
            (at[0] * scale - width / 2, at[1] * scale - height / 2),
            (speed[0] * scale, speed[1] * scale),
            (entry[0] * scale, entry[1] * scale),
        )


def _orbit(b: _Brush) -> list[Drifter]:
    px = b.px
    planet = b.place(disc(px(46)), b.pop, (760, 700))
    planet.orbit = (b.layout.size.width / 1080 * 400, 0.07)
    return [
        b.place(disc(px(560)), b.soft, (760, 700), entry=(240, 0)),
        b.place(ring(px(400), px(6)), b.mid, (760, 700), entry=(160, 0)),
        b.place(disc(px(190)), b.pop, (760, 700), entry=(420, 0)),
        planet,
        b.place(disc(px(300)), b.soft, (60, 1830), speed=(1, -1), entry=(-200, 120)),
        b.place(disc(px(70)), b.edge, (930, 1740), speed=(-1, 0), entry=(200, 0)),
    ]


def _hills(b: _Brush) -> list[Drifter]:
    px = b.px
    sun = [b.place(disc(px(230)), b.pop, (690, 700), speed=(0, -1), entry=(0, 500))]
    return [
        *(sun if b.quiet else []),
        b.place(disc(px(480)), b.soft, (850, 1640), speed=(-1, 0), entry=(300, 100)),
        b.place(disc(px(620)), b.mid, (120, 2160), speed=(1, 0), entry=(-300, 200)),
        b.place(disc(px(90)), b.edge, (980, 1780), speed=(-1, 0), entry=(200, 0)),
    ]


def _capsules(b: _Brush) -> list[Drifter]:
    # Height, width, speed and colour of each bar.
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
            (900 if speed < 0 else 250, y),
            speed=(speed, 0),
            entry=(-600 * speed, 0),
        )
        for y, width, speed, colour in rows
    ]


def _quilt(b: _Brush) -> list[Drifter]:
    px = b.px
    forms = [
        b.place(tiles(7, 2, px(216), b.rng), b.soft, (640, 1710), speed=(-1, 0), entry=(0, 300)),
        b.place(disc(px(54)), b.edge, (856, 1818), speed=(-1, 0), entry=(0, 300)),
    ]
    if b.quiet:
        forms += [
            b.place(tiles(4, 2, px(216), b.rng), b.mid, (520, 640), entry=(0, -200)),
            b.place(disc(px(108)), b.pop, (736, 748), entry=(300, 0)),
        ]
    return forms


def _ripples(b: _Brush) -> list[Drifter]:
    px = b.px
    low = (1000, 1900)
    forms = [
        b.place(rings(px(640), px(44)), b.soft, low, speed=(0, -1), entry=(160, 160)),
        b.place(disc(px(150)), b.edge, low, speed=(0, -1), entry=(160, 160)),
    ]
    if b.quiet:
        forms += [
            b.place(rings(px(420), px(34)), b.mid, (640, 690), entry=(-160, -160)),
            b.place(disc(px(150)), b.pop, (640, 690), entry=(-160, -160)),
        ]
    return forms


def _dots(b: _Brush) -> list[Drifter]:
    px = b.px
    forms = [
        b.place(halftone(24, 12, px(60)), b.soft, (660, 1590), speed=(-1, 0), entry=(0, 200)),
    ]
    if b.quiet:
        forms += [
            b.place(disc(px(300)), b.mid, (420, 680), speed=(1, 0), entry=(-300, 0)),
            b.place(ring(px(300), px(64)), b.pop, (660, 680), speed=(-1, 0), entry=(300, 0)),
        ]
    return forms


COMPOSITIONS: tuple[Callable[[_Brush], list[Drifter]], ...] = (
    _orbit,
    _hills,
    _capsules,
    _quilt,
    _ripples,
    _dots,
)
