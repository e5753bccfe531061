import pytest

from bookai.models import Word
from tools.render.text.align import align


def word(text: str, start_s: float, end_s: float, line: int = 0) -> Word:
    return Word(text=text, line=line, start_s=start_s, end_s=end_s)


def test_punctuation_that_the_voice_dropped_comes_back_from_the_script() -> None:
    shown = align(["Well, well."], [word("Well", 0, 1), word("well", 1, 2)])

    assert [(w.text, w.start_s, w.end_s, w.at) for w in shown] == [
        ("Well,", 0, 1, 0),
        ("well.", 1, 2, 6),
    ]


def test_parts_of_a_hyphenated_word_are_one_word_on_the_screen() -> None:
    shown = align(["a three-year plan"], [
        word("a", 0, 1), word("three", 1, 2), word("year", 2, 3), word("plan", 3, 4),
    ])  # fmt: skip

    assert [(w.text, w.start_s, w.end_s) for w in shown] == [
        ("a", 0, 1),
        ("three-year", 1, 3),
        ("plan", 3, 4),
    ]


def test_one_event_for_several_words_is_shared_out_by_length() -> None:
    shown = align(["costs 2.9 million now"], [word("costs", 0, 1), word("2.9 million", 1, 2)])

    assert [w.text for w in shown] == ["costs", "2.9", "million", "now"]
    assert shown[1].start_s == 1
    assert shown[3].end_s == 2


def test_a_lone_dash_hangs_on_to_the_word_before() -> None:
    shown = align(["yes — no"], [word("yes", 0, 1), word("no", 1, 2)])

    assert [w.text for w in shown] == ["yes", "—", "no"]
    assert shown[1].end_s == 1


def test_words_that_are_not_in_the_line_are_shown_as_spoken() -> None:
    shown = align(["Dr. Who"], [word("Doctor", 0, 1), word("Who", 1, 2)])

    assert [w.text for w in shown] == ["Doctor", "Who"]


def test_lines_keep_their_own_words_even_when_these_are_the_same() -> None:
    shown = align(["go on", "go on"], [word("go", 0, 1), word("on", 1, 2), word("go", 3, 4, 1),
                                        word("on", 4, 5, 1)])  # fmt: skip

    assert [(w.line, w.text) for w in shown] == [(0, "go"), (0, "on"), (1, "go"), (1, "on")]


def test_text_without_spaces_is_parted_as_its_readers_do_and_timed_by_what_was_spoken() -> None:
    # The engine speaks smaller pieces at the start, and one larger one at the end.
    shown = align(
        ["科学家将在2035年减去三秒。"],
        [word("科", 0, 1), word("学家将", 1, 2), word("在2035年", 2, 4), word("减去三秒。", 4, 6)],
        "zh",
    )

    assert [(w.text, w.at, w.close) for w in shown] == [
        ("科学家", 0, False),
        ("将", 3, True),
        ("在", 4, True),
        ("2035年", 5, True),
        ("减去", 10, True),
        ("三秒。", 12, True),
    ]
    assert [w.start_s for w in shown] == sorted(w.start_s for w in shown)
    assert (shown[0].start_s, shown[-1].end_s) == (0, 6)


def test_a_foreign_name_in_japanese_keeps_the_space_around_it() -> None:
    shown = align(["iPhone 17は新しい"], [word("iPhone", 0, 1), word("17は新しい", 1, 3)], "ja")

    assert [(w.text, w.close) for w in shown] == [
        ("iPhone", False),
        ("17は", False),
        ("新しい", True),
    ]


@pytest.mark.parametrize("line", ["\u200b", "\u200b \u200b", "\u2060\ufeff", ""])
def test_a_line_without_anything_to_see_shows_nothing(line: str) -> None:
    lines = [line, "A day"]
    spoken = [word(line or " ", 0, 1), word("A", 1, 2, 1), word("day", 2, 3, 1)]

    assert [w.text for w in align(lines, spoken) if w.line == 1] == ["A", "day"]
    assert align(["\u200b", "A day"], [word("\u200b", 0, 1)]) == ()
