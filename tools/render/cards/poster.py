"""The thumbnail: the film's strongest shot, composed to be read at 160 pixels' width."""

from collections.abc import Sequence
from typing import Protocol

from bookai.film.shots import NumberShot, QuoteShot, Shot, ShotRow, TitleShot
from tools.render.background import Backdrop
from tools.render.brand import GroundName, Palette, seed
from tools.render.cards.card import Card, Part, Piece, flipped
from tools.render.cards.marks import emblem
from tools.render.cards.setter import CAPITALS, Setter, Where
from tools.render.layout import Layout
from tools.render.sprites import Frame
from tools.render.typography import BLACK, BOLD, Typeface

LATE = 1 << 20  # everything has arrived
STRONG = 0.62  # a shot of less than this score says less than the title
MOST_QUOTE_CHARS = 70


class Words(Protocol):
    """The film's title and who speaks, ready to set."""

    @property
    def title(self) -> str:
        """The title."""

    @property
    def brand(self) -> str:
        """The brand."""


def draw_thumbnail(
    layout: Layout,
    face: Typeface,
    palette: Palette,
    words: Words,
    rows: Sequence[ShotRow] = (),
) -> Frame:
    """Return the thumbnail: a number or a short quotation where there is a strong one, the title.

    Raises:
        Refused: the font lacks letters of it.
    """
    shot = strongest(rows)
    name: GroundName = "accent" if isinstance(shot, NumberShot) else "colour"
    ground = palette.ground(name)
    frame = Frame(layout.size.width, layout.size.height)
    backdrop = Backdrop(layout, ground, seed(words.title), 0, seed(words.title))
    backdrop.draw(frame, LATE)
    setter = Setter(layout, face, ground, stage=layout.poster)
    _composed(setter, shot, words).draw(frame, LATE)
    return frame


def strongest(rows: Sequence[ShotRow]) -> Shot:
    """Return what the thumbnail shows: the best number or short quotation, else the title."""
    best: Shot = TitleShot(title="")
    score = STRONG
    for row in rows:
        shot = row.chosen.shot
        short = isinstance(shot, QuoteShot) and len(shot.text) <= MOST_QUOTE_CHARS
        whole = isinstance(shot, NumberShot) and not _of_two(shot)
        if (whole or short) and row.chosen.score > score:
            best, score = shot, row.chosen.score
    return best


def _of_two(shot: NumberShot) -> bool:
    """Tell whether a number may be one end of a range ("from 45 % to 60 %"): alone it says less."""
    return not shot.since and any(char.isdigit() for char in shot.lead)


def _composed(setter: Setter, shot: Shot, words: Words) -> Card:
    clean = setter.face.clean
    title, brand = clean(words.title), clean(words.brand)
    match shot:
        case NumberShot():
            return _number(
                setter, (clean(shot.value), clean(shot.unit or shot.label)), title, brand
            )
        case QuoteShot():
            return _large(setter, f"“{clean(shot.text)}”", brand)
        case _:
            return _large(setter, title, brand)


def _large(setter: Setter, text: str, brand: str) -> Card:
    """Set one text as large as it gets, the brand over it."""
    width, height = setter.stage[2:]
    ground = setter.ground
    head = setter.px(150)
    setting = setter.fit(text, BLACK, (width, height - head), (300, 72), 1.0)
    where = setter.where(text)
    low = max(0, height - head - setter.height(setting, 1.0))
    body = where.below(head + (low // 2 if height > width else low))
    parts: list[Part] = [*_brand(setter, brand, where)]
    parts += setter.block(setting, body, 1.0, colours=(ground.text, ground.strong))
    return Card(parts)


def _number(setter: Setter, figure: tuple[str, str], title: str, brand: str) -> Card:
    """Set a figure over the picture's whole width, its unit, and the title where it has room."""
    width, height = setter.stage[2:]
    px, ground = setter.px, setter.ground
    value, unit = figure
    where = setter.where(title)
    head = px(140)
    room = height - head
    most = round(room * (0.42 if height > width else 0.62) / CAPITALS / setter.layout.scale)
    big = setter.one(value, BLACK, min(620, most), width)
    line = setter.one(unit, BLACK, 150, width) if unit else None
    used = round(big.style.size * CAPITALS) + px(40)
    used += round(line.style.size * CAPITALS) + px(56) if line else px(20)
    rest = setter.fit(title, BOLD, (width, room - used - px(50)), (120, 56), 1.06)
    titled = room - used > px(180) and not rest.lines[-1].endswith("…")
    tall = used + (px(50) + setter.height(rest, 1.06) if titled else 0)
    top = where.y + head + max(0, (room - tall) // 2)
    parts: list[Part] = [*_brand(setter, brand, where)]
    baseline = top + round(big.style.size * CAPITALS)
    for setting, colour in ((big, ground.strong), (line, ground.text)):
        if setting is None:
            continue
        if setting is line:
            baseline += px(40) + round(setting.style.size * CAPITALS)
        piece = setter.on_baseline(setting.lines[0], setting.style, colour, (where.x, baseline))
        parts.append(flipped(piece, where.x, width) if where.mirrored else piece)
    if titled:
        parts.append(setter.rule(where.below(top - where.y + used), 0, 160))
        parts += setter.block(rest, where.below(top - where.y + used + px(44)), 1.06)
    return Card(parts)


def _brand(setter: Setter, brand: str, where: Where) -> list[Part]:
    """Return the studio's mark and the brand at the top of the picture."""
    px, ground = setter.px, setter.ground
    top = setter.stage[1]
    mark = emblem(px(84) & ~1, ground.strong, ground.text)
    row = Where(where.x, top, where.width, where.mirrored)
    parts: list[Part] = [Piece(mark, row.place(mark.width), top & ~1, setter.pace)]
    name = setter.one(brand or " ", BOLD, 56, where.width - mark.width - px(28))
    inside = row.below(px(14), inset=mark.width + px(28))
    parts += setter.block(name, inside, 1.0)
    return parts
