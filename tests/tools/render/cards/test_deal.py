from collections.abc import Hashable

import numpy as np
import pytest

from benchmarks.card_sheet.shots import ARABIC, ENGLISH, JAPANESE, Photograph
from bookai.errors import Refused
from bookai.film.shots import (
    Bar,
    BarsShot,
    ChartShot,
    ClipShot,
    DefinitionShot,
    EndShot,
    Event,
    ImageShot,
    Item,
    ListShot,
    NumberShot,
    PhraseShot,
    PlaceShot,
    Point,
    QuoteShot,
    Shot,
    TimelineShot,
    TitleShot,
)
from tests.tools.render.cards.stage import (
    FACE,
    FORMATS,
    GROUND,
    LATE,
    LONG,
    TALL,
    assert_inside,
    dealt,
    ink,
)
from tools.render.cards import Piece, Setter
from tools.render.layout import Layout, Size

PICTURES = {0: Photograph(0), 1: Photograph(1)}
CROWDED: tuple[Shot, ...] = (
    TitleShot(title="Pneumonoultramicroscopicsilicovolcanoconiosis " * 5),
    NumberShot(value="$1,234,567.89", unit="Milliarden", lead="no later than", label="W" * 24),
    NumberShot(value="1 234 567", unit="of two words", label=LONG),
    BarsShot(
        title=LONG,
        unit="%",
        bars=tuple(Bar(label=LONG, value=k, shown="1,234,567 m") for k in range(5)),
    ),
    BarsShot(bars=(Bar(label="", value=0, shown="0"), Bar(label="", value=0, shown="0"))),
    ChartShot(
        title=LONG,
        unit=LONG,
        points=tuple(Point(label="December 2024", value=k % 3, shown="1,234") for k in range(12)),
    ),
    ChartShot(points=tuple(Point(label="x", value=-5.0, shown="-5") for _ in range(3))),
    TimelineShot(events=tuple(Event(when="12 December 2024", what=LONG) for _ in range(5))),
    ListShot(title=LONG, items=tuple(Item(text=LONG) for _ in range(6))),
    QuoteShot(text=LONG[:210], who=LONG),
    DefinitionShot(term=LONG, meaning=LONG),
    PlaceShot(place=LONG, detail=LONG),
    PhraseShot(text="W" * 44),
    ImageShot(media=0, caption=LONG),
    ClipShot(media=1, caption=LONG),
    EndShot(),
)


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
@pytest.mark.parametrize("shot", ENGLISH, ids=lambda shot: str(shot.kind))
def test_every_card_stays_on_the_stage_of_every_format(shot: Shot, layout: Layout) -> None:
    assert_inside(ink(dealt(shot, layout, pictures=PICTURES), layout), layout.stage)


@pytest.mark.parametrize("shot", [*ARABIC, *JAPANESE], ids=lambda shot: str(shot.kind))
def test_so_it_does_in_scripts_that_read_otherwise(shot: Shot) -> None:
    assert_inside(ink(dealt(shot, pictures=PICTURES)), TALL.stage)


def test_arabic_is_set_from_the_right() -> None:
    picture = ink(dealt(PhraseShot(text="\u0627\u0644\u0623\u0631\u0636")))

    columns = np.flatnonzero(picture.y.any(0))
    x, _, width, _ = TALL.stage
    assert columns[-1] > x + width - 8


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
@pytest.mark.parametrize("shot", CROWDED, ids=lambda shot: str(shot.kind))
def test_however_much_it_has_to_hold_and_above_the_disclosure(shot: Shot, layout: Layout) -> None:
    card = dealt(shot, layout, pictures=PICTURES, brand=LONG, short=True)

    assert_inside(ink(card, layout), layout.short_stage)


@pytest.mark.parametrize("shot", ENGLISH, ids=lambda shot: str(shot.kind))
def test_equal_states_are_equal_pictures_and_a_settled_card_changes_no_more(shot: Shot) -> None:
    card = dealt(shot, pictures=PICTURES)

    pictures: dict[Hashable, bytes] = {}
    for n in range(card.settled + 2):
        drawn = ink(card, n=n).buffer.tobytes()
        assert pictures.setdefault(card.state(n), drawn) == drawn
    assert card.state(card.settled) == card.state(LATE)
    assert card.settled == 0 or card.state(card.settled - 1) != card.state(card.settled)


@pytest.mark.parametrize("shot", ENGLISH, ids=lambda shot: str(shot.kind))
def test_a_card_comes_moving_and_goes_wholly(shot: Shot) -> None:
    card = dealt(shot, pictures=PICTURES)

    assert len({card.state(n) for n in range(12)}) > 6
    assert not ink(card, leaving=7).y.any()


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_a_card_takes_as_long_at_every_frame_rate(fps: int) -> None:
    layout = Layout(Size(width=360, height=640, fps=fps))

    card = dealt(PhraseShot(text="Atomic time"), layout)

    assert 0.2 < card.settled / fps < 0.75


def test_what_is_listed_comes_when_it_is_spoken() -> None:
    shot = ListShot(items=(Item(text="Power", at=0), Item(text="Satellites", at=40)))
    card = dealt(shot)

    before, after = ink(card, n=39), ink(card, n=80)

    assert np.count_nonzero(after.y) > 1.5 * np.count_nonzero(before.y)
    assert card.state(30) == card.state(39)


def test_bars_are_as_long_as_their_figures() -> None:
    shot = BarsShot(
        bars=(Bar(label="a", value=20, shown="20"), Bar(label="b", value=40, shown="40"))
    )
    card = dealt(shot)

    pieces = [part for part in card.parts if isinstance(part, Piece) and part.how == "grow"]

    lengths = sorted(piece.sprite.width for piece in pieces)
    assert lengths[0] == pytest.approx(lengths[-1] / 2, abs=2)


def test_a_missing_picture_is_refused_with_what_there_is() -> None:
    with pytest.raises(Refused, match=r"no picture number 3 \(opened: 0, 1\)"):
        dealt(ImageShot(media=3), pictures=PICTURES)


def test_a_disclosure_stands_still_in_its_box_from_its_first_frame() -> None:
    for layout in FORMATS:
        card = Setter(layout, FACE, GROUND).notice("Advert: we earn a commission when you buy.")

        first = ink(card, layout, 0)

        assert_inside(first, layout.notice)
        assert np.array_equal(first.buffer, ink(card, layout, 50).buffer)


def test_a_disclosure_is_refused_rather_than_cut() -> None:
    with pytest.raises(Refused, match="shorten it"):
        Setter(TALL, FACE, GROUND).notice(LONG)
