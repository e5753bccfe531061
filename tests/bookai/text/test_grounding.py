"""What a line says and its source does not."""

from datetime import date

import pytest

from bookai.text.grounding import (
    in_order_share,
    locate,
    sayable_dates,
    shared_share,
    turned,
    unsupported,
    without_attribution,
)

SOURCE = (
    "Maria Lopez, 41, told reporters that 1,250 homes lost power after 3 hours of rain, "
    'and said "the worst is over" in Lisbon; repairs cost $2.5 million, or 12 % of the budget.'
)


@pytest.mark.parametrize(
    "line",
    [
        "Maria Lopez told reporters that 1250 homes lost power.",
        "After 3 hours of rain, 1,250 homes lost power.",
        'Lopez said "the worst is over".',
        "Repairs cost $2.5 million.",
        "That is 12% of the budget.",
        "Three hours of rain hit Lisbon.",
    ],
)
def test_what_the_source_says_may_be_said(line: str) -> None:
    assert unsupported(line, SOURCE) == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Some 1,300 homes lost power.", "the number '1300'"),
        ("After 3 days of rain.", "the number '3 day'"),
        ("Four hours of rain fell.", "the number '4 hour'"),
        ("Repairs cost $2.5 billion.", "the number '$2.5 billion'"),
        ("That is 12 million homes.", "the number '12 million'"),
        ("Reporters met Maria Gomez.", "the name 'Gomez'"),
        ("It rained in Porto.", "the name 'Porto'"),
        ("Gomez said the rain was over.", "the name 'Gomez'"),
        ('She said "the best is over".', "the quotation 'the best is over'"),
    ],
)
def test_what_the_source_does_not_say_is_named(line: str, problem: str) -> None:
    assert problem in unsupported(line, SOURCE)


def test_a_dropped_exception_turns_the_sense() -> None:
    source = "The rule bans all flights, except those to Havana."

    assert turned("The rule bans all flights.", source) == "drops 'except'"
    assert turned("The rule bans all flights, except those to Havana.", source) is None


def test_an_added_negation_turns_the_sense() -> None:
    assert turned("The rule does not ban flights.", "The rule bans flights.") == "adds 'not'"


def test_words_in_another_order_count_less() -> None:
    assert in_order_share("dog bites man", "man bites dog") < 0.5
    assert in_order_share("the dog bites", "the old dog never bites") == 1.0


def test_a_paraphrase_is_measured_by_its_content_words() -> None:
    assert shared_share("Homes lost power in the rain", SOURCE) == 1.0
    assert shared_share("Penguins admire expensive violins", SOURCE) == 0.0


def test_a_day_may_be_said_as_its_date() -> None:
    said = sayable_dates("The roof fell on Monday.", date(2019, 1, 4))

    assert unsupported("The roof fell on December 31.", "The roof fell on Monday.", also=said) == ()


@pytest.mark.parametrize(
    "quote",
    [
        "told reporters that",
        "told  reporters\nthat",
        "said \u201cthe worst is over\u201d in Lisbon",
    ],
)
def test_a_quote_is_found_with_other_spaces_and_quote_marks(quote: str) -> None:
    place = locate(quote, SOURCE)

    assert place is not None
    assert SOURCE[slice(*place)].split()[0] in quote


@pytest.mark.parametrize("quote", ["", "  ", "told a reporter that", ".*"])
def test_a_quote_that_is_not_there_is_not_found(quote: str) -> None:
    assert locate(quote, SOURCE) is None


def test_the_attribution_in_front_is_no_claim_of_the_source() -> None:
    assert without_attribution("The Test reports: It rained.", "The Test") == "It rained."
    assert without_attribution("Note: It rained.", "The Test") == "Note: It rained."
