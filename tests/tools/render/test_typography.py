from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, Refused
from tools.render.typography import BLACK, HEAVY, Style, Typeface, right_to_left

FACE = Typeface()
STYLE = Style(90, HEAVY, -8)


@pytest.mark.parametrize(
    ("letters", "script"),
    [
        ("مرحبا", "Arabic"),
        ("שלום", "Hebrew"),
        ("中文", "Chinese (Han)"),
        ("हिन्दी", "Devanagari"),
        ("ひらがな", "Hiragana"),
    ],
)
def test_a_script_that_the_font_lacks_is_refused_by_name_with_the_mend(
    letters: str, script: str
) -> None:
    with pytest.raises(Refused) as refused:
        FACE.clean(f"Hello {letters}")

    assert script in str(refused.value)
    assert "font =" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("so 🎉 what 👩‍💻", "so what"),
        ("a\tb\u200b\nc", "a b c"),
        ("100% {x} \\n 'q' %d : <b>", "100% {x} \\n 'q' %d : <b>"),
        ("don't", "don\u2019t"),
        ("Привет, Việt Nam, ţőŁ", "Привет, Việt Nam, ţőŁ"),
        ("\U0001d401old \uff11\uff12", "Bold 12"),
        ("🎉🎉", ""),
    ],
)
def test_text_is_shown_as_written_but_for_what_no_font_draws(text: str, shown: str) -> None:
    assert FACE.clean(text) == shown


def test_a_word_of_ten_thousand_letters_is_broken_into_pieces_that_fit() -> None:
    pieces = FACE.break_word("W" * 10_000, STYLE, 800)

    assert "".join(pieces) == "W" * 10_000
    assert max(FACE.width(piece, STYLE) for piece in pieces) <= 800


@pytest.mark.parametrize("text", ["Clocks", "W" * 10_000, "word " * 900, "Rechtsschutz" * 4])
def test_a_headline_never_leaves_its_room(text: str) -> None:
    setting = FACE.fit(text, BLACK, (852, 470), range(150, 60, -6), 1.04)

    assert max(FACE.width(line, setting.style) for line in setting.lines) <= 852
    assert len(setting.lines) * setting.style.size * 1.04 <= 470 + setting.style.size


def test_a_short_headline_is_set_larger_than_a_long_one() -> None:
    short = FACE.fit("Clocks stop", BLACK, (852, 470), range(150, 60, -6), 1.04)
    long = FACE.fit("Why " * 20, BLACK, (852, 470), range(150, 60, -6), 1.04)

    assert short.style.size > long.style.size


def test_weights_of_the_shipped_font_differ() -> None:
    assert FACE.width("Clock", Style(90, 900)) > FACE.width("Clock", Style(90, 400)) + 10


def test_a_mask_has_even_sides_and_holds_all_of_the_ink() -> None:
    mask = FACE.mask("Ågj|", STYLE, pad=4)

    assert mask.shape[0] % 2 == mask.shape[1] % 2 == 0
    assert not mask[0].any()
    assert not mask[-1].any()
    assert mask.max() == 1


def test_a_file_that_is_no_font_needs_the_operator(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_text("no font")

    with pytest.raises(OperatorNeeded, match="font"):
        Typeface(str(tmp_path / "font.ttf")).clean("x")


def test_the_first_strong_letter_decides_the_direction() -> None:
    assert right_to_left("2035 مرحبا Meta")
    assert not right_to_left("Meta مرحبا")
