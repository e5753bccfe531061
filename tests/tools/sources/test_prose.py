import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sources.intake.blocks import split_blocks
from tools.sources.intake.markup import strip_markdown
from tools.sources.intake.prose import clean, has_overlong_word, title_from_name


@given(st.text())
def test_cleaning_twice_is_cleaning_once_and_always_encodes(text: str) -> None:
    once = clean(text)

    assert clean(once) == once
    once.encode()


@given(st.text())
def test_nothing_invisible_or_reordering_is_left(text: str) -> None:
    hidden = set(
        "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"
    )
    left = clean(text)

    assert not hidden & set(left)
    assert not [char for char in left if unicodedata.category(char) in ("Cc", "Cs", "Co", "Zl")]


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("\u201cIt\u2019s\u201d", '"It\'s"'),
        ("a\u00a0b\u2009c\td", "a b c d"),
        ("e\u0301", "\u00e9"),
        ("co\u00adop\u200berate", "cooperate"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\U000e0049\U000e0047hidden orders", "hidden orders"),
        ("\U0001f469\u200d\U0001f680 \u2764\ufe0f", "\U0001f469\u200d\U0001f680 \u2764\ufe0f"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("pay\u200dpal", "paypal"),
        ("100% \\ ' : {x}", "100% \\ ' : {x}"),
        ("\ud800lone", "lone"),
        ("a\x07b\x1b[31m", "ab[31m"),
    ],
)
def test_text_is_made_plain_without_changing_what_it_says(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_a_word_is_overlong_only_where_words_have_spaces() -> None:
    assert has_overlong_word("a " + "x" * 201)
    assert not has_overlong_word("x" * 200)
    assert not has_overlong_word("\u6cb3" * 5_000)
    assert not has_overlong_word("\u0e01" * 5_000)


def test_a_file_name_becomes_a_title() -> None:
    assert title_from_name("2015-04-21-my_first-story.final.md") == "My first story final"


def test_wrapped_lines_join_and_list_items_stand_alone() -> None:
    text = "One line\nand its rest.\n\n- first\n  goes on\n* second\n3) third\n\n\nLast."

    assert split_blocks(text) == [
        "One line and its rest.",
        "- first goes on",
        "- second",
        "- third",
        "Last.",
    ]


def test_long_lines_that_end_as_sentences_are_paragraphs() -> None:
    line = f"{'Some words that go on and on. ' * 5}The end."

    assert split_blocks(f"{line}\n{line}") == [line, line]


@pytest.mark.parametrize(
    ("markdown", "prose"),
    [
        ("**bold\nover lines**", "bold\nover lines"),
        ("snake_case and __init__ stay_put", "snake_case and init stay_put"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("[a [nested] b](x) c", "a [nested] b c"),
        ("see [the lab][lab] and [lab].\n\n[lab]: http://x", "see the lab and lab."),
        ("[sic] stays", "[sic] stays"),
        ("<b>bold</b> &lt;3", "bold <3"),
        ("before <script>alert('</p>')</script> after", "before\n\nafter"),
        ("<!-- never closed", "<!-- never closed"),
        ("mail <mailto:a@b.c> or <https://x.example> now", "mail  or  now"),
        ("\\*not emphasis\\*", "*not emphasis*"),
        ("> > quoted twice", "quoted twice"),
        ("- item\n\n    its second paragraph\n", "- item\n\nits second paragraph"),
        ("text\n\n    code\n    more\n\ntext", "text\n\ntext"),
        ("~~~\ncode\n~~~\ntext", "text"),
        ("a | b\n--|--\n1 | 2\n\nx | y is math", "x | y is math"),
    ],
)
def test_markdown_marks_go_and_words_stay(markdown: str, prose: str) -> None:
    assert strip_markdown(markdown) == prose


@pytest.mark.parametrize(
    "unit",
    ["[", "[a](", "![", "*a ", "`a``b", "<a ", "<!-- ", "<script ", "{{ ", "> ", "[^", "~~a "],
)
def test_a_flood_of_marks_takes_no_time(unit: str) -> None:
    assert isinstance(strip_markdown(unit * 60_000), str)
