"""Splitting into sentences: the offsets always point into the text that was given."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.text.sentences import paragraphs, sentences, tidy


def split(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. It snowed.", ["It rained.", "It snowed."]),
        (
            "Mr. Smith met Dr. Jones. They spoke.",
            ["Mr. Smith met Dr. Jones.", "They spoke."],
        ),
        (
            "The U.S.S. Grayback was found. It lies deep.",
            ["The U.S.S. Grayback was found.", "It lies deep."],
        ),
        ("He lives in the U.S. The law is new.", ["He lives in the U.S.", "The law is new."]),
        ("It began at 5 p.m. on Monday. All left.", ["It began at 5 p.m. on Monday.", "All left."]),
        ("J. R. Wells wrote it. It sold.", ["J. R. Wells wrote it.", "It sold."]),
        ("It cost 3.5 million. We paid.", ["It cost 3.5 million.", "We paid."]),
        (
            '"It is over. Go home," she said. They went.',
            ['"It is over. Go home," she said.', "They went."],
        ),
        ("It is so.[12] Others agree.", ["It is so.", "Others agree."]),
        ("No full stop here", ["No full stop here"]),
        ("", []),
    ],
)
def test_a_text_is_cut_where_sentences_end(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_sentence_knows_its_paragraph_and_its_place_in_it() -> None:
    found = sentences("One is here. Two is here.\n\nThree is here.")

    assert [(one.paragraph, one.index) for one in found] == [(0, 0), (0, 1), (1, 0)]


def test_offsets_survive_typographic_quotes_and_odd_spaces() -> None:
    text = "  He\u00a0said \u201cyes\u201d.\n\n\n  Then  it\nrained \u2019til noon. "

    found = sentences(text)

    assert [text[one.start : one.end] for one in found] == [
        "He\u00a0said \u201cyes\u201d.",
        "Then  it\nrained \u2019til noon.",
    ]
    assert [one.text for one in found] == ['He said "yes".', "Then it rained 'til noon."]


@given(st.text(alphabet="aB .!?\"'\u201c\u201d()\n1U", max_size=200))
def test_every_slice_is_inside_the_text_and_in_order(text: str) -> None:
    found = sentences(text)

    assert all(tidy(text[one.start : one.end]) == one.text for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(st.text(max_size=300))
def test_paragraphs_hold_everything_that_is_not_blank(text: str) -> None:
    kept = "".join(one.text for one in paragraphs(text))

    assert "".join(kept.split()) == "".join(text.split())
