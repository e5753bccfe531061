# ruff: noqa: RUF001  (other scripts are the point here)
import pytest

from tools.render.shots.reading.dates import find_dates
from tools.render.shots.reading.figures import find_figures
from tools.render.shots.reading.lexicon import lexicon


@pytest.mark.parametrize(
    ("language", "text", "value", "scale", "amount", "unit"),
    [
        ("en", "It cost $2.9bn.", "$2.9bn", "", 2.9e9, "$"),
        ("en", "Some 1,234.5 million dollars.", "1,234.5", "million dollars", 1234.5e6, "$"),
        ("en", "Twenty-five cars came.", "Twenty-five", "", 25.0, ""),
        ("de", "Rund 1.234,5 Millionen Euro.", "1.234,5", "Millionen Euro", 1234.5e6, "€"),
        ("de", "Das sind 3 Mrd. €.", "3", "Mrd. €", 3e9, "€"),
        ("fr", "Soit 1 234,5 millions d'euros.", "1 234,5", "millions d'euros", 1234.5e6, "€"),
        ("es", "El 41,5 % vino.", "41,5 %", "", 41.5, "%"),
        ("it", "Ben 12.000 persone.", "12.000", "", 12000.0, ""),
        ("pt", "Custa R$ 2,9 milhões.", "R$ 2,9", "milhões", 2.9e6, "R$"),
        ("ru", "Это 1,5 млрд рублей.", "1,5", "млрд рублей", 1.5e9, "₽"),
        ("el", "Μόλις 2,5 εκατομμύρια ευρώ.", "2,5", "εκατομμύρια ευρώ", 2.5e6, "€"),
        ("ar", "يكلف ٣٫٥ مليون دولار.", "٣٫٥", "مليون دولار", 3.5e6, "$"),
        ("he", "עולה כ-30 אלף שקלים.", "30", "אלף שקלים", 3e4, "₪"),
        ("hi", "लागत 2 लाख करोड़ रुपये है।", "2", "लाख करोड़ रुपये", 2e12, "₹"),
        ("hi", "कुल 1,23,456 लोग आए।", "1,23,456", "", 123456.0, ""),
        ("th", "ใช้เงิน 3 พันล้านบาท", "3", "พันล้านบาท", 3e9, "฿"),
        ("zh", "耗资1.5万亿元。", "1.5", "万亿元", 1.5e12, "元"),
        ("ja", "費用は約3億5000万円です。", "3億5000万", "円", 3.5e8, "¥"),
        ("ko", "비용은 20억 달러다.", "20", "억 달러", 2e9, "$"),
    ],
)
def test_a_figure_is_read_as_its_language_writes_it(
    language: str, text: str, value: str, scale: str, amount: float, unit: str
) -> None:
    (figure,) = find_figures(text, lexicon(language))

    assert (figure.value, figure.scale, figure.unit) == (value, scale, unit)
    assert figure.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The 18-year-old met them at 10:30 with RFC-2119 and 10.0.0.1."),
        ("en", "It costs between $5 and $7 billion, or 300 to 400 million euros."),
        ("de", "Am 30.06.2019 um 12:15 Uhr."),
    ],
)
def test_ages_times_dates_versions_and_ends_of_a_range_are_no_figures(
    language: str, text: str
) -> None:
    assert find_figures(text, lexicon(language)) == ()


@pytest.mark.parametrize(
    ("language", "text", "key"),
    [
        ("en", "On 30 June 2012 it failed.", (2012, 6, 30)),
        ("en", "On June 30, 2012, it failed.", (2012, 6, 30)),
        ("de", "Am 3. März 2019 kam es.", (2019, 3, 3)),
        ("es", "El 3 de marzo de 2019 vino.", (2019, 3, 3)),
        ("ru", "В апреле 1951 года.", (1951, 4, 0)),
        ("ja", "2019年4月1日に始まった。", (2019, 4, 1)),
        ("ko", "2019년 4월 1일에 시작했다.", (2019, 4, 1)),
        ("xx", "In 1999 aber.", (1999, 0, 0)),
    ],
)
def test_a_date_is_read_as_its_language_writes_it(
    language: str, text: str, key: tuple[int, int, int]
) -> None:
    assert [when.key for when in find_dates(text, lexicon(language))] == [key]


def test_a_month_s_name_that_is_another_word_is_no_date() -> None:
    assert find_dates("It may rain. May I come?", lexicon("en")) == ()
