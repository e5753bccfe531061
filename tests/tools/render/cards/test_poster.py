from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bookai.errors import OperatorNeeded
from bookai.film.shots import Candidate, EndShot, NumberShot, QuoteShot, Shot, ShotRow, TitleShot
from tests.tools.render.cards.stage import FACE, FORMATS, TALL, dealt, ink
from tools.render.brand import PALETTES
from tools.render.cards import draw_thumbnail
from tools.render.cards.poster import strongest
from tools.render.layout import Layout


@dataclass(frozen=True)
class Words:
    title: str = "Clocks may lose a second"
    brand: str = "BookAI Studio"


def row(shot: Shot, score: float) -> ShotRow:
    return ShotRow(line=0, sentence="", chosen=Candidate(shot=shot, score=score, why=""))


def test_the_thumbnail_shows_the_strongest_number_or_short_quotation_else_the_title() -> None:
    number, quote = NumberShot(value="27"), QuoteShot(text="It breaks.")

    assert strongest([row(number, 0.7), row(quote, 0.9)]) == quote
    assert strongest([row(number, 0.7), row(QuoteShot(text="long " * 40), 0.9)]) == number
    assert strongest([row(number, 0.3)]) == TitleShot(title="")


def test_the_thumbnail_shows_no_half_of_a_range() -> None:
    end = NumberShot(value="60 %", lead="from 45 % to")
    result = NumberShot(value="52 %", lead="from 71 % to", since="71 %")

    assert strongest([row(end, 0.9)]) == TitleShot(title="")
    assert strongest([row(end, 0.9), row(result, 0.8)]) == result


@pytest.mark.parametrize("layout", FORMATS, ids=lambda layout: str(layout.form))
@pytest.mark.parametrize("shot", [TitleShot(title=""), NumberShot(value="27", unit="million")])
def test_a_thumbnail_can_be_read_at_160_pixels(layout: Layout, shot: Shot) -> None:
    frame = draw_thumbnail(layout, FACE, PALETTES[0], Words(), [row(shot, 0.9)])

    small = Image.fromarray(frame.y).resize(
        (160, 160 * frame.y.shape[0] // frame.y.shape[1]), Image.Resampling.BOX
    )
    tones = np.asarray(small, np.float64)
    # Letters that had melted into the ground would have tones of their own no more.
    ground = np.median(tones)
    inked = np.abs(tones - ground) > 90
    assert 0.04 < inked.mean() < 0.5


def test_the_end_card_carries_the_channels_logo(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    image = Image.new("RGBA", (400, 200))
    image.paste((255, 0, 0, 255), (100, 50, 300, 150))
    image.save(path)

    card = dealt(EndShot(), logo=str(path))

    x, y = TALL.stage[0], TALL.stage[1]
    assert ink(card).v[y // 2 + 12, x // 2 + 8] > 200


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>"])
def test_a_logo_that_is_no_png_is_told_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(content)

    with pytest.raises(OperatorNeeded, match="cannot be used") as caught:
        dealt(EndShot(), logo=str(path))
    assert "PNG" in caught.value.mend
