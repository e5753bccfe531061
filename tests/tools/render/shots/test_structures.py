# ruff: noqa: RUF001  (other scripts are the point here)
"""Bars, charts, timelines, lists, definitions and places of a sentence."""

from collections.abc import Callable

import pytest

from bookai.film.shots import (
    Bar,
    BarsShot,
    Candidate,
    ChartShot,
    DefinitionShot,
    Event,
    ListShot,
    PlaceShot,
    Point,
    TimelineShot,
)

Shots = Callable[..., tuple[Candidate, ...]]
SHARES = ("27 % of women and 41 % of men agreed.", ("women", "men"))


@pytest.mark.parametrize(
    ("language", "sentence", "labels"),
    [
        ("en", *SHARES),
        (
            "en",
            "Germany has 83 million people, France has 67 million people.",
            ("Germany", "France"),
        ),
        ("en", "It carried 33 passengers and six crew members.", ("passengers", "crew members")),
        ("de", "27 Prozent der Frauen und 41 Prozent der Männer kamen.", ("Frauen", "Männer")),
        ("fr", "27 % des femmes et 41 % des hommes ont voté.", ("femmes", "hommes")),
        ("ru", "27 % женщин и 41 % мужчин пришли.", ("женщин", "мужчин")),
        ("zh", "女性占27%，男性占41%。", ("女性", "男性")),
        ("ja", "女性は27％、男性は41％だった。", ("女性", "男性")),
        ("ko", "여성은 27%, 남성은 41%였다.", ("여성", "남성")),
    ],
)
def test_figures_of_one_unit_are_compared_where_each_has_its_own_label(
    shots_of: Shots, language: str, sentence: str, labels: tuple[str, ...]
) -> None:
    shot = shots_of(sentence, language)[0].shot

    assert isinstance(shot, BarsShot)
    assert tuple(bar.label for bar in shot.bars) == labels


def test_a_bar_keeps_its_figure_as_written_and_where_it_is_spoken(shots_of: Shots) -> None:
    sentence = SHARES[0]

    assert shots_of(sentence)[0] == Candidate(
        shot=BarsShot(
            bars=(
                Bar(label="women", value=27, shown="27 %", at=0),
                Bar(label="men", value=41, shown="41 %", at=sentence.index("41")),
            )
        ),
        score=0.92,
        why="2 figures of one unit (%): 27 %, 41 %",
    )


@pytest.mark.parametrize(
    "sentence",
    ["It took 1 hour 59 minutes.", "It rose from 12 to 41 percent.", "She won 2 of 3 games."],
)
def test_figures_without_labels_of_their_own_are_not_compared(
    shots_of: Shots, sentence: str
) -> None:
    assert all(candidate.shot.kind != "bars" for candidate in shots_of(sentence))


def test_a_chart_shows_the_series_that_the_source_gives_around_the_sentence(
    shots_of: Shots,
) -> None:
    sentence = "Sales reached 17 million in the end."
    source = (
        "An unrelated start of 3 people in 1990.\n\n"
        f"{sentence} They were 12.3 million in 2015, 14.1 million in 2016 and 17 million in 2017."
    )

    assert shots_of(sentence, source=source)[0] == Candidate(
        shot=ChartShot(
            points=(
                Point(label="2015", value=12.3e6, shown="12.3 million"),
                Point(label="2016", value=14.1e6, shown="14.1 million"),
                Point(label="2017", value=17e6, shown="17 million"),
            ),
            unit="million",
        ),
        score=0.9,
        why="3 figures of one unit, 2015 to 2017",
    )


def test_a_series_about_something_else_is_not_shown(shots_of: Shots) -> None:
    sentence = "The mayor smiled at everybody."
    source = f"{sentence} Rents were 12 % in 2015, 14 % in 2016 and 17 % in 2017."

    assert all(one.shot.kind != "chart" for one in shots_of(sentence, source=source))


def test_dated_events_stand_in_the_order_of_time(shots_of: Shots) -> None:
    sentence = "The bridge closed in 1998, was replaced in 2007, and it had opened in 1932."

    shot = shots_of(sentence)[0].shot

    assert shot == TimelineShot(
        events=(
            Event(when="1932", what="opened", at=sentence.index("1932")),
            Event(when="1998", what="bridge closed", at=sentence.index("1998")),
            Event(when="2007", what="replaced", at=sentence.index("2007")),
        )
    )


@pytest.mark.parametrize(
    ("language", "sentence", "items"),
    [
        (
            "en",
            "They found a glove, duct tape, zip ties, and a cord.",
            "glove|duct tape|zip ties|cord",
        ),
        ("en", "Places including Spain, Greece, and Italy were hit.", "Spain|Greece|Italy"),
        ("de", "Im Lager lagen Decken, Zelte und Medikamente.", "Decken|Zelte|Medikamente"),
        ("fr", "On y trouve des livres, des journaux et des cartes.", "livres|journaux|cartes"),
        ("es", "Visitó Madrid, Sevilla, Granada y Valencia.", "Madrid|Sevilla|Granada|Valencia"),
        ("ru", "В списке Москва, Казань, Самара и Омск.", "Москва|Казань|Самара|Омск"),
        ("el", "Είδε την Αθήνα, την Πάτρα και τον Βόλο.", "Αθήνα|Πάτρα|Βόλο"),
        ("zh", "他去了巴黎、伦敦和柏林。", "巴黎|伦敦|柏林"),
    ],
)
def test_things_that_are_named_in_a_row_build_up_a_list(
    shots_of: Shots, language: str, sentence: str, items: str
) -> None:
    shot = shots_of(sentence, language)[0].shot

    assert isinstance(shot, ListShot)
    assert [item.text for item in shot.items] == items.split("|")
    assert all(sentence[item.at :].startswith(item.text) for item in shot.items)


@pytest.mark.parametrize(
    "sentence",
    [
        "Two senators, Ann Ek and Bo Ask, voted for it.",
        "According to eyewitnesses, the child and the mother leapt.",
        "She later became a painter, he a baker and they married.",
    ],
)
def test_what_only_explains_or_leads_up_is_no_list(shots_of: Shots, sentence: str) -> None:
    assert all(candidate.shot.kind != "list" for candidate in shots_of(sentence))


def test_a_term_is_defined_where_the_sentence_says_what_it_is(shots_of: Shots) -> None:
    best = shots_of("A niqab is a face-veil, which covers the face.")[0]

    assert best.shot == DefinitionShot(term="niqab", meaning="face-veil")
    assert all(one.shot.kind != "definition" for one in shots_of("The man is a contract worker."))


@pytest.mark.parametrize(
    ("language", "sentence", "term", "meaning"),
    [
        ("en", "He met Ann Ek, a nurse from the city.", "Ann Ek", "nurse from the city"),
        ("en", "Bo Lind, the current mayor, came in May.", "Bo Lind", "current mayor"),
        ("fr", "Anne Roy, une avocate de Lyon, est venue.", "Anne Roy", "avocate de Lyon"),
    ],
)
def test_a_name_is_shown_with_who_it_is(
    shots_of: Shots, language: str, sentence: str, term: str, meaning: str
) -> None:
    assert shots_of(sentence, language)[0].shot == DefinitionShot(term=term, meaning=meaning)


@pytest.mark.parametrize(
    "sentence",
    [
        "The crew were Iranians, the army said.",
        "According to the Saudi Press Agency, the attacks hit a plant.",
        "Although he lived in South Africa, the singer died in Britain.",
    ],
)
def test_a_new_clause_behind_a_name_does_not_say_who_it_is(shots_of: Shots, sentence: str) -> None:
    assert all(candidate.shot.kind != "definition" for candidate in shots_of(sentence))


@pytest.mark.parametrize(
    ("language", "sentence", "place", "detail"),
    [
        ("en", "It fell in Perm, a city in the Ural region.", "Perm", "city in the Ural region"),
        ("en", "The race was held in Vienna, Austria.", "Vienna", "Austria"),
        ("de", "Er lebte in Gonesse, einem Vorort von Paris.", "Gonesse", "Vorort von Paris"),
        ("ar", "افتتحت مدينة دبي المتحف الجديد.", "دبي", "مدينة"),
        ("ja", "東京都で新しい計画が発表された。", "東京都", ""),
    ],
)
def test_a_place_comes_with_what_it_is_or_belongs_to(
    shots_of: Shots, language: str, sentence: str, place: str, detail: str
) -> None:
    assert shots_of(sentence, language)[0].shot == PlaceShot(place=place, detail=detail)


@pytest.mark.parametrize(
    "sentence",
    ["They came from France, Mexico, Canada, and Peru.", "The mayor of London, Sadiq Khan, spoke."],
)
def test_neither_a_list_nor_a_person_makes_a_place(shots_of: Shots, sentence: str) -> None:
    assert all(candidate.shot.kind != "place" for candidate in shots_of(sentence))


def test_figures_and_years_that_take_turns_belong_together_in_their_order(
    shots_of: Shots,
) -> None:
    found = shots_of("It got 65 proposals in 2024, 64 proposals in 2025 and 96 proposals in 2026.")

    chart = found[0].shot
    assert isinstance(chart, ChartShot)
    assert [(one.label, one.shown) for one in chart.points] == [
        ("2024", "65"),
        ("2025", "64"),
        ("2026", "96"),
    ]


def test_bars_say_what_they_count(shots_of: Shots) -> None:
    found = shots_of("The colony covered 2.48 hectares in 2018 and 6.05 hectares in 2019.")

    bars = found[0].shot
    assert isinstance(bars, BarsShot)
    assert bars.unit == "hectares"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "He took one hour, 59 minutes and 40 seconds."),
        ("es", "Tardó una hora, 59 minutos y 40 segundos."),
    ],
)
def test_the_parts_of_one_time_are_neither_compared_nor_shown_alone(
    shots_of: Shots, language: str, sentence: str
) -> None:
    kinds = {candidate.shot.kind for candidate in shots_of(sentence, language)}

    assert not kinds & {"bars", "number"}


@pytest.mark.parametrize(
    ("language", "sentence", "items"),
    [
        ("zh", "搜寻用到了无人机、声呐和摄像机。", ("无人机", "声呐", "摄像机")),
        (
            "ko",
            "다른 가설은 포식자, 무리 생활 및 체온 조절입니다.",
            ("포식자", "무리 생활", "체온 조절"),
        ),
        (
            "el",
            "Ήρθαν από την Άβυδο, τη Σακκάρα και την Τούνα ελ Γκέμπελ.",
            ("Άβυδο", "Σακκάρα", "Τούνα ελ Γκέμπελ"),
        ),
    ],
)
def test_an_entry_of_a_list_is_whole_and_no_more_than_that(
    shots_of: Shots, language: str, sentence: str, items: tuple[str, ...]
) -> None:
    shots = [one.shot for one in shots_of(sentence, language) if one.shot.kind == "list"]

    assert isinstance(shots[0], ListShot)
    assert tuple(item.text for item in shots[0].items) == items


@pytest.mark.parametrize(
    "sentence",
    [
        "Exports rose 12% in Spain and fell 31% in Italy.",
        "Wages grew 2% in 2011, fell 6% in 2012 and grew 5% in 2013.",
        "The gain was 2% in 2011, the loss 6% in 2012 and the gain 5% in 2013.",
        "They saw 2 million births in 2011, 5 million visits in 2012 and 7 million calls in 2013.",
        "Nurses earn 12% less than pilots and 31% less than judges.",
        "It was 2% in 2011, minus 6% in 2012 and 5% in 2013.",
        "He denied that 12% of boys and 31% of girls smoke.",
    ],
)
def test_figures_of_two_ways_or_two_things_are_never_in_one_picture(
    shots_of: Shots, sentence: str
) -> None:
    kinds = {candidate.shot.kind for candidate in shots_of(sentence)}

    assert kinds.isdisjoint({"chart", "bars"})


def test_a_bar_s_label_has_no_verb(shots_of: Shots) -> None:
    found = shots_of("Wages rose 12% in Spain and rose 31% in Italy.")

    bars = [one.shot for one in found if isinstance(one.shot, BarsShot)]
    assert all("rose" not in bar.label for shot in bars for bar in shot.bars)
