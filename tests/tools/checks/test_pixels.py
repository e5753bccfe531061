"""What is written where, found in pixels of pictures that we drew."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bookai.models import Finding, Script, Voiceover, Word
from tools.checks.limits import Limits
from tools.checks.pixels import Sights, check_marks, judge_places, judge_text, looks_for

Luma = NDArray[np.uint8]


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


SIZE, SAFE = (360, 640), (13, 73, 300, 427)
MARKS = {"captions": (22, 386, 290, 100), "disclosure": (22, 326, 290, 40)}


def picture(*texts: tuple[int, int, str]) -> Luma:
    image = Image.new("L", SIZE, 40)
    for x, y, text in texts:
        ImageDraw.Draw(image).text((x, y), text, 235, font=ImageFont.load_default(30))
    return np.asarray(image)


def seen(*texts: tuple[int, int, str], disclosure: str = "") -> Sights:
    """Show the same picture wherever one is wanted."""
    said = script("hook", "beat")
    sights = Sights(looks_for(said, voiceover(said), 30, disclosure), MARKS, SIZE, SAFE)
    for number in sights.frames:
        sights.take(number, picture(*texts))
    return sights


def found(sights: Sights) -> dict[str, Finding]:
    findings = [*judge_text(sights, Limits()), *judge_places(sights, Limits())]
    return {finding.check: finding for finding in findings}


def test_text_in_too_few_frames_is_too_little() -> None:
    said = script("hook", "beat")
    sights = Sights(looks_for(said, voiceover(said), 30, ""), MARKS, SIZE, SAFE)
    for look in sights.looks:
        sights.take(look.frame, picture(*[(30, 400, "Nobody knows")] * look.line))

    finding = found(sights)["captions"]

    assert not finding.ok
    assert "text seen in 3 of 6 frames" in finding.detail


def test_words_that_stand_still_are_no_captions() -> None:
    finding = found(seen((30, 400, "Nobody knows")))["captions"]

    assert not finding.ok
    assert "changed at 0 of 1 turns" in finding.detail


@pytest.mark.parametrize(
    ("place", "check", "where"),
    [
        ((30, 20), "safe_areas", "the top"),
        ((30, 560), "safe_areas", "the bottom"),
        ((30, 362), "captions_clear", "above"),
        ((30, 470), "captions_clear", "below"),
    ],
)
def test_writing_where_none_may_be_is_found(place: tuple[int, int], check: str, where: str) -> None:
    findings = found(seen((30, 400, "Nobody"), (*place, "Like and follow")))

    assert {name for name in ("safe_areas", "captions_clear") if not findings[name].ok} == {check}
    assert where in findings[check].detail


def test_a_box_that_a_platform_covers_is_found() -> None:
    sights = seen((30, 400, "Nobody"))
    sights.marks = {**MARKS, "disclosure": (22, 520, 290, 40)}

    assert "the mark 'disclosure'" in found(sights)["safe_areas"].detail


def test_a_disclosure_that_is_not_there_is_found() -> None:
    there = seen((30, 400, "Nobody"), (30, 332, "Ad: we earn"), disclosure="Ad")
    missing = seen((30, 400, "Nobody"), disclosure="Ad")

    assert found(there)["disclosure"].ok
    assert not found(missing)["disclosure"].ok


def test_a_voice_without_a_word_leaves_no_captions_to_find() -> None:
    said = script("hook")
    silent = voiceover(said).model_copy(update={"words": ()})
    sights = Sights(looks_for(said, silent, 30, ""), MARKS, SIZE, SAFE)

    assert not found(sights)["captions"].ok


def test_one_sign_is_a_word_where_words_are_not_spelled() -> None:
    said = script("hook")
    words = tuple(
        Word(text=sign, line=0, start_s=k, end_s=k + 1) for k, sign in enumerate("海の。")
    )

    looks = looks_for(said, voiceover(said).model_copy(update={"words": words}), 30, "")

    assert [look.frame for look in looks] == [15, 45]


@pytest.mark.parametrize("mark", [(0, 0, 4, 4), (-2, 0, 90, 90), (1000, 0, 90, 90)])
def test_a_mark_out_of_the_picture_is_an_error(mark: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="captions"):
        check_marks({"captions": mark}, (1080, 1920))
