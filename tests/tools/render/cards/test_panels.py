from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.card_sheet.shots import Photograph
from bookai.errors import Refused
from bookai.film.shots import ClipShot, ImageShot
from tests.tools.render.cards.stage import FORMATS, LONG, TALL, assert_inside, dealt, ink
from tools.render.cards.panels import BLOCK
from tools.render.engine.run import thanks
from tools.render.layout import Layout, Size
from tools.render.sprites import Frame


class Counting:
    """A clip whose frames are as bright as their number; it counts how often it was opened."""

    def __init__(self) -> None:
        self.opened = 0

    def strip(self, size: tuple[int, int], fps: int, start_s: float) -> Iterator[Frame]:
        self.opened += 1
        for number in range(100):
            frame = Frame(*size)
            frame.y[...] = 20 + number
            yield frame


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
def test_a_panel_lies_on_macroblocks_and_moves_as_it_says(layout: Layout) -> None:
    card = dealt(ImageShot(media=0), layout, pictures={0: Photograph(0)})

    motion = card.motion(40)

    assert motion is not None
    (right, down), (left, top, end, foot) = motion
    x, y, w, h = (edge * BLOCK for edge in (left, top, end - left, foot - top))
    now, before = ink(card, layout, 40), ink(card, layout, 39)
    inner = now.y[y + 4 : y + h - 4, x + 4 : x + w - 4]
    moved = before.y[y + 4 - down : y + h - 4 - down, x + 4 - right : x + w - 4 - right]
    assert np.array_equal(inner, moved)


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
def test_a_panel_drawn_over_itself_is_the_whole_card_drawn_anew(layout: Layout) -> None:
    card = dealt(ImageShot(media=0, caption="Hills"), layout, pictures={0: Photograph(0)})
    over = ink(card, layout, 50)

    for n in (51, 53, 60):
        assert card.only_travels(n, 50)
        card.draw_panel(over, n)
        assert np.array_equal(over.buffer, ink(card, layout, n).buffer)
    assert not card.only_travels(50, 5), "it was not open then"


def test_while_anything_else_moves_it_is_no_even_move() -> None:
    card = dealt(ImageShot(media=0, caption="Hills"), pictures={0: Photograph(0)})

    assert card.motion(5) is None
    assert card.motion(15) is None
    assert card.motion(60) is not None


def test_at_sixty_frames_a_second_a_picture_moves_every_other_frame() -> None:
    layout = Layout(Size(width=360, height=640, fps=60))
    card = dealt(ImageShot(media=0), layout, pictures={0: Photograph(0)})

    moves = [card.motion(n) is not None for n in range(60, 70)]

    assert moves.count(True) == 5


def test_a_clip_shows_its_frames_in_order_and_again_when_asked() -> None:
    clip = Counting()
    card = dealt(ClipShot(media=0), pictures={0: clip})

    tones = [int(ink(card, n=n).y[200, 180]) for n in (30, 31, 31, 40, 33)]

    assert tones == [50, 51, 51, 60, 53]
    assert clip.opened == 2


def test_captions_and_credits_stand_below_the_panel() -> None:
    bare = dealt(ImageShot(media=1), pictures={1: Photograph(1)})
    told = dealt(ImageShot(media=0, caption="Hills"), pictures={0: Photograph(0)})

    lower = TALL.stage[1] + TALL.stage[3] * 85 // 100
    assert ink(bare).y[lower - 20 : lower].any()
    assert len(told.parts) > len(bare.parts)


OWED = "Photo: Anna Maria Persson-Lindqvist, Museum of Clocks · CC BY-SA 4.0 International"


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
@pytest.mark.parametrize("caption", ["", "Hills in the mist"])
def test_a_credit_and_its_licence_are_shown_whole(layout: Layout, caption: str) -> None:
    shot = ImageShot(media=0, caption=caption)
    short, long = (
        dealt(shot, layout, pictures={0: Photograph(0)}, thanks=owed) for owed in ("CC0", OWED)
    )

    assert len(short.parts) < len(long.parts) <= len(short.parts) + 2
    assert_inside(ink(long, layout), layout.stage)


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
@pytest.mark.parametrize("shot", [ImageShot(media=0), ClipShot(media=0)])
def test_a_credit_that_does_not_fit_whole_is_refused(
    layout: Layout, shot: ImageShot | ClipShot
) -> None:
    pictures = {0: Photograph(0) if isinstance(shot, ImageShot) else Counting()}

    with pytest.raises(Refused, match=r"medium 0 have \d+ characters.*shorten"):
        dealt(shot, layout, pictures=pictures, thanks=LONG)


@pytest.mark.parametrize(
    ("credit", "licence", "line"),
    [
        ("A. Person", "CC BY 4.0", "A. Person · CC BY 4.0"),
        ("A. Person, CC BY 4.0", "cc by 4.0", "A. Person, CC BY 4.0"),
        ("", "CC BY 4.0", "CC BY 4.0"),
        ("", "Own work", ""),
        ("", "eigenes Werk ", ""),
        ("A. Person", "own work", "A. Person · own work"),
    ],
)
def test_what_is_owed_is_said_once(credit: str, licence: str, line: str) -> None:
    assert thanks(credit, licence) == line
