import numpy as np

from tools.render.shapes import disc
from tools.render.sprites import Frame, paint, shifted, yuv

RED = (255, 0, 0)


def test_colours_are_bt709_in_limited_range() -> None:
    assert [round(v) for v in yuv((255, 255, 255))] == [235, 128, 128]
    assert [round(v) for v in yuv((0, 0, 0))] == [16, 128, 128]
    assert [round(v) for v in yuv(RED)] == [63, 102, 240]


def test_an_opaque_patch_covers_what_is_below_and_nothing_else() -> None:
    frame = Frame(32, 32)
    frame.fill(frame.box, (255, 255, 255))

    paint([(np.ones((8, 8), np.float32), RED)]).draw(frame, 4, 6)

    assert (frame.y[6:14, 4:12] == 63).all()
    assert (frame.u[3:7, 2:6] == 102).all()
    assert (frame.y == 235).sum() == 32 * 32 - 64


def test_half_a_cover_is_half_a_colour() -> None:
    frame = Frame(16, 16)
    frame.fill(frame.box, (255, 255, 255))
    sprite = paint([(np.full((16, 16), 0.5, np.float32), (0, 0, 0))])

    sprite.draw(frame, 0, 0)

    assert abs(int(frame.y[5, 5]) - (235 + 16) // 2) <= 1


def test_a_patch_outside_the_picture_is_cut_at_its_edge() -> None:
    frame = Frame(32, 32)
    sprite = paint([(np.ones((16, 16), np.float32), (255, 255, 255))])

    for x, y in ((-8, -8), (24, 24), (-400, 0), (0, 400)):
        sprite.draw(frame, x, y)

    assert (frame.y > 0).sum() == 2 * 64


def test_a_clip_is_never_left() -> None:
    frame = Frame(32, 32)

    paint([(np.ones((16, 16), np.float32), RED)]).draw(frame, 4, 4, (8, 8, 4, 2))

    assert (frame.y > 0).sum() == 8


def test_fading_goes_from_nothing_to_all() -> None:
    sprite = paint([(np.ones((8, 8), np.float32), (255, 255, 255))])
    levels = []
    for share in (0.0, 0.5, 1.0):
        frame = Frame(8, 8)
        sprite.faded(share).draw(frame, 0, 0)
        levels.append(int(frame.y[4, 4]))

    assert levels == [0, 117, 235]


def test_a_mask_moved_by_one_pixel_keeps_its_ink_and_even_sides() -> None:
    mask = disc(9)

    moved = shifted(mask, 1, 1)

    assert moved.shape[0] % 2 == moved.shape[1] % 2 == 0
    assert moved.sum() == mask.sum()
    assert not moved[0].any()
