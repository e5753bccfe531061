from itertools import pairwise

from bookai.models import Script, Word
from tools.render.text.accents import Number, Quote
from tools.render.text.align import align
from tools.render.text.plan import END_S, TURN_FRAMES, End, Film, Title, plan

FPS = 30
SENTENCES = (
    ("The leap second is about to disappear.", "hook"),
    ("Since 1972, the International Bureau has added 27 leap seconds.", "beat"),
    ("It is a gamble for the computers that run our lives.", "beat"),
    ("They call it “a risky practice that does more harm than good”.", "quote"),
    ("Then came 400 letters.", "beat"),
    ("A good radio clock keeps itself in step all day and all night.", "cta"),
)


def film(*lines: tuple[str, str], disclosed: bool = False) -> Film:
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
    return plan(script, shown, at + 0.2, FPS, disclosed=disclosed)


def test_a_number_is_on_the_stage_only_while_its_own_sentence_is_spoken() -> None:
    made = film(*SENTENCES)

    numbers = {
        scene.line: beat.card.value
        for scene in made.scenes
        for beat in scene.beats
        if isinstance(beat.card, Number)
    }
    assert numbers == {1: "27", 4: "400"}


def test_a_number_comes_when_it_is_spoken_not_before() -> None:
    made = film(*SENTENCES).scenes[1]

    spoken = next(word for word in made.words if word.text == "27")
    assert made.beats[-1].frame == round(spoken.start_s * FPS) - 4


def test_a_mere_year_gives_way_to_a_name() -> None:
    made = film(("Clocks stop.", "hook"), ("They met Ada Lovelace in Paris in 1840.", "beat"),
                ("It has to end by 2035.", "beat"), ("Go on.", "beat"))  # fmt: skip

    assert made.scenes[1].beats[0].card == "Ada Lovelace"
    assert isinstance(made.scenes[2].beats[0].card, Number)


def test_the_title_opens_and_the_end_card_closes_every_film() -> None:
    made = film(*SENTENCES)

    assert isinstance(made.scenes[0].beats[0].card, Title)
    assert isinstance(made.scenes[-1].beats[-1].card, End)
    assert made.frames - made.scenes[-1].beats[-1].frame >= 2 * FPS
    assert made.frames - made.scenes[-1].beats[-1].frame == round(END_S * FPS)


def test_a_film_of_one_short_sentence_has_both_title_and_end() -> None:
    made = film(("Clocks stop.", "hook"))

    assert [type(beat.card) for beat in made.scenes[0].beats][-1] is End


def test_a_quotation_is_shown_as_one() -> None:
    made = film(*SENTENCES)

    assert made.scenes[3].beats[0].card == Quote(
        "a risky practice that does more harm than good", ""
    )


def test_neighbours_never_share_a_ground() -> None:
    grounds = [scene.ground for scene in film(*SENTENCES).scenes]

    assert all(a != b for a, b in pairwise(grounds))


def test_scenes_turn_in_the_pause_before_they_are_spoken() -> None:
    made = film(*SENTENCES)

    for before, scene in pairwise(made.scenes):
        assert scene.first > before.first + TURN_FRAMES
        assert scene.first >= before.words[-1].end_s * FPS - 1
        assert scene.first <= scene.words[0].start_s * FPS


def test_the_disclosure_is_announced_with_the_offer_and_at_the_end_only_when_there_is_one() -> None:
    with_offer, without = film(*SENTENCES, disclosed=True), film(*SENTENCES)

    assert with_offer.scenes[-1].notice_from == with_offer.scenes[-1].first
    assert [scene.notice_from for scene in with_offer.scenes[:-1]] == [None] * 5
    assert {scene.notice_from for scene in without.scenes} == {None}


def test_a_line_without_a_word_gets_no_scene() -> None:
    made = film(("Clocks stop.", "hook"), ("", "beat"), ("They start again now.", "beat"))

    assert [scene.line for scene in made.scenes] == [0, 2]
