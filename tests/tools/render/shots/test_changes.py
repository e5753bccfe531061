# ruff: noqa: RUF001  (other scripts are the point here)
"""What went from one figure to another is shown with both, the result as the news."""

from collections.abc import Callable

import pytest

from bookai.film.shots import Candidate, NumberShot

Shots = Callable[..., tuple[Candidate, ...]]


def numbers(found: tuple[Candidate, ...]) -> list[NumberShot]:
    return [one.shot for one in found if isinstance(one.shot, NumberShot)]


@pytest.mark.parametrize(
    ("language", "sentence", "lead", "value", "unit"),
    [
        ("en", "Its share fell from 71 % to 52 % last year.", "from 71 % to", "52 %", ""),
        ("en", "Its share fell from 71 to 52 percent.", "from 71 to", "52", "percent"),
        ("en", "It fell from about 71 % to just 52 %.", "from about 71 % to just", "52 %", ""),
        ("en", "It fell from 71 % in 2010 to 52 % now.", "from 71 % in 2010 to", "52 %", ""),
        ("en", "Growth fell from 3 % to –5 % in May.", "from 3 % to", "–5 %", ""),
        ("en", "Growth rose from –5 % to 3 % in May.", "from –5 % to", "3 %", ""),
        ("de", "Der Anteil sank von 71 % auf 52 %.", "von 71 % auf", "52 %", ""),
        ("de", "Er sank von 71 auf rund 52 Prozent.", "von 71 auf rund", "52", "Prozent"),
        ("fr", "La part est passée de 71 % à 52 %.", "de 71 % à", "52 %", ""),
        ("es", "La cuota bajó del 71 % al 52 %.", "del 71 % al", "52 %", ""),
        ("es", "La cuota bajó de 71 a 52 por ciento.", "de 71 a", "52", "por ciento"),
        ("it", "La quota è scesa dal 71% al 52%.", "dal 71% al", "52%", ""),
        ("it", "La quota è scesa dall'81% all'8%.", "dall'81% all'", "8%", ""),
        ("pt", "A fatia caiu de 71% para 52%.", "de 71% para", "52%", ""),
        ("ru", "Доля упала с 71 % до 52 %.", "с 71 % до", "52 %", ""),
        ("el", "Το μερίδιο έπεσε από το 71% στο 52%.", "από το 71% στο", "52%", ""),
        ("ar", "انخفضت الحصة من 71% إلى 52%.", "من 71% إلى", "52%", ""),
        ("he", "הנתח ירד מ-71% ל-52%.", "מ-71% ל-", "52%", ""),
        ("hi", "हिस्सा 71% से घटकर 52% रह गया।", "71% से घटकर", "52%", ""),
        ("th", "ส่วนแบ่งลดลงจาก 71% เหลือ 52%", "จาก 71% เหลือ", "52%", ""),
        ("zh", "份额从71%降至52%。", "从71%降至", "52%", ""),
        ("ja", "割合は71％から52％に低下した。", "71％から", "52％", ""),
        ("ko", "비율은 71%에서 52%로 감소했다.", "71%에서", "52%", ""),
    ],
)
def test_a_change_is_shown_with_both_figures_and_its_result_large(
    shots_of: Shots, language: str, sentence: str, lead: str, value: str, unit: str
) -> None:
    found = shots_of(sentence, language)
    first, *others = numbers(found)

    assert (first.lead, first.value, first.unit) == (lead, value, unit)
    assert sentence[first.at :].startswith(value)
    assert not [one for one in others if one.value != "2010"]
    assert "bars" not in {one.shot.kind for one in found}


def test_a_result_that_is_told_first_stays_the_result(shots_of: Shots) -> None:
    (shot,) = numbers(shots_of("Its share fell to 52 % from 71 % last year."))

    assert (shot.lead, shot.value, shot.label) == ("to", "52 %", "from 71 %")


@pytest.mark.parametrize(
    "sentence",
    [
        "It fell from 71 %, the highest share that the town had ever seen, to 52 %.",
        "It fell from 71 % in the first of all the years that were counted to 52 %.",
    ],
)
def test_where_both_do_not_fit_the_result_alone_is_shown(shots_of: Shots, sentence: str) -> None:
    found = shots_of(sentence)

    assert [shot.value for shot in numbers(found)] == ["52 %"]
    assert not [one for one in found if "71" in str(one.shot) and "52" not in str(one.shot)]


def test_no_phrase_shows_what_was_without_what_is(shots_of: Shots) -> None:
    for one in shots_of("Approval fell from 71 percent to 52 percent."):
        assert "71" not in str(one.shot) or "52" in str(one.shot)


def test_a_change_with_its_years_is_still_a_comparison(shots_of: Shots) -> None:
    best = shots_of("Its share fell from 71 % in 2010 to 52 % in 2020.")[0].shot

    assert best.kind == "bars"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "He swims from 5 to 7 miles."),
        ("en", "It carried between 36 and 40 people."),
        ("es", "Una ayuda de 3 millones a 5 empresas."),
        ("ja", "7歳から9歳の子ども。"),
    ],
)
def test_a_range_is_no_change(shots_of: Shots, language: str, sentence: str) -> None:
    assert not [one for one in shots_of(sentence, language) if one.why.startswith("a change")]


@pytest.mark.parametrize(
    ("sentence", "since"),
    [("It fell from 71 % to 52 %.", "71 %"), ("It takes from 45 % to 60 % of it.", "")],
)
def test_only_what_moved_counts_from_what_it_was(
    shots_of: Shots, sentence: str, since: str
) -> None:
    assert [shot.since for shot in numbers(shots_of(sentence))] == [since]


def test_a_denied_change_is_not_shown(shots_of: Shots) -> None:
    assert not numbers(shots_of("It did not fall from 71 % to 52 % last year."))
