import random
import re

import pytest

from bookai.errors import OperatorNeeded
from bookai.film.material import BrandKit
from tools.render.brand import (
    LEAST_CONTRAST,
    PALETTES,
    GroundName,
    Palette,
    choose,
    contrast,
    parsed,
    read_kit,
    written,
)

GROUNDS: tuple[GroundName, ...] = ("night", "colour", "paper", "accent")


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
@pytest.mark.parametrize("name", GROUNDS)
def test_every_text_can_be_read_on_everything_it_may_stand_on(
    palette: Palette, name: GroundName
) -> None:
    assert least(palette, name) >= LEAST_CONTRAST


def least(palette: Palette, name: GroundName) -> float:
    """Return the smallest contrast of a text with what it may stand on."""
    ground = palette.ground(name)
    below = (ground.top, ground.bottom, *ground.tints)
    ratios = [contrast(text, colour) for text in (ground.text, ground.strong) for colour in below]
    ratios.append(contrast(ground.pill_text, ground.pill))
    return min(ratios)


def test_a_title_always_gets_the_same_palette_and_titles_differ() -> None:
    titles = [f"Title number {number}" for number in range(30)]

    assert [choose(title) for title in titles] == [choose(title) for title in titles]
    assert {choose(title).name for title in titles} == {palette.name for palette in PALETTES}


def test_without_colours_of_its_own_a_channel_gets_the_studios() -> None:
    assert read_kit(BrandKit(), "Clocks") == choose("Clocks")


@pytest.mark.parametrize("name", ["ink", "deep", "main", "paper", "accent"])
def test_from_any_one_colour_a_palette_that_can_be_read_is_derived(name: str) -> None:
    rng = random.Random(name)
    usable = 0
    for _ in range(24):
        colour = "#" + "".join(f"{rng.randrange(256):02x}" for _ in range(3))
        try:
            palette = read_kit(BrandKit.model_validate({name: colour}), "Clocks")
        except OperatorNeeded:
            continue
        usable += 1
        assert written(getattr(palette, name)) == colour
        assert min(least(palette, ground) for ground in GROUNDS) >= LEAST_CONTRAST
    assert usable > 2


def test_colours_too_near_to_each_other_are_told_with_some_that_work() -> None:
    kit = BrandKit(main="#3366cc", accent="#ff8800")

    with pytest.raises(OperatorNeeded, match=r"`accent` \(#ff8800\) and `main`") as caught:
        read_kit(kit, "Clocks")

    name, colour = re.findall(r"(\w+) = '(#[0-9a-f]{6})'", caught.value.mend)[0]
    mended = read_kit(kit.model_copy(update={name: colour}), "Clocks")
    assert contrast(mended.accent, mended.main) >= LEAST_CONTRAST
    assert parsed(colour) in (mended.accent, mended.main)
