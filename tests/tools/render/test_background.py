from itertools import pairwise

import numpy as np
import pytest

from tools.render.background import COMPOSITIONS, Backdrop
from tools.render.brand import PALETTES
from tools.render.layout import Layout, Size
from tools.render.sprites import Frame

SIZES = ((360, 640), (360, 360), (640, 360))
GROUND = PALETTES[0].ground("colour")


def drawn(backdrop: Backdrop, layout: Layout, n: int) -> Frame:
    frame = Frame(layout.size.width, layout.size.height)
    backdrop.draw(frame, n)
    return frame


@pytest.mark.parametrize("kind", range(len(COMPOSITIONS)))
@pytest.mark.parametrize("size", SIZES)
def test_forms_come_in_and_rest_within_a_second(size: tuple[int, int], kind: int) -> None:
    layout = Layout(Size(width=size[0], height=size[1]))
    backdrop = Backdrop(layout, GROUND, kind, 0, 1)

    assert 0 < backdrop.settled <= 30
    assert len({backdrop.state(n) for n in range(31)}) > 5
    rest = drawn(backdrop, layout, backdrop.settled)
    assert np.array_equal(rest.buffer, drawn(backdrop, layout, 500).buffer)
    assert backdrop.state(backdrop.settled - 1) != backdrop.state(backdrop.settled)


def test_strong_forms_leave_the_stage_before_its_card_comes() -> None:
    layout = Layout(Size(width=360, height=640))
    backdrop = Backdrop(layout, GROUND, 0, 60, 1)

    x, y, width, height = layout.stage
    stage = (slice(y, y + height), slice(x, x + width))
    standing = drawn(backdrop, layout, 40).y[stage]
    cleared = drawn(backdrop, layout, backdrop.settled).y[stage]

    assert standing.max() > 150
    assert cleared.max() < 120
    assert backdrop.settled > 60


def test_the_same_scene_has_the_same_pixels_at_every_size_class() -> None:
    layout = Layout(Size(width=360, height=640))

    one, other = (drawn(Backdrop(layout, GROUND, 3, 0, 7), layout, 10) for _ in range(2))

    assert one.buffer.tobytes() == other.buffer.tobytes()


@pytest.mark.parametrize("size", [(1080, 1920), (1080, 1080), (1920, 1080), (1080, 1350)])
def test_boxes_of_every_format_are_apart_and_safe(size: tuple[int, int]) -> None:
    layout = Layout(Size(width=size[0], height=size[1]))

    order = [layout.header, layout.short_stage, layout.notice, layout.captions]
    assert all(a[1] + a[3] <= b[1] for a, b in pairwise(order))
    assert layout.stage[1] + layout.stage[3] <= layout.captions[1] - layout.px(24)
    left, top, wide, high = layout.safe
    for x, y, width, height in (*order, layout.stage):
        assert left <= x
        assert top <= y
        assert x + width <= left + wide
        assert y + height <= top + high
