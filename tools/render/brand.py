"""Colours: three palettes, four grounds each. Every text on every ground keeps a contrast of 4.5.

A palette is chosen by the title's hash: the same video always looks the same, a channel's
videos differ. A channel's own colours take its place (`read_kit`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bookai.errors import OperatorNeeded
from bookai.film.material import BrandKit

Rgb = tuple[int, int, int]
GroundName = Literal["night", "colour", "paper", "accent"]
LEAST_CONTRAST = 4.5
SURE = 4.7  # what derived colours are moved to: the grounds' gradients need a little more
COLOURS = ("ink", "deep", "main", "paper", "accent")
PAIRS = (
    ("paper", "ink"),
    ("paper", "deep"),
    ("paper", "main"),
    ("accent", "ink"),
    ("accent", "deep"),
    ("accent", "main"),
)
"""Which colours meet as text and ground, either way round."""


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
            tints = _tints(deep, ((main, 0.26), (main, 0.52)), (paper, accent))
            return Ground(name, ink, deep, tints, accent, paper, accent, accent, ink)
        if name == "colour":
            tints = _tints(main, ((ink, 0.24), (ink, 0.46)), (paper, accent))
            bottom = mix(main, ink, 0.18)
            return Ground(name, main, bottom, tints, accent, paper, accent, accent, ink)
        if name == "paper":
            tints = _tints(paper, ((main, 0.09), (accent, 0.34)), (ink, main))
            bottom = _tint(paper, (main, 0.05), (ink, main))
            return Ground(name, paper, bottom, tints, main, ink, main, main, paper)
        tints = _tints(accent, ((paper, 0.30), (main, 0.12)), (ink,))
        bottom = _tint(accent, (main, 0.05), (ink,))
        return Ground(name, accent, bottom, tints, ink, ink, ink, ink, accent)


def _tints(
    ground: Rgb, steps: tuple[tuple[Rgb, float], tuple[Rgb, float]], texts: tuple[Rgb, ...]
) -> tuple[Rgb, Rgb]:
    return _tint(ground, steps[0], texts), _tint(ground, steps[1], texts)


def _tint(ground: Rgb, step: tuple[Rgb, float], texts: tuple[Rgb, ...]) -> Rgb:
    """Return a colour a step away from the ground, a smaller one where texts need it."""
    towards, share = step
    while share > 0.01:
        tint = mix(ground, towards, share)
        if all(contrast(text, tint) >= LEAST_CONTRAST for text in texts):
            return tint
        share -= 0.01
    return ground


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


def read_kit(kit: BrandKit, title: str) -> Palette:
    """Return a channel's palette; colours that it does not name are derived from those it does.

    Raises:
        OperatorNeeded: two of its colours do not stand out from each other as text must.
    """
    told = {name: parsed(value) for name in COLOURS if (value := str(getattr(kit, name)))}
    if not told:
        return choose(title)
    palette = _completed(told)
    for text, ground in PAIRS:
        one, other = getattr(palette, text), getattr(palette, ground)
        ratio = contrast(one, other)
        if ratio < LEAST_CONTRAST:
            raise OperatorNeeded(
                f"The channel's colours `{text}` ({written(one)}) and `{ground}`"
                f" ({written(other)}) have a contrast of {ratio:.2f}; text needs"
                f" {LEAST_CONTRAST:g}.",
                mend=_mend(palette, text, ground),
            )
    return palette


def parsed(colour: str) -> Rgb:
    """Return the colour that `#rrggbb` names."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def written(colour: Rgb) -> str:
    """Return a colour as `#rrggbb`."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _completed(told: dict[str, Rgb]) -> Palette:
    """Return a palette of the colours told and of what goes with them."""
    light, dark = (255, 255, 255), (0, 0, 0)
    known = dict(told)
    tone = known.get("main") or known.get("accent") or known.get("deep") or known.get("ink")
    tone = tone or mix(known["paper"], dark, 0.8)
    if "main" not in known:
        dim = known.get("deep") or known.get("ink")
        start = mix(dim, light, 0.14) if dim else mix(tone, dark, 0.35)
        known["main"] = _reached(start, [known.get("accent"), known.get("paper", light)], dark)
    if "ink" not in known:
        start = mix(known["main"], dark, 0.72)
        known["ink"] = _reached(start, [known.get("accent"), known.get("paper")], dark)
    if "deep" not in known:
        start = mix(known["ink"], known["main"], 0.3)
        known["deep"] = _reached(start, [known.get("accent"), known.get("paper")], dark)
    below = [known["main"], known["ink"], known["deep"]]
    if "paper" not in known:
        known["paper"] = _reached(mix(light, known.get("accent", tone), 0.07), below, light)
    if "accent" not in known:
        known["accent"] = _reached(mix(known["main"], light, 0.5), below, light)
    return Palette("own", **known)


def _reached(colour: Rgb, others: Sequence[Rgb | None], towards: Rgb) -> Rgb:
    """Return the colour, moved as little as needed to stand out from others; else `towards`."""
    for step in range(101):
        near = mix(colour, towards, step / 100)
        if all(other is None or contrast(near, other) >= SURE for other in others):
            return near
    return towards


def _mend(palette: Palette, text: str, ground: str) -> str:
    """Return which colours near the operator's own would work."""
    ways = []
    for name in (text, ground):
        partners = {a if b == name else b for a, b in PAIRS if name in (a, b)}
        others = [getattr(palette, partner) for partner in sorted(partners)]
        for towards in ((255, 255, 255), (0, 0, 0)):
            near = _reached(getattr(palette, name), others, towards)
            if all(contrast(near, other) >= LEAST_CONTRAST for other in others):
                ways.append(f"{name} = {written(near)!r}")
    usable = " or ".join(ways) or f"a lighter `{text}` and a darker `{ground}`"
    return f"Set {usable} in the channel's look; see docs/how-to/give-a-channel-its-look.md."
