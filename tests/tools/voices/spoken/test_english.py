import pytest

from tools.voices.spoken.english import say_tokens


@pytest.mark.parametrize(
    ("shown", "spoken"),
    [
        ("$2.9 million in", ["two point nine", "million dollars", "in"]),
        ("$1,200.50 due", ["one thousand two hundred dollars and fifty cents", "due"]),
        ("$1 $5 €3bn £0.99", ["one dollar", "five dollars", "three billion euros"]),
        ("the U.S. is", ["the", "U S", "is"]),
        ("May 27th, then", ["May", "twenty seventh,", "then"]),
        ("up 3.5% today.", ["up", "three point five percent", "today."]),
        ("from 1,234 to", ["from", "one thousand two hundred thirty four", "to"]),
        ("in 1998, 2008", ["in", "nineteen ninety eight,", "two thousand eight"]),
        ("in 2024 and 1900", ["in", "twenty twenty four", "and", "nineteen hundred"]),
        ("the 1980s and '90s", ["the", "nineteen eighties", "and", "nineties"]),
        ("10-15 people", ["ten to fifteen", "people"]),
        ("60 mph, 5km", ["sixty", "miles per hour,", "five kilometers"]),
        ("20°C 8GB 10x", ["twenty degrees Celsius", "eight gigabytes", "ten times"]),
        ("Dr. Smith vs. 18F", ["Doctor", "Smith", "versus", "eighteen F"]),
        ("at 10:05am, 7:00", ["at", "ten oh five A M,", "seven o'clock"]),
        ("on 2024-05-01.", ["on", "May first twenty twenty four."]),
        ("Rust 1.85.0", ["Rust", "one point eighty five point zero"]),
        ("APIs at crates.io", ["A P I's", "at", "crates dot I O"]),
        ("see https://www.example.com/a?b=c", ["see", "example dot com"]),
        ("he said — yes", ["he", "said", ",", "yes"]),
        ("“Quoted,” she", ["Quoted,", "she"]),
        ("a 🎉 party", ["a", "", "party"]),
        ("re-election COVID-19", ["re-election", "COVID nineteen"]),
        ("and/or 24/7 1/2", ["and or", "twenty four seven", "one half"]),
        ("#1 @bob -5 007", ["number one", "at bob", "minus five", "zero zero seven"]),
        ("1.5–2m 5-10k", ["one point five to two m", "five to ten thousand"]),  # noqa: RUF001
        ("747-8F 10-15%", ["seven hundred forty seven eight F", "ten to fifteen percent"]),
        (
            "12345678901234567",
            ["one two three four five six seven eight nine zero one two three four five six seven"],
        ),
    ],
)
def test_a_text_is_said_as_a_presenter_says_it(shown: str, spoken: list[str]) -> None:
    said = say_tokens(shown.split())

    assert said[: len(spoken)] == spoken
    assert len(said) == len(shown.split())
