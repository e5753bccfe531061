"""One small stage for tests of cards: what is drawn, and where its ink is."""

from collections.abc import Callable, Mapping

import numpy as np

from bookai.film.shots import Shot
from tools.render.brand import PALETTES
from tools.render.cards import Card, Occasion, Setter, deal
from tools.render.cards.panels import Still, Strip
from tools.render.layout import Box, Layout, Size
from tools.render.sprites import Frame
from tools.render.typography import Typeface

TALL = Layout(Size(width=360, height=640))
SQUARE = Layout(Size(width=360, height=360))
WIDE = Layout(Size(width=640, height=360))
FORMATS = (TALL, SQUARE, WIDE)
GROUND = PALETTES[1].ground("colour")
FACE = Typeface()
LATE = 100_000
LONG = "A very long name that goes on and on and never seems to end, " * 6


def dealt(
    shot: Shot,
    layout: Layout = TALL,
    *,
    when: Callable[[int], int] = lambda at: at,
    pictures: Mapping[int, Still | Strip] | None = None,
    brand: str = "BookAI Studio",
    thanks: str = "Photo: A. Person, CC BY 4.0",
    logo: str = "",
    short: bool = False,
) -> Card:
    stage = layout.short_stage if short else layout.stage
    occasion = Occasion(
        title="Clocks",
        brand=brand,
        credit="Source: Wikinews",
        when=when,
        frames=90,
        pictures=pictures or {},
        credits={0: thanks},
        logo=logo,
    )
    return deal(Setter(layout, FACE, GROUND, stage=stage), shot, occasion)


def ink(card: Card, layout: Layout = TALL, n: int = LATE, leaving: int = 0) -> Frame:
    """Return a card on black: luma below 16 is no picture's own, so that all ink is seen."""
    frame = Frame(layout.size.width, layout.size.height)
    card.draw(frame, n, leaving)
    return frame


def assert_inside(frame: Frame, box: Box) -> None:
    rows, columns = np.flatnonzero(frame.y.any(1)), np.flatnonzero(frame.y.any(0))
    assert rows.size, "nothing is drawn"
    assert box[0] - 2 <= columns[0]
    assert columns[-1] < box[0] + box[2] + 2
    assert box[1] - 2 <= rows[0]
    assert rows[-1] < box[1] + box[3] + 2
