# ruff: noqa: RUF001  (other scripts are the point here)
"""A figure is no half of a range, no end of a change, and below zero only where that is said."""

from collections.abc import Callable

import pytest

from bookai.film.shots import Candidate, NumberShot
from tools.render.shots.reading.figures import find_figures
from tools.render.shots.reading.lexicon import lexicon

Shots = Callable[..., tuple[Candidate, ...]]


def numbers(found: tuple[Candidate, ...]) -> list[NumberShot]:
    return [one.shot for one in found if isinstance(one.shot, NumberShot)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "She tested negative 5 times in one week."),
        ("en", "So 10 minus 5 people is 5."),
        ("en", "So 10 % minus 5 % is less."),
        ("en", "It is 40 percent, plus or minus 3 percent."),
        ("de", "Er hat plus/minus 3 Prozent und minus 5 Freunde."),
        ("ru", "Это 10 минус 5 человек."),
        ("th", "นักเรียนสลบ 3 คน"),
        ("th", "เขาหลบ 3 ครั้ง ถูกลบ 5 ครั้ง"),
        ("th", "ข้อมูลถูกลบ 5% ของทั้งหมด"),
        ("zh", "他有抱负5项。"),
        ("zh", "他负5000元债。"),
        ("ko", "수영하 5도의 물."),
        ("ja", "誤差はプラスマイナス3％だ。"),
    ],
)
def test_what_merely_looks_like_a_minus_gives_no_figure_below_zero(
    language: str, text: str
) -> None:
    assert not [one for one in find_figures(text, lexicon(language)) if one.amount < 0]


@pytest.mark.parametrize(
    ("language", "sentence", "shown"),
    [
        ("en", "She tested negative 5 times in one week.", "5"),
        ("th", "ข้อมูลถูกลบ 5% ของทั้งหมด", "5%"),
        ("zh", "他负5000元债。", "5000元"),
        ("he", "הצמיחה ירדה למינוס 5% השנה.", "5%"),
    ],
)
def test_a_minus_that_is_not_sure_hides_its_figure(
    shots_of: Shots, language: str, sentence: str, shown: str
) -> None:
    assert shown not in {one.value for one in numbers(shots_of(sentence, language))}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "It was minus 40 degrees outside."),
        ("en", "It made minus 5 million last year."),
        ("en", "It made minus $5 last year."),
        ("de", "Es waren minus 7 Grad am Morgen."),
        ("ru", "Утром было минус 7 градусов."),
        ("th", "กำไรติดลบ 5 ล้านบาท"),
        ("zh", "今天气温为零下7度。"),
        ("ja", "気温はマイナス7度だった。"),
        ("ko", "기온은 영하 7도였다."),
    ],
)
def test_a_spelled_minus_before_a_unit_is_one(language: str, text: str) -> None:
    (figure,) = find_figures(text, lexicon(language))

    assert figure.amount < 0


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "More children aged from 5 to 12 read books."),
        ("en", "More shops open from 9 to 17 hours."),
        ("en", "The shop with more profit is open from 9 to 17 hours."),
        ("en", "Sales rose, and children aged from 5 to 12 read books."),
        ("en", "Children aged from 5 to 12 read books and prices fell."),
        ("es", "Más niños de 5 a 12 años leen libros."),
        ("it", "Più bambini dai 5 ai 12 anni leggono libri."),
        ("pt", "Mais crianças de 5 a 12 anos leem livros."),
        ("pt", "Mais crianças de 5 até 12 anos leem livros."),
        ("fr", "Plus de magasins ouvrent de 9 à 17 heures."),
        ("ru", "Больше магазинов открыто с 9 до 17 часов."),
        ("ja", "利益は別として、5から12人が来る。"),
        ("ja", "5歳から12歳の子どもが増えた。"),
        ("ko", "오늘 5에서 12명이 왔다."),
    ],
)
def test_a_range_shows_no_number_though_a_word_of_more_is_near(
    shots_of: Shots, language: str, sentence: str
) -> None:
    assert not numbers(shots_of(sentence, language))


@pytest.mark.parametrize(
    ("language", "sentence", "since"),
    [
        ("en", "The number of shops fell last year from 12 to 5.", "12"),
        ("de", "Die Zahl der Läden ist von 12 auf 5 gesunken.", "12"),
        ("es", "El número de tiendas bajó de 12 a 5.", "12"),
        ("fr", "Le nombre a chuté de 12 à 5.", "12"),
        ("ru", "Число магазинов упало с 12 до 5.", "12"),
        ("zh", "商店从12家降至5家。", "12"),
        ("ja", "店は12店から5店に減少した。", "12"),
        ("ko", "가게는 12곳에서 5곳으로 줄었다.", "12"),
    ],
)
def test_a_word_of_change_right_before_makes_it_one(
    shots_of: Shots, language: str, sentence: str, since: str
) -> None:
    first = numbers(shots_of(sentence, language))[0]

    assert first.since.startswith(since)


@pytest.mark.parametrize(
    "sentence",
    [
        "It was down from 60 percent in 2010.",
        "It takes from 45 %, as all of us have known for many long years, to 60 % of it.",
    ],
)
def test_neither_what_was_nor_an_end_of_a_range_stands_alone(
    shots_of: Shots, sentence: str
) -> None:
    assert not {"45 %", "60 %", "60"} & {one.value for one in numbers(shots_of(sentence))}
