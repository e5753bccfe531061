import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bookai.models import Script, Voiceover, Word
from tools.checks.detect import Crop
from tools.checks.limits import Limits
from tools.checks.pixels import crop_around, has_text, judge_text, looks_for

Luma = NDArray[np.uint8]


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


def script(*kinds: str) -> Script:
    return Script.model_validate(
        {
            "title": "t",
            "lines": [{"text": "some words here", "kind": kind} for kind in kinds],
            "language": "en",
            "draft_kind": "extractive",
            "writer": "t",
            "seconds_est": 5,
        }
    )


def voiceover(script: Script, words: int = 3) -> Voiceover:
    spoken = [
        Word(text="some", line=number, start_s=number * 5 + k, end_s=number * 5 + k + 1)
        for number in range(len(script.lines))
        for k in range(words)
    ]
    return Voiceover(
        path="/v.wav",
        words=tuple(spoken),
        duration_s=5.0 * len(script.lines),
        voice="v",
        language="en",
        sample_rate=48_000,
    )


def test_every_line_is_looked_at_in_the_middle_of_its_words() -> None:
    said = script("hook", "beat", "beat")

    looks = looks_for(said, voiceover(said), 30, "")

    assert {look.line for look in looks} == {0, 1, 2}
    assert {look.frame for look in looks} == {
        15 + 150 * line + 30 * k for line in (0, 1, 2) for k in (0, 1, 2)
    }


def test_a_long_script_is_looked_at_in_few_frames() -> None:
    said = script(*["beat"] * 200)

    assert len(looks_for(said, voiceover(said), 30, "")) <= 36


def test_a_disclosure_is_looked_for_while_it_is_spoken() -> None:
    said = script("hook", "disclosure")

    looks = looks_for(said, voiceover(said), 30, "Ad")

    assert [look.frame for look in looks if look.mark == "disclosure"] == [165, 195, 225]


def test_an_unspoken_disclosure_is_looked_for_at_the_end() -> None:
    said = script("hook", "cta")

    looks = looks_for(said, voiceover(said), 30, "Ad")

    assert [look.frame for look in looks if look.mark == "disclosure"] == [270, 276, 282, 288]


def test_text_in_too_few_frames_is_too_little() -> None:
    said = script("hook", "beat")
    looks = looks_for(said, voiceover(said), 30, "")
    frames = {look.frame: box("Nobody knows" if look.line else "") for look in looks}

    (finding,) = judge_text(
        looks, frames, {"captions": (0, 0, 872, 300)}, Crop(0, 0, 872, 300), Limits()
    )

    assert not finding.ok
    assert "text seen in 3 of 6 frames" in finding.detail


def test_the_crop_holds_every_mark() -> None:
    marks = {"captions": (64, 1156, 872, 300), "disclosure": (76, 1004, 852, 120)}

    assert crop_around(marks, (1080, 1920)) == Crop(64, 1004, 872, 452)


@pytest.mark.parametrize("mark", [(0, 0, 4, 4), (-2, 0, 90, 90), (1000, 0, 90, 90)])
def test_a_mark_out_of_the_picture_is_an_error(mark: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="captions"):
        crop_around({"captions": mark}, (1080, 1920))
