# ruff: noqa: RUF001  (other scripts and signs are the point here)
"""A figure below zero is shown with its sign, or not at all."""

from collections.abc import Callable

import pytest

from bookai.film.shots import Candidate, NumberShot
from tools.render.shots.reading.figures import find_figures
from tools.render.shots.reading.lexicon import lexicon

Shots = Callable[..., tuple[Candidate, ...]]


@pytest.mark.parametrize(
    ("language", "sentence", "value"),
    [
        ("en", "The year ended at –$5 million for them.", "–$5"),
        ("en", "The year ended at -$5 million for them.", "-$5"),
        ("en", "Growth was −5 % in the spring.", "−5 %"),
        ("en", "Growth was − 5 % in the spring.", "− 5 %"),
        ("en", "Growth was minus 5% in the spring.", "minus 5%"),
        ("de", "Das Ergebnis lag bei -5 Mio. Euro.", "-5"),
        ("de", "Es waren minus 7 °C am Morgen.", "minus 7 °C"),
        ("fr", "La croissance est de −5 % cette année.", "−5 %"),
        ("es", "El resultado fue de -5 % este año.", "-5 %"),
        ("it", "La crescita è stata del –5 % nel mese.", "–5 %"),
        ("pt", "O resultado foi de -R$ 5 milhões no ano.", "-R$ 5"),
        ("ru", "Рост составил –5 % за год.", "–5 %"),
        ("ru", "Утром было минус 7 °C в городе.", "минус 7 °C"),
        ("el", "Η ανάπτυξη ήταν −5 % φέτος.", "−5 %"),
        ("ar", "بلغ النمو -5% هذا العام.", "-5%"),
        ("ar", "بلغ النمو \u061c-٥٪ هذا العام.", "-٥٪"),
        ("he", "הצמיחה הייתה -5% השנה.", "-5%"),
        ("hi", "विकास दर -5% रही।", "-5%"),
        ("th", "การเติบโตอยู่ที่ -5% ในปีนี้", "-5%"),
        ("th", "การเติบโตติดลบ 5% ในปีนี้", "ติดลบ 5%"),
        ("zh", "今天气温为-7℃。", "-7"),
        ("zh", "今天气温为零下7℃。", "零下7"),
        ("ja", "利益は－5％だった。", "－5％"),
        ("ja", "気温はマイナス7℃だった。", "マイナス7"),
        ("ko", "성장률은 -5%였다.", "-5%"),
        ("ko", "성장률은 마이너스 5%였다.", "마이너스 5%"),
    ],
)
def test_a_figure_below_zero_is_shown_with_its_sign(
    shots_of: Shots, language: str, sentence: str, value: str
) -> None:
    numbers = [one.shot for one in shots_of(sentence, language) if isinstance(one.shot, NumberShot)]

    assert [shot.value.removesuffix("℃") for shot in numbers] == [value]
    assert sentence[numbers[0].at :].startswith(value)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "It was –$5 million."), ("de", "Es waren minus 5 %."), ("ja", "－5％だった。")],
)
def test_its_amount_is_below_zero(language: str, text: str) -> None:
    (figure,) = find_figures(text, lexicon(language))

    assert figure.amount < 0


@pytest.mark.parametrize(
    ("language", "sentence", "said"),
    [
        ("en", "The vote – 5 % of members – came late.", "–"),
        ("en", "The loss was (5%) in the spring.", "(5"),
        ("en", "They lost -SEK 5 million in the spring.", "-SEK"),
        ("en", "It was 5 °C below zero in the town.", "below zero"),
        ("en", "It was 5 degrees below zero in the town.", "below zero"),
        ("de", "Am Morgen waren es 5 °C unter null.", "unter null"),
        ("fr", "Il faisait 5 °C au-dessous de zéro.", "au-dessous de zéro"),
        ("fr", "La croissance est de moins 5 % en mai.", "moins 5"),
        ("es", "Había 5 °C bajo cero en la ciudad.", "bajo cero"),
        ("it", "Sono venute più o meno 300 persone.", "meno 300"),
        ("pt", "Estavam 5 °C abaixo de zero na cidade.", "abaixo de zero"),
        ("ru", "Было 5 °C ниже нуля в городе.", "ниже нуля"),
        ("ar", "كانت الحرارة 5 °C تحت الصفر.", "تحت الصفر"),
        ("hi", "तापमान शून्य से 5 °C नीचे था।", "नीचे"),
    ],
)
def test_a_figure_that_may_be_below_zero_is_shown_with_what_says_so_or_not_at_all(
    shots_of: Shots, language: str, sentence: str, said: str
) -> None:
    for candidate in shots_of(sentence, language):
        assert candidate.shot.kind != "number"
        for text in texts(candidate.shot.model_dump()):
            assert said in text or not any(letter.isdigit() for letter in text)


@pytest.mark.parametrize(
    ("language", "sentence", "unsigned"),
    [
        ("en", "The results were –$5 million, $7 million and calm seas.", "$5"),
        ("en", "Growth is a –5 % drop in all of the shops.", "5 % drop"),
        ("en", "So –40 degrees Celsius came overnight.", "40 degrees"),
        ("en", "Negative 40 degrees Celsius came overnight.", "40 degrees"),
        ("de", "Dann kamen –40 Grad Celsius über Nacht.", "40 Grad"),
        ("ja", "気温は−40度になった。", "40度"),
    ],
)
def test_no_card_of_words_begins_behind_a_minus(
    shots_of: Shots, language: str, sentence: str, unsigned: str
) -> None:
    shown = [text for one in shots_of(sentence, language) for text in texts(one.shot.model_dump())]

    assert shown
    assert not [text for text in shown if text.startswith(unsigned)]


@pytest.mark.parametrize(
    ("language", "text", "amounts"),
    [
        ("en", "A COVID-19 ward, pages 3 -5 and RFC -2119.", []),
        ("en", "An 18-year-old ran 20-30 miles.", []),
        ("he", "זה עולה כ-30 אלף שקלים.", [30_000.0]),
        ("zh", "年薪为5万-8万元。", []),
    ],
)
def test_a_hyphen_a_range_or_a_prefix_is_no_minus(
    language: str, text: str, amounts: list[float]
) -> None:
    assert [one.amount for one in find_figures(text, lexicon(language)) if one.unit] == amounts


def test_a_hebrew_prefix_hides_no_figure(shots_of: Shots) -> None:
    numbers = [
        one for one in shots_of("זה עולה כ-30 אלף שקלים.", "he") if one.shot.kind == "number"
    ]

    assert numbers


def texts(value: object) -> list[str]:
    match value:
        case dict():
            return [text for key, one in value.items() if key != "kind" for text in texts(one)]
        case tuple() | list():
            return [text for one in value for text in texts(one)]
        case str():
            return [value]
        case _:
            return []
