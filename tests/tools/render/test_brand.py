import pytest

from tools.render.brand import LEAST_CONTRAST, PALETTES, GroundName, Palette, choose, contrast

GROUNDS: tuple[GroundName, ...] = ("night", "colour", "paper", "accent")


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
@pytest.mark.parametrize("name", GROUNDS)
def test_every_text_can_be_read_on_everything_it_may_stand_on(
    palette: Palette, name: GroundName
) -> None:
    ground = palette.ground(name)

    below = (ground.top, ground.bottom, *ground.tints)
    ratios = [contrast(text, colour) for text in (ground.text, ground.strong) for colour in below]
    ratios.append(contrast(ground.pill_text, ground.pill))
    assert min(ratios) >= LEAST_CONTRAST


def test_a_title_always_gets_the_same_palette_and_titles_differ() -> None:
    titles = [f"Title number {number}" for number in range(30)]

    assert [choose(title) for title in titles] == [choose(title) for title in titles]
    assert {choose(title).name for title in titles} == {palette.name for palette in PALETTES}
