"""Relative days: a date where that is certain, else nothing."""

from datetime import date

import pytest

from bookai.text.dates import resolve

FRIDAY = date(2019, 1, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The roof fell on Monday.", "The roof fell on December 31."),
        ("On Monday, the roof fell.", "On December 31, the roof fell."),
        ("The roof fell yesterday.", "The roof fell on January 3."),
        ("Yesterday, the roof fell.", "On January 3, the roof fell."),
        ("The roof fell on Friday.", "The roof fell on January 4."),
        ("The roof fell on Monday night.", "The roof fell on the night of December 31."),
        ("Police said Monday the roof fell.", "Police said on December 31 the roof fell."),
        ("The roof fell last year.", "The roof fell in 2018."),
        ("The roof fell on Monday, December 31.", "The roof fell on Monday, December 31."),
        ("The roof fell in 2018.", "The roof fell in 2018."),
    ],
)
def test_a_day_in_the_past_becomes_a_date(text: str, expected: str) -> None:
    assert resolve(text, FRIDAY) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The court will decide on Monday.",
        "The court is expected to decide on Monday.",
        "They plan to vote on Monday.",
        "They announced plans to vote on Monday.",
        "The hearing was scheduled for Monday.",
        "Voting starts on Monday.",
        "Monday's meeting was long.",
        "As of Monday, the roof had not fallen.",
        "It rained from Monday to Wednesday.",
        "Monday morning also saw an earthquake.",
        "The council meets next week.",
        "The roof fell last week.",
        "Tomorrow the roof falls.",
        "He said he would resign on Monday.",
    ],
)
def test_a_day_that_may_lie_ahead_is_never_dated(text: str) -> None:
    assert resolve(text, FRIDAY) is None


def test_without_a_day_of_publication_nothing_is_dated() -> None:
    assert resolve("The roof fell on Monday.", None) is None
    assert resolve("The roof fell in 2018.", None) == "The roof fell in 2018."
