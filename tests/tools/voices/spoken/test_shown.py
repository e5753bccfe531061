# ruff: noqa: RUF001 (these are the marks that people type)

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.voices.spoken.shown import LONGEST, UNSPACED, shown_tokens


def test_spaced_writing_is_cut_at_its_spaces() -> None:
    assert shown_tokens("  It grew\t3.5 %. ", "en") == ["It", "grew", "3.5", "%."]


@pytest.mark.parametrize(
    ("language", "line", "tokens"),
    [
        ("ja", "東京で新しい研究が発表された。", ["東京で", "新しい", "研究が", "発表された。"]),
        ("ja", "2024年は3.5%増え、", ["2024年は", "3.5%増え、"]),
        (
            "zh",
            "iPhone 17的价格，10-15公里。",
            ["iPhone ", "17", "的", "价格，", "10-15", "公里。"],
        ),
        ("th", "ประเทศไทย 3.5%", ["ประเทศ", "ไทย ", "3.5%"]),
    ],
)
def test_unspaced_writing_is_cut_where_a_reader_would_break_it(
    language: str, line: str, tokens: list[str]
) -> None:
    assert shown_tokens(line, language) == tokens


@pytest.mark.parametrize("language", UNSPACED)
@settings(max_examples=30, deadline=None)
@given(line=st.text(max_size=60))
def test_the_tokens_of_unspaced_writing_are_the_line_again(language: str, line: str) -> None:
    tokens = shown_tokens(line, language)

    assert "".join(tokens) == line.strip()
    assert all(token.strip() for token in tokens)


@pytest.mark.parametrize("language", UNSPACED)
def test_a_word_without_end_is_cut_all_the_same(language: str) -> None:
    tokens = shown_tokens("x" * 10_000, language)

    assert "".join(tokens) == "x" * 10_000
    assert max(map(len, tokens)) == LONGEST
