import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.render.text.words import cut_words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Clocks  lose a second.", "en", "Clocks lose a second."),
        (
            "時計は2035年に1秒を失う、と「言う」。",
            "ja",
            "時計は 2035年に 1秒を 失う、 と 「言う」。",
        ),
        ("科学家将在2035年首次减去三秒", "zh", "科学家 将 在 2035年 首 次 减去 三秒"),
        ("臺灣的天氣很好", "zh-TW", "臺灣的 天氣 很 好"),
        ("นักวิทยาศาสตร์จะลบหนึ่งวินาที", "th", "นักวิทยาศาสตร์ จะ ลบ หนึ่ง วินาที"),
        ("OpenAI发布了新模型GPT-5。", "zh", "OpenAI 发布了 新模型 GPT-5。"),
        ("ភាសា\u200bខ្មែរ", "km", "ភាសា ខ្មែរ"),
    ],
)
def test_a_text_is_parted_where_its_readers_part_it(text: str, language: str, words: str) -> None:
    assert [token.text for token in cut_words(text, language)] == words.split()


def test_only_a_space_in_the_text_is_a_space_on_the_screen() -> None:
    tokens = cut_words("iPhone 17は新しい", "ja")

    assert [(token.text, token.at, token.close) for token in tokens] == [
        ("iPhone", 0, False),
        ("17は", 7, False),
        ("新しい", 10, True),
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="a1. ,中国日本語がはไทยก่「」、。\u200b", max_size=60))
def test_every_letter_of_a_text_is_in_one_word_at_its_place(text: str) -> None:
    tokens = cut_words(text, "")

    assert "".join(token.text for token in tokens) == "".join(text.replace("\u200b", "").split())
    assert all(text.startswith(token.text, token.at) for token in tokens)
