from dataclasses import replace
from itertools import pairwise

import pytest

from bookai.film.material import Material
from bookai.film.shots import EndShot, NumberShot, PhraseShot, QuoteShot, TitleShot
from bookai.models import Script, Word
from tools.render.shots.compiler import compile_shots
from tools.render.text.align import align
from tools.render.text.plan import END_S, LEAST_END_S, Film, Timing, plan

FPS = 30
SENTENCES = (
    ("The leap second is about to disappear.", "hook"),
    ("Since 1972, the International Bureau has added 27 leap seconds.", "beat"),
    ("It is a gamble for the computers that run our lives.", "beat"),
    ("They call it “a risky practice that does more harm than good”.", "quote"),
    ("Then came 400 letters.", "beat"),
    ("A good radio clock keeps itself in step all day and all night.", "cta"),
)


def film(
    *lines: tuple[str, str], disclosed: bool = False, fps: int = FPS, late_s: float = 0.2
) -> Film:
    script = Script.model_validate(
        {
            "title": "Clocks",
            "lines": [{"text": text, "kind": kind} for text, kind in lines],
            "language": "en",
            "draft_kind": "extractive",
            "writer": "test",
            "seconds_est": 30,
        }
    )
    words, at = [], 0.1
    for number, line in enumerate(script.lines):
        for text in line.text.split():
            words.append(Word(text=text, line=number, start_s=at, end_s=at + 0.35))
            at += 0.35
        at += 0.4
    shown = align([line.text for line in script.lines], words)
    rows = compile_shots(script, Material(), {})
    return plan(rows, script.lines, shown, Timing(at + late_s, fps, 1), disclosed=disclosed)


def test_a_number_is_on_the_stage_only_while_its_own_sentence_is_spoken() -> None:
    made = film(*SENTENCES)

    numbers = {
        scene.line: beat.shot.value
        for scene in made.scenes
        for beat in scene.beats
        if isinstance(beat.shot, NumberShot)
    }
    assert numbers == {1: "27", 4: "400"}


def test_a_number_comes_when_it_is_spoken_not_before() -> None:
    made = film(*SENTENCES).scenes[1]

    spoken = next(word for word in made.words if word.text == "27")
    assert made.beats[-1].frame == round(spoken.start_s * FPS) - 4


def test_a_mere_year_gives_way_to_a_name() -> None:
    made = film(("Clocks stop.", "hook"), ("They met Ada Lovelace in Paris in 1840.", "beat"),
                ("It has to end by 2035.", "beat"), ("Go on.", "beat"))  # fmt: skip

    assert made.scenes[1].beats[0].shot == PhraseShot(text="Ada Lovelace")
    assert isinstance(made.scenes[2].beats[-1].shot, NumberShot)


def test_the_title_opens_and_the_end_card_closes_every_film() -> None:
    made = film(*SENTENCES[:5], late_s=1.4)

    assert isinstance(made.scenes[0].beats[0].shot, TitleShot)
    assert isinstance(made.scenes[-1].beats[-1].shot, EndShot)
    last = made.scenes[-1]
    assert last.length - last.beats[-1].frame == pytest.approx(END_S * FPS, abs=4)
    assert made.frames - last.first in (last.length, last.length - 1)


@pytest.mark.parametrize("ending", ["They came to Paris in the end.", "Then came 400 letters."])
def test_the_last_sentence_keeps_its_picture_while_it_is_spoken(ending: str) -> None:
    last = film(*SENTENCES[:3], (ending, "beat"), late_s=1.4).scenes[-1]

    *before, end = last.beats
    assert [beat.shot.kind for beat in before]
    assert isinstance(end.shot, EndShot)
    assert end.frame >= last.words[-1].end_s * FPS


def test_where_the_track_ends_at_once_the_end_card_can_still_be_read() -> None:
    last = film(*SENTENCES[:4], late_s=0.0).scenes[-1]

    assert last.length - last.beats[-1].frame == round(LEAST_END_S * FPS)


def test_a_last_sentence_that_is_the_end_card_shows_it_once() -> None:
    made = film(*SENTENCES[:2], ("Go on.", "cta"), late_s=1.4)

    assert [type(beat.shot) for beat in made.scenes[-1].beats] == [EndShot]


def test_a_film_of_one_short_sentence_has_both_title_and_end() -> None:
    made = film(("Clocks stop.", "hook"))

    assert [type(beat.shot) for beat in made.scenes[0].beats][-1] is EndShot


def test_a_quotation_is_shown_as_one() -> None:
    made = film(*SENTENCES)

    shot = made.scenes[3].beats[0].shot
    assert isinstance(shot, QuoteShot)
    assert shot.text == "a risky practice that does more harm than good"


def test_neighbours_never_share_a_ground() -> None:
    grounds = [scene.ground for scene in film(*SENTENCES).scenes]

    assert all(a != b for a, b in pairwise(grounds))


def test_scenes_turn_in_the_pause_before_they_are_spoken() -> None:
    made = film(*SENTENCES)

    for before, scene in pairwise(made.scenes):
        assert scene.first > before.first + made.turn_frames
        assert scene.first - before.first >= before.words[-1].end_s * FPS - 1
        assert 0 < scene.words[0].start_s * FPS < made.turn_frames


def test_the_disclosure_is_announced_with_the_offer_and_at_the_end_only_when_there_is_one() -> None:
    with_offer, without = film(*SENTENCES, disclosed=True), film(*SENTENCES)

    assert with_offer.scenes[-1].notice_from == 0
    assert [scene.notice_from for scene in with_offer.scenes[:-1]] == [None] * 5
    assert {scene.notice_from for scene in without.scenes} == {None}


def test_a_line_without_a_word_gets_no_scene() -> None:
    made = film(("Clocks stop.", "hook"), ("", "beat"), ("They start again now.", "beat"))

    assert [scene.line for scene in made.scenes] == [0, 2]


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_a_scene_does_not_depend_on_where_in_the_film_it_stands(fps: int) -> None:
    """A sentence before it that takes longer moves it, and changes nothing else."""
    once = film(*SENTENCES, fps=fps).scenes[2:]
    longer = (SENTENCES[0], (SENTENCES[1][0] + " Or so they say.", "beat"), *SENTENCES[2:])
    again = film(*longer, fps=fps).scenes[2:]

    assert [replace(scene, first=0) for scene in once] == [
        replace(scene, first=0) for scene in again
    ]
    assert once[0].first < again[0].first


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_scenes_follow_one_another_without_a_gap(fps: int) -> None:
    made = film(*SENTENCES, fps=fps)

    ends = [scene.first for scene in made.scenes[1:]] + [made.frames]
    for scene, end in zip(made.scenes, ends, strict=True):
        assert end - scene.first in (scene.length, scene.length - 1)
