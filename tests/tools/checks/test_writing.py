"""Writing is told from pictures, and its lines are counted, in every script that we set."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tools.checks.writing import count_lines, differ, has_text, text_rows

Luma = NDArray[np.uint8]
SIDE = 1080
SCRIPTS = {
    "latin": ("fontpkg_montserrat", "Montserrat", "Nobody knows", "where it is"),
    "cyrillic": ("fontpkg_montserrat", "Montserrat", "Никто не знает", "где это"),
    "greek": ("fontpkg_noto_sans", "NotoSans", "Κανείς δεν ξέρει", "πού είναι"),
    "arabic": ("justmytype_intl_rtl", "Arabic", "لا أحد يعرف", "أين هو الآن"),
    "hebrew": ("justmytype_intl_rtl", "Hebrew", "אף אחד לא יודע", "איפה זה"),
    "devanagari": ("justmytype_intl_south_asia", "Devanagari", "कोई नहीं जानता", "यह कहाँ है"),
    "bengali": ("justmytype_intl_south_asia", "Bengali", "কেউ জানে না", "এটা কোথায়"),
    "thai": ("justmytype_intl_sea", "Thai", "ไม่มีใครรู้", "ว่าอยู่ที่ไหน"),
    "chinese": ("justmytype_intl_cjk", "SansSC", "没有人知道", "它在哪里"),
    "japanese": ("justmytype_intl_cjk", "SansJP", "誰も知らない", "どこにあるのか"),
    "korean": ("justmytype_intl_cjk", "SansKR", "아무도 모른다", "어디에 있는지"),
}


@cache
def font_file(package: str, family: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    files = sorted(Path(spec.origin).parent.rglob("*.ttf"))
    return next(file for file in files if family in file.name and "Italic" not in file.name)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(("ink", "ground"), [(235, 40), (25, 225)])
def test_one_and_two_lines_of_every_script_are_counted(script: str, ink: int, ground: int) -> None:
    package, family, *lines = SCRIPTS[script]
    font = ImageFont.truetype(font_file(package, family), 84)
    # The weight of captions; all other axes stay where they are.
    axes = font.get_variation_axes()
    font.set_variation_by_axes([700 if a["maximum"] == 900 else a["default"] or 0 for a in axes])
    counted = []
    for number in (1, 2):
        image = Image.new("L", (872, 300), ground)
        for row, line in enumerate(lines[:number]):
            ImageDraw.Draw(image).text((12, 100 + 120 * row), line, ink, font=font, anchor="ls")
        counted.append(count_lines(text_rows(np.asarray(image), SIDE)))

    assert counted == [1, 2]


def test_three_lines_are_counted_and_none_is_none() -> None:
    image = Image.new("L", (872, 300), 40)
    text = "Seven towns\nlost all their\nsavings"
    font = ImageFont.load_default(62)
    ImageDraw.Draw(image).multiline_text((12, 8), text, 235, font=font, spacing=24)

    assert count_lines(text_rows(np.asarray(image), SIDE)) == 3
    assert count_lines(text_rows(np.full((300, 872), 40, np.uint8), SIDE)) == 0


def test_other_words_are_another_picture_and_a_little_noise_is_not() -> None:
    before, after = box("Nobody knows"), box("Seven towns")
    noise = np.random.default_rng(1).integers(0, 4, before.shape, np.uint8)

    assert differ(before, after)
    assert not differ(before, before + noise)


def box(text: str, ink: int = 235, ground: int = 40, size: int = 86) -> Luma:
    image = Image.new("L", (872, 300), ground)
    ImageDraw.Draw(image).text((12, 20), text, ink, font=ImageFont.load_default(size))
    return np.asarray(image)


def clouds(seed: int, softness: float) -> Luma:
    """A picture of soft shapes in full contrast, blurred by `softness` pixels."""
    spectrum = np.fft.rfft2(np.random.default_rng(seed).normal(0, 1, (300, 872)))
    squared = np.fft.fftfreq(300)[:, np.newaxis] ** 2 + np.fft.rfftfreq(872) ** 2
    shapes = np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * softness) ** 2 * squared), (300, 872))
    return np.asarray(np.clip(shapes / shapes.std() * 55 + 128, 0, 255), np.uint8)


@pytest.mark.parametrize("text", ["Nobody knows", "it is", "3.5%", "نص عربي", "WWW", "lil"])
@pytest.mark.parametrize(("ink", "ground"), [(235, 40), (25, 225), (200, 90), (60, 190)])
def test_text_is_seen_bright_on_dark_and_dark_on_bright(text: str, ink: int, ground: int) -> None:
    assert has_text(box(text, ink, ground), 1080)


def test_small_text_is_seen() -> None:
    assert has_text(box("Advertisement: we earn a commission", size=30), 1080)


@pytest.mark.parametrize("softness", [1.0, 9.0, 20.0])
def test_a_soft_or_a_grainy_picture_is_no_text(softness: float) -> None:
    assert not any(has_text(clouds(seed, softness), 1080) for seed in range(5))


def test_flat_colour_stripes_and_a_gradient_are_no_text() -> None:
    stripes = box("")
    stripes = np.where(np.arange(872) // 109 % 2 == 0, np.uint8(40), np.uint8(200)) + stripes * 0
    gradient = np.tile(np.linspace(16, 235, 872).astype(np.uint8), (300, 1))

    assert not any(has_text(luma, 1080) for luma in (box(""), stripes, gradient))


def test_an_empty_box_has_no_text() -> None:
    assert not has_text(np.zeros((0, 0), np.uint8), 1080)
