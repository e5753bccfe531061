import numpy as np
import pytest

from bookai.errors import Refused
from tools.render.brand import PALETTES
from tools.render.cards import Card, Setter
from tools.render.layout import Box, Layout, Size
from tools.render.sprites import Frame
from tools.render.text.accents import Number, Quote
from tools.render.typography import Typeface

LAYOUT = Layout(Size())
GROUND = PALETTES[1].ground("colour")
SETTER = Setter(LAYOUT, Typeface(), GROUND)
SHORT = Setter(LAYOUT, Typeface(), GROUND, stage=LAYOUT.short_stage)
LONG = "A very long name that goes on and on and never seems to end, " * 6


def ink(card: Card, n: int = 1000, leaving: int = 0) -> Frame:
    frame = Frame(1080, 1920)
    card.draw(frame, n, leaving)
    return frame


def assert_inside(frame: Frame, box: Box) -> None:
    rows, columns = np.flatnonzero(frame.y.any(1)), np.flatnonzero(frame.y.any(0))
    assert box[0] - 2 <= columns[0]
    assert columns[-1] < box[0] + box[2] + 2
    assert box[1] <= rows[0]
    assert rows[-1] < box[1] + box[3]


@pytest.mark.parametrize(
    "card",
    [
        SETTER.title("Clocks", "BookAI Studio"),
        SETTER.title("Pneumonoultramicroscopicsilicovolcanoconiosis " * 5, LONG),
        SETTER.number(Number("27", "", "", "leap seconds", 0)),
        SETTER.number(Number("$1,234,567.89", "Milliarden", "no later than", "W" * 24, 0)),
        SETTER.number(Number("2035", "", "by", "", 0)),
        SETTER.quote(Quote("Time is what a clock says.", "Someone Else")),
        SETTER.quote(Quote(LONG[:210], LONG[:40])),
        SETTER.phrase("Earth\u2019s rotation"),
        SETTER.phrase("W" * 44),
        SETTER.end(LONG, LONG),
    ],
)
def test_every_card_stays_on_the_stage(card: Card) -> None:
    assert_inside(ink(card), LAYOUT.stage)


def test_the_end_card_leaves_room_for_the_disclosure() -> None:
    assert_inside(ink(SHORT.end(LONG, LONG)), LAYOUT.short_stage)


def test_a_disclosure_stands_still_in_its_box_from_its_first_frame() -> None:
    card = SHORT.notice("Advert: we earn a commission when you buy through our link.")

    first = ink(card, 0)

    assert_inside(first, LAYOUT.notice)
    assert np.array_equal(first.buffer, ink(card, 50).buffer)


def test_a_disclosure_is_refused_rather_than_cut() -> None:
    with pytest.raises(Refused, match="shorten it"):
        SHORT.notice(LONG)


def test_a_card_moves_in_and_goes_out_again() -> None:
    card = SETTER.phrase("Atomic time")

    amounts = [int(np.count_nonzero(ink(card, n).y)) for n in (0, 4, 30)]
    gone = ink(card, 60, leaving=7)

    assert amounts[0] < amounts[1] < amounts[2]
    assert not gone.y.any()


def test_a_number_is_the_largest_thing_on_its_card() -> None:
    number, label = SETTER.number(Number("27", "", "", "leap seconds", 0)).pieces

    assert number.sprite.height > 3 * label.sprite.height
    assert number.y < label.y
