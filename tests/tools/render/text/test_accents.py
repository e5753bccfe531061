import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.render.text.accents import Number, Quote, find_number, find_phrase, find_quote

LEAP = "Since 1972, timekeepers have added 27 leap seconds to keep clocks in step."


def test_a_count_with_its_noun_wins_over_a_year() -> None:
    assert find_number(LEAP) == Number("27", "", "", "leap seconds", LEAP.index("27"))


@pytest.mark.parametrize(
    ("sentence", "value", "unit", "lead", "label"),
    [
        ("Upgrades cost the city $2.9 million, they said.", "$2.9", "million", "", ""),
        (
            "More than 40 percent of adults never noticed.",
            "40",
            "percent",
            "More than",
            "of adults",
        ),
        ("They voted to drop it by 2035.", "2035", "", "by", ""),
        ("On 30 June 2012 it failed.", "2012", "", "30 June", ""),
        ("Some 12,000 people fled.", "12,000", "", "Some", "people"),
        ("No more than 3 doctors came.", "3", "", "No more than", "doctors"),
        ("Turnout was 61.5% in May.", "61.5%", "", "", ""),
    ],
)
def test_a_prominent_number_keeps_the_words_that_give_it_its_meaning(
    sentence: str, value: str, unit: str, lead: str, label: str
) -> None:
    number = find_number(sentence)

    assert number is not None
    assert (number.value, number.unit, number.lead, number.label) == (value, unit, lead, label)


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
    ],
)
def test_ages_times_versions_and_bare_or_endless_figures_get_no_card(sentence: str) -> None:
    assert find_number(sentence) is None


def test_a_quotation_comes_with_its_speaker() -> None:
    sentence = "It is “a risky practice that does more harm than good”, said Oleg Obleukhov."

    found = find_quote(sentence)

    assert found == Quote("a risky practice that does more harm than good", "Oleg Obleukhov")


def test_a_word_in_quotation_marks_is_no_quotation() -> None:
    assert find_quote("The so-called “crank” came back.") is None


def test_a_name_is_a_headline_and_never_comes_twice() -> None:
    sentence = "So the General Conference on Weights and Measures met Meta Platforms."

    first = find_phrase(sentence, "en")
    second = find_phrase(sentence, "en", frozenset({first.lower()}))

    assert (first, second) == ("General Conference on Weights and Measures", "Meta Platforms")


def test_a_name_ends_where_a_bracket_opens() -> None:
    assert find_phrase("It was the British Transport Police (BTP).", "en") == (
        "British Transport Police"
    )


def test_the_word_that_starts_a_sentence_is_no_name() -> None:
    assert find_phrase("Clocks are about to stop lying to you.", "en") == ""


def test_without_a_word_list_for_the_language_only_names_are_shown() -> None:
    assert find_phrase("la seconde intercalaire va disparaître bientôt", "fr") == ""


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("aA bé0 19,.%$“”'\"-Xy of the\n"), max_size=80))
def test_nothing_is_shown_that_the_sentence_does_not_say(sentence: str) -> None:
    number, quote = find_number(sentence), find_quote(sentence)

    assert find_phrase(sentence, "en") in sentence
    assert quote is None or (quote.text in sentence and quote.who in sentence)
    assert number is None or all(
        part in sentence for part in (number.value, number.unit, number.lead, number.label)
    )
