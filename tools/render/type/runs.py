"""Cut a line into runs: pieces of one font and one direction, in the order of the eye."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PIL import ImageDraw, ImageFont

from tools.render.type.bidi import levels, visual
from tools.render.type.clusters import clusters
from tools.render.type.fonts import (
    CJK_FAMILIES,
    FAMILIES,
    candidates,
    han_family,
    has_glyph,
    load,
    path_of,
    script,
)


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line: its text as written, the font's file and scale, and its direction."""

    text: str
    path: str
    scale: float
    rtl: bool

    @property
    def direction(self) -> Literal["rtl", "ltr"]:
        """Its direction as the shaper calls it."""
        return "rtl" if self.rtl else "ltr"

    @property
    def features(self) -> list[str] | None:
        """What the shaper is asked for: Han stops and brackets without their empty half."""
        return ["palt"] if self.path in _tight_paths() else None

    def font(self, size: int, weight: int) -> ImageFont.FreeTypeFont:
        """Return its font for a line of a type size (pixels)."""
        return load(self.path, round(size * self.scale), weight)

    def advance(self, size: int, weight: int) -> float:
        """Return how far it takes the line on, in pixels."""
        return _advance(self, size, weight)

    def box(self, size: int, weight: int) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of its ink, from its start on the baseline."""
        return _box(self, size, weight)

    def draw(
        self, draw: ImageDraw.ImageDraw, at: tuple[float, float], size: int, weight: int
    ) -> None:
        """Draw it in full white, its start on the baseline at `at`."""
        font = self.font(size, weight)
        draw.text(
            at, self.text, 255, font, anchor="ls", direction=self.direction, features=self.features
        )


@lru_cache(maxsize=1)
def _tight_paths() -> frozenset[str]:
    return frozenset(path_of(name) for name in CJK_FAMILIES)


# Shaping costs up to a millisecond a word, and every word is measured more than once.
@lru_cache(maxsize=8192)
def _advance(run: Run, size: int, weight: int) -> float:
    font = run.font(size, weight)
    return font.getlength(run.text, direction=run.direction, features=run.features)


@lru_cache(maxsize=8192)
def _box(run: Run, size: int, weight: int) -> tuple[float, float, float, float]:
    return run.font(size, weight).getbbox(
        run.text, anchor="ls", direction=run.direction, features=run.features
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A cluster with its font and level."""

    text: str
    file: tuple[str, float]
    level: int


def font_for(cluster: str, name: str, han: str, own: str) -> tuple[str, float] | None:
    """Return the file and scale of the first font that has a whole cluster, or None.

    `name` is the script's family, `han` that of Han letters, `own` the operator's file or "".
    """
    if own and all(has_glyph(own, letter) or _invisible(letter) for letter in cluster):
        return own, 1.0
    for family in candidates(name, han):
        path = path_of(family)
        if all(has_glyph(path, letter) or _invisible(letter) for letter in cluster):
            return path, FAMILIES[family].scale
    return None


@lru_cache(maxsize=4096)
def cut_runs(text: str, own: str, language: str, rtl: bool) -> tuple[Run, ...]:
    """Return the runs of a line from left to right; `rtl` is the direction of the line itself."""
    parts = _parts(text, own, language, rtl)
    runs: list[tuple[str, tuple[str, float], int]] = []
    for part in parts:
        if runs and runs[-1][1:] == (part.file, part.level):
            runs[-1] = (runs[-1][0] + part.text, part.file, part.level)
        else:
            runs.append((part.text, part.file, part.level))
    ordered = visual(runs, lambda run: run[2])
    return tuple(Run(said, *file, rtl=level % 2 == 1) for said, file, level in ordered)


def _parts(text: str, own: str, language: str, rtl: bool) -> list[_Part]:
    pieces = clusters(text)
    marks = levels(text, rtl=rtl)
    han = han_family(text, language)
    scripts = _scripts(pieces)
    parts: list[_Part] = []
    at = 0
    before: tuple[str, float] | None = None
    for piece, name in zip(pieces, scripts, strict=True):
        own_name = script(piece[0])
        file = font_for(piece, name, han, own) or font_for(piece, own_name, han, own)
        shown = piece
        if file is None:
            # No font has the letter with these marks: better without one than with a box.
            file = font_for(piece[0], own_name, han, own) or before or (path_of("Latin"), 1.0)
            shown = "".join(letter for letter in piece if has_glyph(file[0], letter))
        parts.append(_Part(shown, file, marks[at]))
        before = file
        at += len(piece)
    return parts


def _scripts(pieces: list[str]) -> list[str]:
    """Return each cluster's family; a sign of no script goes with the letters before it.

    At the start of a line it goes with the letters behind it, so that quotation marks match.
    """
    names = [script(piece[0]) for piece in pieces]
    for k, name in enumerate(names):
        if not name and k:
            names[k] = names[k - 1]
    first = next((name for name in names if name), "")
    return [name or first for name in names]


def _invisible(letter: str) -> bool:
    return letter in "\u200c\u200d\u200e\u200f"
