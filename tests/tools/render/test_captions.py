from pathlib import Path

import numpy as np
import pytest

from tools.render.brand import PALETTES
from tools.render.captions import Captions
from tools.render.layout import Layout, Size
from tools.render.sprites import Frame, yuv
from tools.render.text.align import Shown
from tools.render.typography import Typeface

LAYOUT = Layout(Size())
GROUND = PALETTES[0].ground("night")
ARABIC_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf")

NASTY = [
    "W" * 10_000,
    "100% 'fine': C:\\temp\\new {x} %d & <b>bold</b>",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft now",
    "i i i i i i i i i i i i i i i i",
    "$1,234,567,890.50 extraordinarily-long-compound-nouns-without-an-end-in-sight",
    "Ǻŷjģ|ÇỘ under and over",
]


def shown(text: str, word_s: float = 0.5) -> list[Shown]:
    return [Shown(part, 0, word_s * k, word_s * (k + 1), -1) for k, part in enumerate(text.split())]


def inked(frame: Frame) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of everything that is not the empty frame."""
    rows, columns = np.flatnonzero(frame.y.any(1)), np.flatnonzero(frame.y.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def pill_centre(frame: Frame) -> tuple[float, float]:
    """Return where the active word's pill is."""
    y, u, v = (round(value) for value in yuv(GROUND.pill))
    close = abs(frame.y[::2, ::2].astype(int) - y) < 6
    close &= (abs(frame.u.astype(int) - u) < 6) & (abs(frame.v.astype(int) - v) < 6)
    rows, columns = np.nonzero(close)
    assert len(rows) > 200, "there is no pill"
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("text", NASTY, ids=lambda text: text[:12])
def test_captions_stay_in_their_box_whatever_is_said(text: str) -> None:
    captions = Captions(LAYOUT, Typeface(), GROUND, shown(text))
    left, top, width, height = LAYOUT.captions

    for start in captions.starts:
        frame = Frame(1080, 1920)
        captions.draw(frame, start + 5)
        box = inked(frame)
        assert box[0] >= left
        assert box[1] >= top
        assert box[2] < left + width
        assert box[3] < top + height


def test_the_caption_box_is_clear_of_what_platforms_cover_and_of_every_card() -> None:
    x, y, width, height = LAYOUT.captions

    assert (x >= 60, y >= 220, x + width <= 1080 - 140, y + height <= 1920 - 420) == (True,) * 4
    for box in (LAYOUT.header, LAYOUT.stage, LAYOUT.short_stage, LAYOUT.notice):
        assert box[1] + box[3] <= y
    assert LAYOUT.short_stage[1] + LAYOUT.short_stage[3] <= LAYOUT.notice[1]


def test_the_active_word_moves_from_word_to_word() -> None:
    captions = Captions(LAYOUT, Typeface(), GROUND, shown("one two six"))
    centres = []
    for n in (5, 20, 35):
        frame = Frame(1080, 1920)
        captions.draw(frame, n)
        centres.append(pill_centre(frame))

    assert centres[0][0] + 40 < centres[1][0]
    assert centres[1][0] + 40 < centres[2][0]


def test_no_word_is_active_long_after_it_was_spoken() -> None:
    captions = Captions(LAYOUT, Typeface(), GROUND, shown("one two"))
    frame = Frame(1080, 1920)

    captions.draw(frame, 60)

    with pytest.raises(AssertionError, match="no pill"):
        pill_centre(frame)


@pytest.mark.skipif(not ARABIC_FONT.exists(), reason="needs a font with Arabic letters")
def test_right_to_left_words_are_spoken_from_the_right() -> None:
    face = Typeface(str(ARABIC_FONT))
    captions = Captions(LAYOUT, face, GROUND, shown("عام جديد 1972."))
    centres = []
    for n in (5, 20, 35):
        frame = Frame(1080, 1920)
        captions.draw(frame, n)
        centres.append(pill_centre(frame)[0])

    assert centres[0] > centres[1] > centres[2]
    assert inked(frame)[2] > 800
