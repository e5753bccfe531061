"""The chart card: a line, or an area over zero, drawn from left to right; its last value marked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from bookai.film.shots import ChartShot, Point
from tools.render.brand import mix
from tools.render.cards.card import Card, Pace, Part, Piece
from tools.render.cards.setter import Setter, opened
from tools.render.layout import Box
from tools.render.shapes import disc
from tools.render.sprites import Mask, paint
from tools.render.typography import BLACK, BOLD, MEDIUM, Style

DRAWN_S = 1.3
FINE = 3  # how many times finer the line is drawn than shown
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
FLAT = 0.55  # figures that vary less than this share of the largest do not start at zero


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where the points are: places in the box, whose lower edge may stand for zero."""

    box: Box
    places: tuple[tuple[float, float], ...]
    from_zero: bool


def chart_card(setter: Setter, shot: ChartShot) -> Card:
    """Set a series: heading, axis and line, then the last value."""
    width, height = setter.stage[2:]
    px = setter.px
    parts: list[Part] = []
    used = px(8)
    heading = opened(shot.title or shot.unit)
    if heading:
        setting = setter.fit(heading, BLACK, (width, px(150)), (72, 36), 1.08)
        parts += setter.block(setting, setter.where(heading, used), 1.08)
        used += setter.height(setting, 1.08) + px(20)
    unit = shot.unit if shot.title and shot.unit not in shot.title else ""
    if unit:
        line = setter.one(unit, MEDIUM, 40, width)
        parts += setter.block(line, setter.where(unit, used), 1.1, delay=setter.frames(0.1))
        used += setter.height(line, 1.1) + px(12)
    plot = _plot(setter, shot, used, height)
    parts += _axis(setter, shot, plot)
    parts += _line(setter, shot, plot)
    parts += _values(setter, shot, plot)
    return Card(parts)


def _plot(setter: Setter, shot: ChartShot, used: int, height: int) -> _Plot:
    x, y, width, _ = setter.stage
    px = setter.px
    top = y + used + px(96)  # room for the figures above their points
    box = (x, top & ~1, width & ~1, (y + height - px(72) - top) & ~1)
    values = [point.value for point in shot.points]
    low, high = min(values), max(values)
    from_zero = low >= 0 and (shot.area or low < FLAT * high)
    floor = 0.0 if from_zero else low - 0.25 * ((high - low) or abs(high) or 1.0)
    span = (high - floor) or 1.0
    inset = px(22)
    room = box[2] - 2 * inset
    places = tuple(
        (inset + at * room, (1 - (value - floor) / span) * (box[3] - px(12)) + px(6))
        for at, value in zip(moments(shot.points), values, strict=True)
    )
    return _Plot(box, places, from_zero)


def moments(points: Sequence[Point]) -> tuple[float, ...]:
    """Return where each point stands in time, 0 for the first to 1 for the last.

    Years stand as far apart as they are; where the labels have none of their own, all steps are
    alike.
    """
    found = [_YEAR.search(point.label) for point in points]
    years = [int(match[0]) for match in found if match]
    rising = all(one < other for one, other in pairwise(years))
    if len(years) < len(points) or not rising:
        return tuple(k / (len(points) - 1) for k in range(len(points)))
    return tuple((year - years[0]) / (years[-1] - years[0]) for year in years)


def _axis(setter: Setter, shot: ChartShot, plot: _Plot) -> list[Part]:
    """Return the base line and the labels that have room, the first and the last before others."""
    px, ground = setter.px, setter.ground
    x, y, width, height = plot.box
    rule: Mask = np.ones((max(2, px(4) & ~1), width), np.float32)
    tone = mix(ground.text, ground.top, 0.6)
    parts: list[Part] = [setter.form(rule, tone, (x, y + height), 0, "uncover")]
    style = Style(px(36), BOLD, 0)
    taken: list[tuple[float, float]] = []
    count = len(shot.points)
    for k in sorted(range(count), key=lambda k: (k not in (0, count - 1), k % 2, k)):
        label = shot.points[k].label
        wide = setter.face.width(label, style)
        left = min(max(0.0, plot.places[k][0] - wide / 2), width - wide)
        gap = px(28)
        if left < 0 or any(left < end + gap and start < left + wide + gap for start, end in taken):
            continue
        taken.append((left, left + wide))
        at = (x + round(left), y + height + px(56))
        late = setter.frames(0.1 + DRAWN_S * 0.6 * k / count)
        parts.append(setter.on_baseline(label, style, ground.text, at, late))
    return parts


def _line(setter: Setter, shot: ChartShot, plot: _Plot) -> list[Part]:
    """Return the area, the line over it, and the dot at its end."""
    px, ground = setter.px, setter.ground
    x, y, width, height = plot.box
    thick = px(12)
    size = width * FINE, height * FINE
    fine = [(a * FINE, b * FINE) for a, b in plot.places]
    stroke = Image.new("L", size)
    pen = ImageDraw.Draw(stroke)
    pen.line(fine, fill=255, width=thick * FINE, joint="curve")
    radius = thick * FINE / 2
    for a, b in fine:
        pen.ellipse((a - radius, b - radius, a + radius, b + radius), fill=255)
    layers = []
    if plot.from_zero and shot.area:
        area = Image.new("L", size)
        under = [*fine, (fine[-1][0], size[1]), (fine[0][0], size[1])]
        ImageDraw.Draw(area).polygon(under, fill=255)
        soft = mix(ground.strong, ground.top, 0.72)
        layers.append((_reduced(area), ground.tints[0] if ground.name == "accent" else soft))
    layers.append((_reduced(stroke), ground.strong))
    drawn = setter.frames(DRAWN_S)
    late = setter.frames(0.25)
    pace = Pace(drawn, setter.pace.go)
    line = Piece(paint(layers), x, y, pace, late, "uncover")
    dot = disc(px(24))
    left = x + round(plot.places[-1][0]) - dot.shape[1] // 2
    top = y + round(plot.places[-1][1]) - dot.shape[0] // 2
    inner = np.zeros_like(dot)
    core = disc(px(11))
    edge = (dot.shape[0] - core.shape[0]) // 2
    inner[edge : edge + core.shape[0], edge : edge + core.shape[1]] = core
    mark = paint([(dot, ground.text), (inner, ground.top)])
    arrival = late + round(drawn * 0.6)
    return [line, Piece(mark, left & ~1, top & ~1, setter.pace, arrival, "pop")]


def _values(setter: Setter, shot: ChartShot, plot: _Plot) -> list[Part]:
    """Return the last figure, large, and the first and the highest where they have room."""
    px, ground = setter.px, setter.ground
    x, y, width, _ = plot.box
    late = setter.frames(0.25)
    last = len(shot.points) - 1
    large = setter.one(shot.points[last].shown, BLACK, 76, width // 2)
    small = Style(px(42), BOLD, 0)
    highest = max(range(last + 1), key=lambda k: shot.points[k].value)
    parts: list[Part] = []
    taken: list[tuple[float, float]] = []
    for k in dict.fromkeys((last, 0, highest)):
        point: Point = shot.points[k]
        style = large.style if k == last else small
        text = large.lines[0] if k == last else point.shown
        wide = setter.face.width(text, style)
        left = min(max(0.0, plot.places[k][0] - wide / 2), width - wide)
        gap = px(36)
        if any(left < end + gap and start < left + wide + gap for start, end in taken):
            continue
        taken.append((left, left + wide))
        over = _over(plot, left - px(8), left + wide + px(8))
        baseline = y + round(over) - px(40 if k == last else 30)
        delay = late + setter.frames(DRAWN_S * (0.5 if k == last else 0.12 + 0.3 * k / last))
        parts.append(
            setter.on_baseline(text, style, ground.text, (x + round(left), baseline), delay)
        )
    return parts


def _over(plot: _Plot, left: float, right: float) -> float:
    """Return the height of the line's highest place between two edges."""
    a, b = zip(*plot.places, strict=True)
    at = np.linspace(left, right, 24)
    return float(np.interp(at, a, b).min())


def _reduced(image: Image.Image) -> Mask:
    small = image.reduce(FINE)
    return np.asarray(small, np.float32) / np.float32(255)
