"""The comparison card: figures of one unit as bars, each growing when it is spoken."""

from collections.abc import Callable
from dataclasses import dataclass

from bookai.film.shots import Bar, BarsShot
from tools.render.brand import Rgb, mix
from tools.render.cards.card import Card, How, Part, Piece, flipped
from tools.render.cards.setter import CAPITALS, Setter, opened
from tools.render.layout import Box
from tools.render.shapes import rounded
from tools.render.typography import BLACK, BOLD, Setting, Style


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where bars stand: the first's row, the pitch, the thickness, and the longest bar."""

    box: Box
    pitch: int
    thick: int
    longest: int
    labels: int  # width of the column of labels; 0: they stand above their bars
    mirrored: bool


def bars_card(setter: Setter, shot: BarsShot, when: Callable[[int], int]) -> Card:
    """Set a comparison: tracks and labels at once, a bar and its figure when it is spoken."""
    x, y, width, height = setter.stage
    px = setter.px
    mirrored = setter.face.rtl(shot.title + shot.unit + "".join(bar.label for bar in shot.bars))
    parts: list[Part] = []
    top = y + px(8)
    told = all(shot.unit in bar.shown for bar in shot.bars)
    heading = opened(shot.title or ("" if told else shot.unit))
    if heading:
        setting = setter.fit(heading, BLACK, (width, px(150)), (72, 36), 1.08)
        parts += setter.block(setting, setter.where(heading, px(8)), 1.08)
        top += setter.height(setting, 1.08) + px(44)
    room = (y + height - top) // len(shot.bars)
    figures = _figures(setter, shot.bars, (width, room))
    grid = _grid(setter, shot, (x, top, width, y + height - top), figures, mirrored=mirrored)
    for row, bar in enumerate(shot.bars):
        late = max(when(bar.at), setter.frames(0.13 * row))
        length = _length(shot, bar, grid)
        parts += _row(setter, grid, _Row(row, bar, length, figures[row], late))
    return Card(parts)


def _figures(setter: Setter, bars: tuple[Bar, ...], room: tuple[int, int]) -> list[Setting]:
    """Return the figures, all in one size."""
    settings = [setter.one(bar.shown, BLACK, 76, round(room[0] * 0.36)) for bar in bars]
    size = min(round(room[1] * 0.5), *(setting.style.size for setting in settings))
    style = Style(size, BLACK, settings[0].style.tracking)
    return [Setting(style, setting.lines) for setting in settings]


def _grid(
    setter: Setter, shot: BarsShot, box: Box, figures: list[Setting], *, mirrored: bool
) -> _Grid:
    px = setter.px
    count = len(shot.bars)
    beside = setter.stage[2] > 2 * setter.stage[3]
    pitch = min(px(170 if count > 2 else 220), box[3] // count)
    labels = 0
    if beside:
        style = Style(px(46), BOLD, 0)
        widest = max(setter.face.width(bar.label, style) for bar in shot.bars)
        labels = min(round(widest) + px(40), round(box[2] * 0.34)) & ~1
    share = 0.5 if beside else 0.46
    thick = max(8, min(px(96), round(pitch * share))) & ~1
    figure = max(setter.face.width(f.lines[0], f.style) for f in figures)
    longest = box[2] - labels - round(figure) - px(36)
    slack = box[3] - pitch * count
    return _Grid(
        (box[0], box[1] + max(0, min(slack // 2, px(60))), box[2], box[3]),
        pitch,
        thick,
        max(2 * thick, longest) & ~1,
        labels,
        mirrored,
    )


def _head(pitch: int) -> int:
    """Return how much of a row its label takes, where that stands above the bar."""
    return round(pitch * 0.4)


def _length(shot: BarsShot, bar: Bar, grid: _Grid) -> int:
    """Return a bar's length: proportional from zero, but never less than a dot."""
    most = max(bar.value for bar in shot.bars) or 1.0
    return max(grid.thick, round(grid.longest * bar.value / most)) & ~1


@dataclass(frozen=True, slots=True)
class _Row:
    """One bar: which of them it is, its length, its figure, and when it grows."""

    number: int
    bar: Bar
    length: int
    figure: Setting
    late: int


def _row(setter: Setter, grid: _Grid, row: _Row) -> list[Part]:
    """Return a row's label and track, which are there at once, its bar and its figure."""
    x, y, width, _ = grid.box
    top = y + row.number * grid.pitch
    bar_top = (top + ((grid.pitch - grid.thick) // 2 if grid.labels else _head(grid.pitch))) & ~1
    ground, early = setter.ground, setter.frames(0.1 * row.number)
    longest = row.length >= grid.longest - 2
    colour: Rgb = ground.strong if longest else mix(ground.strong, ground.top, 0.3)
    track = mix(ground.text, ground.top, 0.84)
    pieces = _label(setter, grid, row, bar_top)
    for length, tone, delay in ((grid.longest, track, early), (row.length, colour, row.late)):
        mask = rounded(length, grid.thick, setter.px(14))
        how: How = "grow left" if grid.mirrored else "grow"
        pieces.append(setter.form(mask, tone, (x + grid.labels, bar_top), delay, how))
    style = row.figure.style
    baseline = bar_top + grid.thick // 2 + round(style.size * CAPITALS / 2)
    at = (x + grid.labels + grid.longest + setter.px(28), baseline)
    late = row.late + setter.frames(0.2)
    pieces.append(setter.on_baseline(row.figure.lines[0], style, ground.text, at, late))
    return [flipped(piece, x, width) if grid.mirrored else piece for piece in pieces]


def _label(setter: Setter, grid: _Grid, row: _Row, bar_top: int) -> list[Piece]:
    """Return a bar's label, beside it or above it."""
    if not row.bar.label:
        return []
    x, _, width, _ = grid.box
    room = grid.labels - setter.px(28) if grid.labels else width
    above = min(46, round(_head(grid.pitch) * 0.72 / setter.layout.scale))
    label = setter.one(row.bar.label, BOLD, 46 if grid.labels else above, room)
    baseline = bar_top - round(_head(grid.pitch) * 0.28)
    if grid.labels:
        baseline = bar_top + grid.thick // 2 + round(label.style.size * CAPITALS / 2)
    early = setter.frames(0.1 * row.number)
    colour = setter.ground.text
    return [setter.on_baseline(label.lines[0], label.style, colour, (x, baseline), early)]
