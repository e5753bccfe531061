import numpy as np
import pytest

from bookai.film.shots import NumberShot
from tests.tools.render.cards.stage import dealt
from tools.render.cards import Piece
from tools.render.cards.numbers import Counter, counting


@pytest.mark.parametrize(
    ("shown", "before_last"),
    [
        ("27", "26"),
        ("27 %", "26 %"),
        ("1,234,567", "1,234,053"),
        ("1.234,50", "1.233,99"),
        ("$2.90", "$2.90"),
        ("2035", "2034"),
        ("\u0662\u0667", "\u0662\u0666"),
    ],
)
def test_a_figure_counts_up_to_itself_in_its_own_writing(shown: str, before_last: str) -> None:
    values = counting(shown)

    assert values[-1] == shown
    assert len(values) <= 7
    assert {"".join(c for c in value if not c.isdecimal()) for value in values[-2:]} == {
        "".join(c for c in shown if not c.isdecimal())
    }
    assert before_last in values


@pytest.mark.parametrize("shown", ["0", "2", "3\u5104 5000\u4e07", "5 to 7", "none"])
def test_what_is_no_single_figure_stands_still(shown: str) -> None:
    assert counting(shown) == (shown,)


@pytest.mark.parametrize(
    ("shown", "since", "first"),
    [
        ("52 %", "71 %", "71 %"),
        ("71 %", "52 %", "52 %"),
        ("8 %", "71 %", "8 %"),
        ("3.5", "2.5", "2.5"),
        ("2", "1", "1"),
    ],
)
def test_a_figure_that_changed_counts_from_what_it_was(shown: str, since: str, first: str) -> None:
    values = counting(shown, since)

    assert (values[0], values[-1]) == (first, shown)


def test_a_figure_below_zero_counts_with_its_sign() -> None:
    assert {value[0] for value in counting("\u2013$5")} == {"\u2013"}


def test_a_number_is_the_largest_thing_on_its_card() -> None:
    number, label = dealt(NumberShot(value="27", label="leap seconds")).parts

    assert isinstance(number, Counter)
    assert isinstance(label, Piece)
    assert number.values[-1].sprite.height > 2 * label.sprite.height


def test_the_figure_is_there_within_a_second() -> None:
    card = dealt(NumberShot(value="1,234,567", lead="more than", unit="people"))

    assert card.settled < 30


def test_letters_that_hang_low_stay_off_the_figure_below() -> None:
    shot = NumberShot(value="2018", lead="\u0641\u064a \u0639\u0627\u0645")
    lead, figure = dealt(shot).parts

    assert isinstance(lead, Piece)
    assert isinstance(figure, Counter)
    assert lowest(lead) < highest(figure.values[-1])


def lowest(piece: Piece) -> int:
    return piece.y + int(np.flatnonzero((piece.sprite.luma_keep < 200).any(1))[-1])


def highest(piece: Piece) -> int:
    return piece.y + int(np.flatnonzero((piece.sprite.luma_keep < 200).any(1))[0])
