"""What is said for figures, units, money and abbreviations in each language."""

# ruff: noqa: RUF001 (these are the characters that people type)

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.errors import OperatorNeeded
from tools.voices.spoken import japanese
from tools.voices.spoken.saying import TONGUES, say
from tools.voices.spoken.shown import shown_tokens


def said(line: str, language: str) -> list[str]:
    return say(shown_tokens(line, language), language)


@pytest.mark.parametrize(
    ("language", "line", "spoken"),
    [
        ("de", "Am 3. Mai 1998 im 21. Jahrhundert", "Am dritten Mai neunzehnhundert 98 im "
         "einundzwanzigsten Jahrhundert"),
        ("de", "am 03.05.2024 um 12:30 Uhr", "am dritten Mai 2024 um 12 Uhr 30"),
        ("de", "1.234,5 Mio. € (z. B. 5€)", "1234,5 Millionen Euro zum Beispiel 5 Euro"),
        ("de", "10–15 km/h bei -5 °C, 1 €.", "10 bis 15 Kilometer pro Stunde bei minus 5 Grad "
         "Celsius, 1 Euro."),
        ("de", "3,5 % bzw. $5", "3,5 Prozent beziehungsweise 5 Dollar"),
        ("de", "Es waren 20. Danach", "Es waren 20. Danach"),
        ("fr", "M. Dupont a payé 1 234,5 € au XXIe siècle", "Monsieur Dupont a payé 1234,5 euros "
         "au vingt et unième siècle"),
        ("fr", "2,9 Md€ le 1er mai à 12h30", "2,9 milliards d'euros le premier mai à 12 heures 30"),
        ("fr", "En 2024 500 personnes", "En 2024, 500 personnes"),
        ("es", "EE. UU. pagó $5 M al Sr. López", "Estados Unidos pagó 5 millones de dólares al "
         "señor López"),
        ("es", "el 1.º de mayo, 10-15 km", "el primero de mayo, 10 a 15 kilómetros"),
        ("it", "1.234,5 € e 2,9 mln $", "1234,5 euro e 2,9 milioni di dollari"),
        ("pt", "R$ 5 e US$ 2 bilhões", "5 reais e 2 bilhões de dólares"),
        ("ru", "21 км, 3 км, 5 км и 1 234,5 ₽", "21 километр, 3 километра, 5 километров и "
         "1234,5 рубля"),
        ("ru", "2,9 млрд $, т. е. 3 %", "2,9 миллиарда долларов, то есть 3 процента"),
        ("el", "3,5 % π.χ. 12 km/h", "3,5 τοις εκατό για παράδειγμα 12 χιλιόμετρα την ώρα"),
        ("ar", "٣٫٥٪ و ١٬٢٣٤ كم و $5", "3.5 بالمئة و 1234 كيلومتر و 5 دولار"),
        ("he", "3.5% 12 ק\"מ ₪5", "3.5 אחוזים 12 קילומטר 5 שקלים"),
        ("hi", "₹5 १२३ किमी 1,23,456", "5 रुपये 123 किलोमीटर 123456"),
        ("ko", "3명이 3시에 12km, $5", "세 명이 세 시에 12 킬로미터, 5 달러"),
        ("zh", "2024年3.5%，$12亿，10-15公里", "二零二四年 百分之3.5， 12亿美元， 10到15 公里"),
        ("th", "3.5% 12 กม.", "3.5 เปอร์เซ็นต์ 12 กิโลเมตร"),
        ("de", "für €7,234,643", "für 7234643 Euro"),
        ("ko", "우승🔥팀 𝐏𝐔𝐁𝐆|T1", "우승 팀 PUBG T1"),
        ("nl", "Het kost 5 euro.", "Het kost 5 euro."),
        ("de", "ein 3:1 und 3-1", "ein 3:1 und 3 1"),
    ],
)  # fmt: skip
def test_a_text_is_said_as_a_presenter_says_it(language: str, line: str, spoken: str) -> None:
    assert " ".join(filter(None, said(line, language))) == spoken


def squeezed(text: str) -> str:
    return "".join(text.split())


DEGREES = {
    "ar": ("ناقص 5 درجة مئوية", "41 درجة فهرنهايت"),
    "de": ("minus 5 Grad Celsius", "41 Grad Fahrenheit"),
    "el": ("μείον 5 βαθμοί Κελσίου", "41 βαθμοί Φαρενάιτ"),
    "en": ("minus five degrees Celsius", "forty one degrees Fahrenheit"),
    "es": ("menos 5 grados Celsius", "41 grados Fahrenheit"),
    "fr": ("moins 5 degrés Celsius", "41 degrés Fahrenheit"),
    "he": ("מינוס 5 מעלות צלזיוס", "41 מעלות פרנהייט"),
    "hi": ("माइनस 5 डिग्री सेल्सियस", "41 डिग्री फ़ारेनहाइट"),
    "it": ("meno 5 gradi Celsius", "41 gradi Fahrenheit"),
    "ja": ("マイナスごど", "よんじゅういちファーレンハイトど"),
    "ko": ("마이너스 5 도", "41 화씨도"),
    "pt": ("menos 5 graus Celsius", "41 graus Fahrenheit"),
    "ru": ("минус 5 градусов Цельсия", "41 градус Фаренгейта"),
    "th": ("ลบ 5 องศาเซลเซียส", "41 องศาฟาเรนไฮต์"),
    "zh": ("负 5摄氏度", "41华氏度"),
}


@pytest.mark.parametrize("language", sorted({*TONGUES, "en", "ja"}))
def test_a_dash_before_a_figure_is_minus_and_degrees_keep_their_name(language: str) -> None:
    cold, warm = DEGREES[language]

    for shown in ("–5℃", "−5℃", "-5℃", "–5°C"):
        assert "".join(said(shown, language)) == cold
    assert squeezed(" ".join(said("–5 °C", language))) == squeezed(cold)
    assert "".join(said("41℉", language)) == "".join(said("41°F", language)) == warm


def test_a_dash_behind_a_figure_is_no_sign() -> None:
    assert "minus" not in " ".join(said("von 2019 –2021", "de"))


def test_a_dash_between_two_figures_is_a_range_in_japanese_and_in_a_score_none() -> None:
    assert said("1.5–2m", "ja") == ["いちてんごからにメートル"]
    assert said("3-1", "ja") == ["さん-いち"]
    assert "から" not in said("2024-05-01", "ja")[0]


@pytest.mark.parametrize(
    ("number", "kana"),
    [
        ("0", "ゼロ"),
        ("15", "じゅうご"),
        ("300", "さんびゃく"),
        ("1000", "せん"),
        ("3600", "さんぜんろっぴゃく"),
        ("10000", "いちまん"),
        ("120000000", "いちおくにせんまん"),
        ("3.05", "さんてんゼロご"),
        ("007", "ゼロゼロなな"),
        ("9" * 30, "きゅう" * 30),
    ],
)
def test_a_number_is_counted_in_japanese(number: str, kana: str) -> None:
    assert japanese.count(number) == kana


def test_what_is_counted_in_japanese_has_its_own_words() -> None:
    assert said("4年に2人、20日に4月は$5。", "ja") == [
        "よねんに", "ふたり、", "はつかに", "しがつわ", "ごドル。",
    ]  # fmt: skip


def test_kanji_are_read_where_the_dictionary_is_there_and_named_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    japanese._convert.cache_clear()
    monkeypatch.setitem(sys.modules, "pykakasi", None)

    with pytest.raises(OperatorNeeded) as caught:
        said("北海道", "ja")

    assert "pip install pykakasi" in caught.value.mend


def test_kanji_get_their_reading() -> None:
    pytest.importorskip("pykakasi")
    japanese._convert.cache_clear()

    assert said("今日は三人の科学者が世界へ", "ja") == [
        "きょうわ", "さんにんの", "かがくしゃが", "せかいえ",
    ]  # fmt: skip


@pytest.mark.parametrize("language", sorted({*TONGUES, "en", "nl"}))
@settings(max_examples=40, deadline=None)
@given(
    line=st.text(
        st.sampled_from("0123456789.,:-–/%$€ .aмあ年०٣kmº°C№\u200d\U0001f389"), max_size=40
    )
)
def test_every_token_gets_exactly_one_text_whatever_is_written(language: str, line: str) -> None:
    tokens = shown_tokens(line, language)

    assert len(say(tokens, language)) == len(tokens)
