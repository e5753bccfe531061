"""The words of a sentence that are shown when it has nothing else, and hostile text."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.film.material import Material
from bookai.film.shots import (
    Candidate,
    PhraseShot,
)
from bookai.models import Script
from tools.render.shots.compiler import candidates
from tools.render.shots.finders.phrases import MOST_PHRASE_CHARS
from tools.render.shots.told import read

Shots = Callable[..., tuple[Candidate, ...]]


def test_names_come_before_other_words_and_end_where_a_bracket_opens(shots_of: Shots) -> None:
    assert phrases_of(shots_of("So the Conference on Weights and Measures met Meta Platforms."))[
        :2
    ] == ["Conference on Weights and Measures", "Meta Platforms"]
    assert phrases_of(shots_of("It was the British Transport Police (BTP)."))[0] == (
        "British Transport Police"
    )
    assert phrases_of(shots_of("They came back to New Orleans."))[0] == "New Orleans"


@pytest.mark.parametrize(
    ("sentence", "phrase", "never"),
    [
        ("A fault knocked Reddit offline for hours.", "knocked Reddit offline", "Reddit offline"),
        ("In the shops May Day demand was low again.", "", "Day demand"),
    ],
)
def test_a_phrase_is_words_that_belong_together(
    shots_of: Shots, sentence: str, phrase: str, never: str
) -> None:
    shown = phrases_of(shots_of(sentence))

    assert phrase in shown or not phrase
    assert never not in shown


@pytest.mark.parametrize(
    ("language", "sentence", "phrase"),
    [
        ("ja", "新しい美術館が一般に公開されました。", "新しい美術館"),
        ("th", "น้ำท่วมในจังหวัดเชียงใหม่", "จังหวัดเชียงใหม่"),
        ("hi", "नया संग्रहालय जनता के लिए खुल गया।", "नया संग्रहालय जनता"),
        ("ko", "새로운 미술관이 일반에 공개됐다.", "새로운 미술관이 일반에 공개됐다"),
        ("xx", "glibber wump", "glibber wump"),
    ],
)
def test_the_words_that_carry_a_sentence_are_found_in_any_language(
    shots_of: Shots, language: str, sentence: str, phrase: str
) -> None:
    assert phrases_of(shots_of(sentence, language))[0] == phrase


@pytest.mark.parametrize(
    ("language", "sentence", "never"),
    [
        ("en", "He was not granted bail.", "granted bail"),
        ("en", "The toilet hasn't been recovered.", "recovered"),
        ("de", "Er wurde nicht verurteilt.", "verurteilt"),
        ("ru", "Никто не пострадал.", "пострадал"),
    ],
)
def test_a_phrase_never_says_the_opposite_of_its_sentence(
    shots_of: Shots, language: str, sentence: str, never: str
) -> None:
    assert never not in phrases_of(shots_of(sentence, language))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "…",
        "?!",
        "a" * 10_000,
        "啊" * 10_000,
        "ก" * 10_000,
        "1," * 5000,
        "“" * 3000,
        "🙂 🙂",
    ]
    + ["".join(chr(0x100 * block + 0x20 + n) for n in range(64)) for block in (0, 6, 9, 14, 0x4E)],
)
def test_a_sentence_is_never_without_a_picture(shots_of: Shots, text: str) -> None:
    for language in ("en", "th", "zh", "ar", "xx"):
        found = shots_of(text, language)

        phrases = phrases_of(found)
        assert phrases
        assert all(len(phrase) <= MOST_PHRASE_CHARS for phrase in phrases)


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.sampled_from("aA bé0 19,.%$“”'\"-Xy of and in the\n是、一และ"), max_size=80),
    st.sampled_from(["en", "de", "ru", "zh", "th", "ar"]),
)
def test_nothing_is_shown_that_the_sentence_does_not_say(sentence: str, language: str) -> None:
    line = {"text": sentence, "kind": "beat"}
    script = Script.model_validate(
        {
            "title": "T",
            "lines": [{"text": "First.", "kind": "hook"}, line, {"text": "Last.", "kind": "cta"}],
            "language": language,
            "draft_kind": "extractive",
            "writer": "test",
            "seconds_est": 3.0,
        }
    )

    for candidate in candidates(read(script, Material())[1]):
        assert all(text in sentence or text == "T" for text in _texts(candidate.shot.model_dump()))


def _texts(value: object) -> list[str]:
    match value:
        case dict():
            kept = (one for name, one in value.items() if name not in ("kind", "unit"))
            return [text for one in kept for text in _texts(one)]
        case tuple() | list():
            return [text for one in value for text in _texts(one)]
        case str():
            return [value]
        case _:
            return []


def phrases_of(found: tuple[Candidate, ...]) -> list[str]:
    return [one.shot.text for one in found if isinstance(one.shot, PhraseShot)]
