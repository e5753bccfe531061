"""The number card: a figure that counts in a few steps, with the words right around it."""

import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bookai.film.shots import NumberShot
from tools.render.brand import Rgb
from tools.render.cards.card import Card, Part, Piece
from tools.render.cards.setter import CAPITALS, Setter
from tools.render.shapes import eased
from tools.render.sprites import Frame
from tools.render.typography import BLACK, BOLD, Setting

STEPS = 7
STEP_S = 0.067
LEAST = 0.62  # the figure's size as a share of the stage, below which words give way
_DIGITS = re.compile(r"\d(?:[\d.,'\u2019\u00a0\u202f \u066c\u066b]*\d)?")
_GROUPED = re.compile(r"[.,'\u2019\u00a0\u202f \u066c]\d{3}$")


def number_card(setter: Setter, shot: NumberShot) -> Card:
    """Set a number that deserves the stage; the plan lets the card come when it is spoken."""
    width, height = setter.stage[2:]
    beside = bool(shot.unit) and width > 2 * height
    figure = 1 if shot.lead else 0
    for share in (1.0, 0.86, 0.72, 0.6, 0.48, 0.38):
        rows = _rows(setter, shot, share, beside=beside)
        others = sum(_tall(setter, rows, k) for k in range(len(rows)) if k != figure)
        others += _gap(setter, rows, figure) if figure else 0
        most = round((height - others - sum(_edges(setter, rows)) - setter.px(8)) / CAPITALS)
        # The figure is the point: words around it get smaller before it does.
        if most >= min(rows[figure].setting.style.size, round(height * LEAST)):
            break
    setting = rows[figure].setting
    if setting.style.size > most:
        style = replace(setting.style, size=max(8, most))
        rows[figure] = replace(rows[figure], setting=replace(setting, style=style))
    parts = _stack(setter, rows)
    return Card([*parts, *_unit(setter, shot.unit, parts[figure])] if beside else parts)


def _rows(setter: Setter, shot: NumberShot, share: float, *, beside: bool) -> list["_Row"]:
    """Return the rows from the top, the words at a share of their size."""
    text, strong = setter.ground.text, setter.ground.strong
    width = setter.stage[2]
    rows: list[_Row] = []
    if shot.lead:
        rows.append(_Row(setter.one(shot.lead, BOLD, round(92 * share), width), text, 0.5))
    room = round(width * 0.6) if beside else width
    setting = setter.one(shot.value, BLACK, 600, room)
    rows.append(_Row(setting, strong, 0.0, counts=True, since=shot.since))
    if shot.unit and not beside:
        rows.append(_Row(setter.one(shot.unit, BLACK, round(160 * share), width), text, 0.34))
    if shot.label:
        rows.append(_Row(setter.one(shot.label, BOLD, round(104 * share), width), text, 0.52))
    return rows


def _unit(setter: Setter, unit: str, figure: Part) -> list[Part]:
    """Return the unit at the figure's side, on its line: a wide picture has room there."""
    value = figure.values[-1] if isinstance(figure, Counter) else figure
    assert isinstance(value, Piece)
    x, _, width, _ = setter.stage
    gap = setter.px(44)
    mirrored = value.x + value.sprite.width > x + width - gap
    room = width - value.sprite.width - gap
    setting = setter.one(unit, BLACK, 170, room)
    baseline = value.y + value.rise
    at = (value.x + value.sprite.width + gap, baseline)
    delay = value.delay + setter.frames(0.1)
    piece = setter.on_baseline(setting.lines[0], setting.style, setter.ground.text, at, delay)
    return [replace(piece, x=value.x - gap - piece.sprite.width & ~1) if mirrored else piece]


def _gap(setter: Setter, rows: Sequence["_Row"], k: int) -> int:
    """Return what is left free above row `k`, at least what its and its neighbour's ink needs."""
    below, row = rows[k - 1].setting, rows[k].setting
    hangs = setter.face.ink(below.lines[0], below.style).bottom
    stands = -setter.face.ink(row.lines[0], row.style).top - round(row.style.size * CAPITALS)
    needed = max(0, round(hangs)) + max(0, round(stands)) + setter.px(14)
    return max(setter.px(36), round(row.style.size * rows[k].gap), needed)


def _edges(setter: Setter, rows: Sequence["_Row"]) -> tuple[int, int]:
    """Return how far ink reaches above the first row's capitals, and below the last row's line."""
    first, last = rows[0].setting, rows[-1].setting
    above, _ = _reach(setter, first)
    _, below = _reach(setter, last)
    return max(0, above - round(first.style.size * CAPITALS)), max(0, below)


def _reach(setter: Setter, setting: Setting) -> tuple[int, int]:
    """Return how far a line's ink reaches above and below its baseline."""
    mask = setter.face.mask(setting.lines[0], setting.style)
    inked = np.flatnonzero(mask.any(axis=1))
    if not inked.size:
        return 0, 0
    rise = setter.face.rise(setting.style)
    return rise - int(inked[0]), int(inked[-1]) + 1 - rise


def _tall(setter: Setter, rows: Sequence["_Row"], k: int) -> int:
    """Return how high a row is, with the gap above it."""
    return round(rows[k].setting.style.size * CAPITALS) + (_gap(setter, rows, k) if k else 0)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the stack; `gap` above it as a share of its size, `since` what it counts from."""

    setting: Setting
    colour: Rgb
    gap: float
    counts: bool = False
    since: str = ""


@dataclass(frozen=True, slots=True)
class Counter:
    """A figure that shows one value after the other, in one place."""

    values: tuple[Piece, ...]
    delay: int
    step: int

    @property
    def latest(self) -> int:
        """A frame from which on it no longer changes."""
        return max(self.values[-1].latest, self.delay + self.step * len(self.values))

    def state(self, n: int, leaving: int) -> Hashable:
        """Return which value is seen, and where."""
        placed = self._at(n).state(n, leaving)
        return None if placed is None else (self._number(n), placed)

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it."""
        self._at(n).draw(frame, n, leaving)

    def _at(self, n: int) -> Piece:
        return self.values[self._number(n)]

    def _number(self, n: int) -> int:
        return max(0, min(len(self.values) - 1, (n - self.delay) // self.step))


def _stack(setter: Setter, rows: Sequence[_Row]) -> Sequence[Part]:
    """Stack one-line settings by the height of their capitals, centred on the stage."""
    tall = sum(_tall(setter, rows, k) for k in range(len(rows)))
    mirrored = any(setter.face.rtl(row.setting.lines[0]) for row in rows)
    _, top, width, height = setter.stage
    above, below = _edges(setter, rows)
    baseline = top + above + max(0, height - tall - above - below) // 2
    parts: list[Part] = []
    step = max(1, setter.frames(0.1))
    for number, row in enumerate(rows):
        baseline += _tall(setter, rows, number)
        line = row.setting.lines[0]
        late = step * number
        values = counting(line, row.since) if row.counts else (line,)
        pieces = []
        for value in values:
            piece = setter.on_baseline(
                value, row.setting.style, row.colour, (setter.stage[0], baseline), late
            )
            if mirrored:
                x = setter.stage[0] + width - piece.sprite.width & ~1
                piece = replace(piece, x=x)
            pieces.append(piece)
        stride = max(1, setter.frames(STEP_S))
        parts.append(Counter(tuple(pieces), late, stride) if len(pieces) > 1 else pieces[0])
    return parts


def counting(shown: str, since: str = "") -> tuple[str, ...]:
    """Return the values that lead to a figure, written as it is; a year counts by ones.

    They lead up from nothing, or from `since`, which may be above it.
    """
    run = _run(shown)
    if run is None:
        return (shown,)
    figures = run[0]
    digits = _digits(figures)
    whole = int(digits)
    before = _run(since)
    if before is not None and _decimals(before[0]) == _decimals(figures):
        start = int(_digits(before[0]))
        values = [start + round((whole - start) * eased((k + 1) / STEPS)) for k in range(STEPS)]
        # A longer number would not fit its place.
        values = [start, *values] if start != whole else values
        values = [value for value in values if len(str(value)) <= len(digits)]
    elif whole < 3:
        return (shown,)
    elif len(figures) == 4 and figures.isdecimal() and 1000 <= whole < 2200:
        values = [whole - back for back in range(STEPS - 1, -1, -1)]
    else:
        values = [round(whole * eased((k + 1) / STEPS)) for k in range(STEPS)]
    texts: list[str] = []
    for value in values:
        text = shown[: run.start()] + _written(value, figures) + shown[run.end() :]
        if not texts or text != texts[-1]:
            texts.append(text)
    return tuple(texts) if texts[-1] == shown else (shown,)


def _run(shown: str) -> re.Match[str] | None:
    """Return the only run of digits, if it is one that can count."""
    runs = list(_DIGITS.finditer(shown))
    if len(runs) != 1 or not runs[0][0][0].isdecimal() or len(_digits(runs[0][0])) > 12:
        return None
    return runs[0]


def _digits(figures: str) -> str:
    return "".join(str(unicodedata.decimal(c)) for c in figures if c.isdecimal())


def _decimals(figures: str) -> int:
    """Return how many digits stand behind the decimal mark."""
    marks = [k for k, c in enumerate(figures) if not c.isdecimal()]
    if not marks or (_GROUPED.search(figures) and figures[marks[-1]] != "\u066b"):
        return 0
    return len(figures) - marks[-1] - 1


def _written(value: int, like: str) -> str:
    """Return a number with separators and digits like those of `like`, decimals kept."""
    zero = next(ord(c) - unicodedata.decimal(c) for c in like if c.isdecimal())
    left = list(str(value).zfill(_decimals(like) + 1))
    out: list[str] = []
    for letter in reversed(like):
        if not left:
            break
        out.append(chr(zero + int(left.pop())) if letter.isdecimal() else letter)
    return "".join(reversed(out))
