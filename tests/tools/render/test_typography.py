from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.errors import OperatorNeeded, Refused
from tools.render.type.fonts import Family, has_glyph, locate
from tools.render.typography import (
    BLACK,
    FAMILIES,
    HEAVY,
    Style,
    Typeface,
    missing_families,
    path_of,
)

HIGH_AND_LOW = {
    "Noto Sans": "Ὕ ΐ Ἄ ὣ ᾧ",
    "Arabic": "أُضِيفَتْ الَّذِي إِنَّ ثانيةٌ",
    "Hebrew": "שָׁלוֹם עֲלֵיכֶם לֵּ ךְ",
    "Devanagari": "हिन्दी शृंखला ट्रैक्टर र्कैं ड्रू ह्रूं",
    "Bengali": "শ্রদ্ধা চাঁদ র্কী",
    "Tamil": "தமிழ் ஸ்ரீ ஜூ",
    "Telugu": "స్త్రీ క్ష్మ ద్ధృ",
    "Thai": "ที่นี่ ผู้ใหญ่ น้ำ กิ๊ ญู",
    "Lao": "ຜູ້ໃຫຍ່ ປີ່ ກຼຸ",
    "Khmer": "ស្ត្រី ញ្ញុំ ក្រុំ",
    "Myanmar": "ကျွန်ုပ် မြန်မာ ဥက္ကဋ္ဌ",
    "Japanese": "鬱 ぽ、 「語」",
    "Korean": "뷁 쾗",
    "Simplified Chinese": "鬱 中，",  # noqa: RUF001
    "Traditional Chinese": "鬱 中，",  # noqa: RUF001
}
FACE = Typeface()
STYLE = Style(90, HEAVY, -8)


@pytest.mark.parametrize(
    ("letters", "script"),
    [
        ("საქართველო", "Georgian"),
        ("ሰላም", "Ethiopic"),
        ("ಕನ್ನಡ", "Kannada"),
        ("བོད་", "Tibetan"),
    ],
)
def test_a_script_that_no_font_has_is_refused_by_name_with_the_mend(
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
        ("in 👮\u200d♀️ नि\u200cम", "in नि\u200cम"),
        ("e" + "\u0331" * 100, "e" + "\u0331" * 6),
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


def test_every_script_is_set_in_its_own_font() -> None:
    line = "Ab Жя Ωλ שלום مرحبا नमस्ते สวัสดี 中文 かな 한글"

    files = [Path(path).name.split("[")[0] for path in Typeface().files(line)]

    assert sorted(name.removeprefix("NotoSans") for name in files) == [
        *("", "Arabic", "Devanagari", "Hebrew", "JP", "KR", "Montserrat", "Thai")
    ]


@pytest.mark.parametrize(
    ("language", "font"),
    [("ja", "JP"), ("ko", "KR"), ("zh", "SC"), ("zh-Hant", "TC"), ("zh_HK", "TC"), ("en", "SC")],
)
def test_han_letters_have_the_forms_of_their_language(language: str, font: str) -> None:
    assert Path(Typeface(language=language).files("直骨")[0]).name == f"NotoSans{font}[wght].ttf"


def test_marks_go_with_the_letters_beside_them() -> None:
    runs = Typeface(language="zh").runs("“中文”，iPhone（17）", Style(40, BLACK))  # noqa: RUF001

    assert [(run.text, Path(run.path).name.split("[")[0]) for run in runs] == [
        ("“中文”，", "NotoSansSC"),  # noqa: RUF001
        ("iPhone", "Montserrat"),
        ("（", "NotoSansSC"),  # noqa: RUF001
        ("17", "Montserrat"),
        ("）", "NotoSansSC"),  # noqa: RUF001
    ]


def test_the_operators_font_comes_first_where_it_has_the_letters() -> None:
    own = path_of("Hebrew")

    runs = Typeface(own).runs("Hi 中文", Style(40, BLACK))

    assert [(run.text, run.path) for run in runs] == [
        ("Hi ", own),
        ("中文", path_of("Simplified Chinese")),
    ]


def test_a_missing_pack_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(OperatorNeeded, match="Klingon") as missing:
        locate("Klingon", Family("justmytype-klingon", "fonts/klingon.ttf"))

    assert missing.value.mend == "pip install justmytype-klingon"
    assert missing_families() == {}


def test_lines_of_chinese_and_thai_are_broken_between_words() -> None:
    chinese = Typeface(language="zh").wrap("科学家将在明年首次减去一秒", Style(60, BLACK), 300)
    thai = Typeface(language="th").wrap("นักวิทยาศาสตร์จะลบหนึ่งวินาที", Style(60, BLACK), 480)

    assert chinese == ["科学家将在", "明年首次", "减去一秒"]
    assert thai == ["นักวิทยาศาสตร์", "จะลบหนึ่งวินาที"]


def test_a_headline_of_arabic_knows_that_it_reads_from_the_right() -> None:
    face = Typeface(language="ar")

    setting = face.fit("iPhone 17 في الأسواق", BLACK, (300, 400), range(90, 40, -6), 1.1)

    assert setting.style.rtl
    # The line's own direction: the Latin name, spoken first, is at its right end.
    assert face.runs(setting.lines[0], setting.style)[-1].text.startswith("iPhone")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_highest_and_lowest_letters_stay_in_their_line(name: str) -> None:
    style = Style(100, BLACK)
    for word in HIGH_AND_LOW.get(name, "Ệ Ằ Ǻ gj").split():
        ink = FACE.ink(word, style)

        assert -ink.top <= FACE.rise(style), word
        assert ink.bottom <= FACE.line_height(style) - FACE.rise(style), word


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="aЖΩשلअกकिা中か한éq\u0303\u0651\u0e49★→①%“”(-)7٣、। ", max_size=24))
def test_no_letter_is_set_in_a_font_that_lacks_it(text: str) -> None:
    shown = FACE.clean(text)

    assert [
        letter
        for run in FACE.runs(shown, STYLE)
        for letter in run.text
        if not has_glyph(run.path, letter)
    ] == []


@pytest.mark.parametrize(
    ("text", "language"), [("पृथ्वी तेज़ घूम", "hi"), ("ผู้ใหญ่ ที่นี่ ปู่", "th"), ("أُضِيفَتْ إِنَّ الَّذِي", "ar")]
)
def test_marks_of_one_line_do_not_touch_the_next(text: str, language: str) -> None:
    face = Typeface(language=language)

    setting = face.fit(text, BLACK, (340, 900), range(160, 60, -8), 1.0)

    size = setting.style.size
    masks = [face.mask(line, setting.style) for line in setting.lines]
    tall = round(len(masks) * size * setting.leading) + face.line_height(setting.style)
    sheet = np.zeros((tall, max(mask.shape[1] for mask in masks)))
    for row, mask in enumerate(masks):
        top = round(row * size * setting.leading)
        x = sheet.shape[1] - mask.shape[1] if setting.style.rtl else 0
        sheet[top : top + mask.shape[0], x : x + mask.shape[1]] += mask > 0.2
    assert len(masks) > 1
    assert setting.leading > 1
    assert sheet.max() == 1


def test_a_latin_headline_keeps_the_leading_that_was_asked_for() -> None:
    setting = FACE.fit("Clocks lose a second", BLACK, (500, 900), range(150, 60, -6), 1.04)

    assert setting.leading == 1.04
