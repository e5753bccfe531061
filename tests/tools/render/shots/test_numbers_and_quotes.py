# ruff: noqa: RUF001  (other scripts are the point here)
"""Numbers and quotations of a sentence; `shots_of` gives all candidates, best first."""

from collections.abc import Callable
from time import process_time

import pytest

from bookai.film.material import Material
from bookai.film.shots import (
    Candidate,
    NumberShot,
    PhraseShot,
    QuoteShot,
)
from tests.tools.render.shots.conftest import script_of
from tools.render.shots.compiler import compile_shots

Shots = Callable[..., tuple[Candidate, ...]]
LEAP = "Since 1972, timekeepers have added 27 leap seconds to keep clocks in step."


def test_a_count_with_its_noun_wins_over_a_year(shots_of: Shots) -> None:
    best = shots_of(LEAP)[0]

    assert best.shot == NumberShot(value="27", label="leap seconds", at=LEAP.index("27"))
    assert best.why == "a figure with its noun: 27 leap seconds"


@pytest.mark.parametrize(
    ("sentence", "value", "unit", "lead", "label"),
    [
        ("Upgrades cost the city $2.9 million, they said.", "$2.9", "million", "", ""),
        ("More than 40 percent of adults knew.", "40", "percent", "More than", "of adults"),
        ("They voted to drop it by 2035.", "2035", "", "by", ""),
        ("On 30 June 2012 it failed.", "2012", "", "30 June", ""),
        ("Some 12,000 people fled.", "12,000", "", "Some", "people"),
        ("No more than 3 doctors came.", "3", "", "No more than", "doctors"),
        ("Turnout was 61.5% in May.", "61.5%", "", "", ""),
        ("At least seventeen people died.", "seventeen", "", "At least", "people"),
    ],
)
def test_a_prominent_number_keeps_the_words_that_give_it_its_meaning(
    shots_of: Shots, sentence: str, value: str, unit: str, lead: str, label: str
) -> None:
    shot = number_of(shots_of(sentence))

    assert shot is not None
    assert (shot.value, shot.unit, shot.lead, shot.label) == (value, unit, lead, label)


@pytest.mark.parametrize(
    "sentence",
    [
        "Nothing to count here.",
        "The 18-year-old met them at 10:30.",
        "Version 1.75.0 is out, see RFC-2119 and 10.0.0.1.",
        "It was the first of 5.",
        "Humberto is a category 1 hurricane.",
        "He flew in a Boeing 737 jet at 2100 UTC.",
        "That makes 1,234,567,890,123.50 pounds.",
        "Between 36 and 40 people were there.",
    ],
)
def test_ages_times_versions_and_bare_or_endless_figures_get_no_card(
    shots_of: Shots, sentence: str
) -> None:
    assert number_of(shots_of(sentence)) is None


@pytest.mark.parametrize(
    ("language", "sentence", "text", "who"),
    [
        (
            "en",
            "It is “a risky practice that does more harm than good”, said Oleg Obleukhov.",
            "a risky practice that does more harm than good",
            "Oleg Obleukhov",
        ),
        ("en", 'Anna Ek, a nurse, said, "We were all asleep."', "We were all asleep.", "Anna Ek"),
        ("en", 'A nurse said, "We were all asleep."', "We were all asleep.", ""),
        (
            "de",
            "„Das ist ein großer Tag“, sagte Anna Schmidt.",
            "Das ist ein großer Tag",
            "Anna Schmidt",
        ),
        ("fr", "« C'est un grand jour », a déclaré Anne Roy.", "C'est un grand jour", "Anne Roy"),
        (
            "ru",
            "«Это большой день для нас», — заявил Иван Петров.",
            "Это большой день для нас",
            "Иван Петров",
        ),
        ("ar", "«هذا يوم عظيم لمدينتنا»، قال أحمد علي.", "هذا يوم عظيم لمدينتنا", "أحمد علي"),
        ("he", "״זה יום גדול לעיר שלנו״, אמרה דנה כהן.", "זה יום גדול לעיר שלנו", "דנה כהן"),
        ("hi", "“यह हमारे शहर का बड़ा दिन है”, मोदी ने कहा।", "यह हमारे शहर का बड़ा दिन है", "मोदी"),
        ("zh", "“这是我们城市的大日子”，李明表示。", "这是我们城市的大日子", "李明"),
        (
            "ja",
            "「これは街にとって大きな日だ」と田中さんは述べた。",
            "これは街にとって大きな日だ",
            "田中さん",
        ),
        (
            "ko",
            "“우리 도시에 아주 큰 날입니다”라고 김철수는 말했다.",
            "우리 도시에 아주 큰 날입니다",
            "김철수",
        ),
    ],
)
def test_a_quotation_comes_with_its_speaker(
    shots_of: Shots, language: str, sentence: str, text: str, who: str
) -> None:
    assert shots_of(sentence, language)[0].shot == QuoteShot(text=text, who=who)


@pytest.mark.parametrize(
    "sentence",
    [
        "“We all looked twice at what we saw”, he told National Geographic.",
        "An official from TfL stated: “We work with the police on that.”",
        "Anna Ek's spokesman, Bo Ask, said “we all looked twice at it”.",
        "Red Cross chair Bo Ask, in remarks to the BBC, said “we all looked twice at it”.",
        "The BBC said Anna Ek had called it “a risky thing to do today”.",
        "On Friday they said “we all looked twice at it”.",
    ],
)
def test_a_quotation_is_never_given_to_somebody_else(shots_of: Shots, sentence: str) -> None:
    quote = next(one.shot for one in shots_of(sentence) if isinstance(one.shot, QuoteShot))

    assert quote.who in ("", "BBC", "Bo Ask")


def test_a_word_in_quotation_marks_is_no_quotation(shots_of: Shots) -> None:
    found = shots_of("The so-called “crank” came back.")

    assert all(candidate.shot.kind != "quote" for candidate in found)


def number_of(found: tuple[Candidate, ...]) -> NumberShot | None:
    return next((one.shot for one in found if isinstance(one.shot, NumberShot)), None)


@pytest.mark.parametrize(
    ("language", "sentence", "label"),
    [
        ("de", "Genau 9433 Menschen füllten die Umfrage aus.", "Menschen"),
        ("hi", "शौचालय हर दिन 141 अरब लीटर पानी बहाते हैं।", "लीटर पानी"),
    ],
)
def test_a_figure_s_noun_ends_before_the_verb(
    shots_of: Shots, language: str, sentence: str, label: str
) -> None:
    numbers = [one.shot for one in shots_of(sentence, language) if one.shot.kind == "number"]

    assert isinstance(numbers[0], NumberShot)
    assert numbers[0].label == label


def test_words_come_before_a_year_alone(shots_of: Shots) -> None:
    found = shots_of("That is the largest population since the winter of 2006.")

    assert found[0].shot == PhraseShot(text="largest population")


def test_a_hostile_line_is_read_at_once() -> None:
    text = '"We never pay for that wall" ' + " " * 9_900 + "said"
    started = process_time()

    compile_shots(script_of(text, text + "Ek " * 30), Material(), {})

    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    "sentence",
    [
        "A man who robbed Eva Holm wrote “the bank was far too easy”.",
        "The club run by Eva Holm said “the bank was far too easy”.",
        "“The bank was far too easy”, said Eva Holm's brother.",
        "“The bank was far too easy”, said Eva Holm and Jan Berg on Monday.",
        "According to AFP, “the bank was far too easy” the robber wrote to a friend.",
        "Eva Holm, friends said, called it “a bank that was too easy”.",
    ],
)
def test_a_name_that_may_not_be_the_speaker_is_left_out(shots_of: Shots, sentence: str) -> None:
    quote = next(one.shot for one in shots_of(sentence) if isinstance(one.shot, QuoteShot))

    assert quote.who == ""


@pytest.mark.parametrize("verb", ["never said", "did not say", "denied saying", "didn't write"])
def test_words_that_were_not_said_are_no_quotation(shots_of: Shots, verb: str) -> None:
    found = shots_of(f"Eva Holm {verb} “the bank was far too easy”.")

    assert all(candidate.shot.kind != "quote" for candidate in found)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "There is no evidence that 80% of cats can swim."),
        ("en", "The storm did not sink 30 ships."),
        ("en", "Nobody thinks that 20 million people came."),
        ("en", "The mayor denied that 700 people were hurt."),
        ("en", "They didn't pay 60 million dollars."),
        ("en", "Growth was – 7% in May."),
        ("en", "The loss was (7%) in May."),
        ("en", "Only 1 in 6 adults swims."),
        ("en", "Only one in six adults swims."),
        ("en", "They asked 9 out of 10 doctors."),
        ("de", "Die Firma hat 60 Millionen Euro nicht gezahlt."),
        ("fr", "Le maire nie que 700 personnes soient mortes."),
        ("es", "No murieron 700 personas."),
        ("ru", "Мэр отрицает, что погибли 700 человек."),
    ],
)
def test_a_figure_that_is_denied_in_doubt_or_half_of_a_share_gets_no_card(
    shots_of: Shots, language: str, sentence: str
) -> None:
    assert number_of(shots_of(sentence, language)) is None


def test_au_moins_is_no_minus(shots_of: Shots) -> None:
    shot = number_of(shots_of("Au moins 700 personnes sont venues.", "fr"))

    assert shot is not None
    assert shot.value == "700"
