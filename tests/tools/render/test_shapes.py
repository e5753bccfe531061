"""Forms are laid as a sprite of the same mask is, byte for byte, wherever they stand."""

import numpy as np
import pytest

from tools.render.shapes import Arrival, capsule, disc, halftone, quarter, ring, rings
from tools.render.sprites import Frame, Mask, paint, shifted

COLOUR = (200, 60, 20)
MASKS = {
    "disc": disc(70),
    "ring": ring(60, 6),
    "rings": rings(90, 12),
    "bar": capsule(161, 34),
    "quarter": quarter(55, 1),
    "dots": halftone(4, 5, 20),
}
PLACES = ((20, 30), (21, 30), (20, 31), (33, 7), (-41, -55), (151, 140), (-900, 3), (4, 900))


def grained() -> Frame:
    frame = Frame(200, 180)
    frame.buffer[...] = np.random.default_rng(1).integers(16, 235, frame.buffer.shape)
    return frame


def painted(mask: Mask, at: tuple[int, int]) -> Frame:
    frame = grained()
    paint([(shifted(mask, at[0] & 1, at[1] & 1), COLOUR)]).draw(frame, *at)
    return frame


@pytest.mark.parametrize("trimmed", [False, True])
@pytest.mark.parametrize("name", MASKS)
def test_a_form_is_the_same_picture_at_every_place(name: str, trimmed: bool) -> None:
    form = Arrival(MASKS[name], COLOUR, (0, 0))
    if trimmed:
        form.trim(PLACES, (200, 180))

    for at in PLACES:
        frame = grained()
        form.draw(frame, at)

        assert np.array_equal(frame.buffer, painted(MASKS[name], at).buffer), at


def test_what_no_picture_shows_of_a_form_is_dropped() -> None:
    form = Arrival(disc(70), COLOUR, (0, 0))

    form.trim({(-100, 150), (-90, 150)}, (200, 180))

    assert form.mask.shape == (30, 52)


def test_round_forms_are_as_wide_as_high_and_the_same_from_all_sides() -> None:
    for mask in (disc(33), ring(31, 7), rings(77, 9)):
        assert mask.shape[0] == mask.shape[1]
        assert np.array_equal(mask, mask[::-1])
        assert np.array_equal(mask, mask.T)
