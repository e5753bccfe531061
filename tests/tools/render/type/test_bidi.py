import numpy as np
import pytest
from PIL import Image, ImageDraw

from tools.render.type.bidi import levels, reads_from_right, right_to_left, visual
from tools.render.type.fonts import load, path_of

HEBREW = path_of("Hebrew")

LINES = [
    "שלום עולם",
    "המדענים (Meta) יסירו שנייה ב-2035!",
    "iPhone 17 הוא טלפון",
    "עלה ב-12.5% ל-$1,250.75, כך נמסר",
    'הם אמרו: "We won\'t go" והלכו.',
    "בשנים 2019-2024 (כולל) נמכרו 3/4",
    "[א] (ב) {ג} abc (ד) def",
    "It said שלום (twice), 3 times",
    "A (שלום) b 12 שקל.",
    "+1 555-0100 שיחה",
    "12:30 בצהריים, 5-6 שעות",
]


def drawn(pieces: list[tuple[str, str]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Draw pieces of text one after the other in one font."""
    font = load(HEBREW, 24, 700)
    image = Image.new("L", (900, 50))
    draw, x = ImageDraw.Draw(image), 5.0
    for text, direction in pieces:
        draw.text((x, 35), text, 255, font, anchor="ls", direction=direction)
        x += font.getlength(text, direction=direction)
    return np.asarray(image)


@pytest.mark.parametrize("rtl", [True, False])
@pytest.mark.parametrize("line", LINES)
def test_a_mixed_line_is_ordered_as_the_shaping_library_orders_it(line: str, rtl: bool) -> None:
    whole = drawn([(line, "rtl" if rtl else "ltr")])

    marks = levels(line, rtl=rtl)
    runs: list[tuple[str, int]] = []
    for letter, mark in zip(line, marks, strict=True):
        if runs and runs[-1][1] == mark:
            runs[-1] = (runs[-1][0] + letter, mark)
        else:
            runs.append((letter, mark))
    ordered = visual(runs, lambda run: run[1])
    ours = drawn([(text, "rtl" if mark % 2 else "ltr") for text, mark in ordered])

    # A kern over the seam of two runs may be a pixel; another order differs by whole words.
    assert abs(ours.astype(int).sum(0).cumsum() - whole.astype(int).sum(0).cumsum()).max() < 4000


def test_the_first_strong_letter_decides_the_direction() -> None:
    assert right_to_left("2035 مرحبا Meta")
    assert not right_to_left("Meta مرحبا")


def test_a_line_of_an_arabic_script_may_begin_with_a_latin_name() -> None:
    assert reads_from_right("Meta مرحبا", "ar-EG")
    assert not reads_from_right("Meta", "ar")
    assert not reads_from_right("Meta مرحبا", "en")
