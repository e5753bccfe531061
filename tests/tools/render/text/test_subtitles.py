import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.render.text.align import Shown
from tools.render.text.subtitles import LINE_CHARS, cells, cues, subrip, webvtt
from tools.render.text.words import cut_words


def spoken(*texts: str, line: int = 0, start_s: float = 0.0) -> list[Shown]:
    return [
        Shown(text, line, start_s + 0.5 * k, start_s + 0.5 * (k + 1), -1)
        for k, text in enumerate(texts)
    ]


def test_a_webvtt_file_holds_the_words_at_their_times() -> None:
    assert webvtt(spoken("Hello", "world.")) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello world.\n"
    )


def test_a_subrip_file_is_numbered_and_uses_a_comma() -> None:
    words = [*spoken("One."), *spoken("Two.", line=1, start_s=3661.5)]

    assert subrip(words) == (
        "1\n00:00:00,000 --> 00:00:00,500\nOne.\n\n2\n01:01:01,500 --> 01:01:02,000\nTwo.\n"
    )


def test_marks_that_mean_something_in_webvtt_are_only_text() -> None:
    text = webvtt(spoken("<b>R&D</b>", "-->"))

    assert "&lt;b&gt;R&amp;D&lt;/b&gt; --&gt;" in text
    assert text.count("-->") == 1


def test_a_long_sentence_becomes_cues_of_two_even_lines() -> None:
    sentence = "Since 1972, timekeepers have added 27 leap seconds to keep clocks"

    lines = cues(spoken(*sentence.split()))[0][2]

    assert lines == ("Since 1972, timekeepers have added", "27 leap seconds to keep clocks")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_no_cue_is_wider_than_its_lines_longer_than_two_or_over_another(sizes: list[int]) -> None:
    made = cues(spoken(*["w" * size for size in sizes]))

    assert all(1 <= len(lines) <= 2 for _, _, lines in made)
    assert all(len(line) <= LINE_CHARS for _, _, lines in made for line in lines)
    assert all(a[1] <= b[0] and a[0] < a[1] for a, b in pairwise(made))
    assert "".join("".join(lines) for _, _, lines in made).replace(" ", "") == "w" * sum(sizes)


def cut(text: str, language: str) -> list[Shown]:
    return [
        Shown(token.text, 0, 0.4 * k, 0.4 * (k + 1), token.at, token.close)
        for k, token in enumerate(cut_words(text, language))
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("科学家将在2035年首次减去一秒、他们说这很重要。因为地球转得更快了。", "zh"),
        ("科学者たちは2035年に初めて1秒を減らす、とiPhone 17が言う。地球は速く回っている。", "ja"),
        ("นักวิทยาศาสตร์จะลบหนึ่งวินาทีในปี 2035 เป็นครั้งแรกเพราะโลกหมุนเร็วขึ้น", "th"),
    ],
)
def test_text_without_spaces_is_broken_between_words_and_gets_none(
    text: str, language: str
) -> None:
    made = cues(cut(text, language))

    assert "".join("".join(lines) for _, _, lines in made).replace(" ", "") == text.replace(" ", "")
    assert all(len(lines) <= 2 for _, _, lines in made)
    assert all(cells(line) <= LINE_CHARS for _, _, lines in made for line in lines)
    assert all(line[0] not in "、。，」" for _, _, lines in made for line in lines)  # noqa: RUF001


def test_a_chinese_line_has_at_most_sixteen_letters() -> None:
    made = cues([Shown("秒", 0, 0.1 * k, 0.1 * (k + 1), k, k > 0) for k in range(64)])

    assert [lines for _, _, lines in made] == [("秒" * 16, "秒" * 16)] * 2


def test_a_letter_is_not_broken_from_its_marks() -> None:
    lines = [line for _, _, lines in cues(spoken("हिन्दी" * 60)) for line in lines]

    assert not [line for line in lines if unicodedata.category(line[0]).startswith("M")]


def test_lines_that_read_from_the_right_say_so_to_the_player() -> None:
    said = spoken("iPhone", "עברית,", "2035.")

    assert cues(said, "he")[0][2] == ("\u202biPhone עברית, 2035.\u202c",)
    assert cues(said, "en")[0][2] == ("iPhone עברית, 2035.",)
