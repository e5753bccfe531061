"""Colours: three palettes, four grounds each. Every text on every ground keeps a contrast of 4.5.

A palette is chosen by the title's hash: the same video always looks the same, a channel's
videos differ.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

Rgb = tuple[int, int, int]
GroundName = Literal["night", "colour", "paper", "accent"]
LEAST_CONTRAST = 4.5


@dataclass(frozen=True, slots=True)
class Ground:
    """A scene's colours: a gradient, shapes, text.

    The gradient runs from `top` to `bottom`. Text may stand on shapes in `tints`, not on those in
    `pop`. `strong` is for large type, the active word is `pill_text` on `pill`.
    """

    name: GroundName
    top: Rgb
    bottom: Rgb
    tints: tuple[Rgb, Rgb]
    pop: Rgb
    text: Rgb
    strong: Rgb
    pill: Rgb
    pill_text: Rgb


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours that belong together."""

    name: str
    ink: Rgb
    deep: Rgb
    main: Rgb
    paper: Rgb
    accent: Rgb

    def ground(self, name: GroundName) -> Ground:
        """Return one of the four grounds."""
        ink, deep, main, paper, accent = self.ink, self.deep, self.main, self.paper, self.accent
        if name == "night":
            tints = (mix(deep, main, 0.26), mix(deep, main, 0.52))
            return Ground(name, ink, deep, tints, accent, paper, accent, accent, ink)
        if name == "colour":
            tints = (mix(main, ink, 0.24), mix(main, ink, 0.46))
            bottom = mix(main, ink, 0.18)
            return Ground(name, main, bottom, tints, accent, paper, accent, accent, ink)
        if name == "paper":
            tints = (mix(paper, main, 0.09), mix(paper, accent, 0.34))
            bottom = mix(paper, main, 0.05)
            return Ground(name, paper, bottom, tints, main, ink, main, main, paper)
        tints = (mix(accent, paper, 0.30), mix(accent, main, 0.12))
        bottom = mix(accent, main, 0.05)
        return Ground(name, accent, bottom, tints, ink, ink, ink, ink, accent)


PALETTES = (
    Palette("meridian", (9, 13, 38), (20, 27, 84), (52, 46, 216), (247, 243, 234), (255, 190, 61)),
    Palette("fern", (5, 27, 25), (9, 56, 50), (6, 90, 76), (246, 242, 230), (255, 174, 138)),
    Palette("ember", (30, 10, 30), (66, 18, 56), (164, 26, 72), (252, 243, 233), (255, 188, 160)),
)


def choose(title: str) -> Palette:
    """Return the palette of a title, always the same one."""
    return PALETTES[seed(title) % len(PALETTES)]


def seed(text: str) -> int:
    """Return a number that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Return the colour `share` (0 to 1) of the way from `a` to `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def contrast(a: Rgb, b: Rgb) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
