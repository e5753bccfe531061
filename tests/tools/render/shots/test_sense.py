"""What a card shows alone must be what its sentence says."""

import time

import pytest

from bookai.film.material import Material
from bookai.film.shots import QuoteShot, ShotRow
from bookai.models import Line, Script
from tools.render.shots.compiler import compile_shots


def row(text: str, language: str = "en") -> ShotRow:
    lines = ("So it begins today.", text, "And so it ends.")
    script = Script(
        title="A title",
        lines=tuple(Line(text=one, kind="beat") for one in lines),
        language=language,
        draft_kind="model",
        writer="test",
        seconds_est=20,
    )
    return compile_shots(script, Material(), {})[1]


def kinds(found: ShotRow) -> set[str]:
    return {found.chosen.shot.kind, *(one.shot.kind for one in found.runners_up)}


@pytest.mark.parametrize(
    "text",
    [
        "Scientists found no evidence that 90% of dogs dream.",
        "The fire did not kill 40 people in the town.",
        "Nobody believes that 40 million people voted.",
        "The minister denied that 500 people were killed.",
        "The firm didn\u2019t pay 40 million dollars.",
        "Growth was \u2013 5% in the spring.",
        "Only 1 in 5 children reads every day.",
    ],
)
def test_a_denied_or_partial_figure_is_no_number(text: str) -> None:
    assert "number" not in kinds(row(text))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das Feuer tötete keine 40 Menschen in der Stadt.", "de"),
        ("Le feu n\u2019a pas tué 40 personnes dans la ville.", "fr"),
        ("Пожар не убил 40 человек в городе.", "ru"),
        ("大火没有造成40人死亡。", "zh"),
    ],
)
def test_that_holds_in_other_languages_too(text: str, language: str) -> None:
    assert "number" not in kinds(row(text, language))


def test_a_plain_figure_stays_one() -> None:
    assert row("The fire killed 40 people in the town.").chosen.shot.kind == "number"
    assert row("Sales grew by 27% within a year.").chosen.shot.kind == "number"


@pytest.mark.parametrize(
    "text",
    [
        "Sales fell 27% in Germany and rose 41% in France.",
        "The economy grew 5% in 2019, fell 3% in 2020 and grew 4% in 2021.",
        "There were 3 million deaths in 2019, 5 million cases in 2020, 6 million tests in 2021.",
        "Women earn 27% less than men and 41% more than boys.",
    ],
)
def test_what_goes_two_ways_or_counts_two_things_is_not_compared(text: str) -> None:
    assert not kinds(row(text)) & {"bars", "chart"}


def test_a_plain_comparison_stays_one() -> None:
    found = row("About 27% of Germans and 41% of French people swim every week.")

    assert found.chosen.shot.kind in {"bars", "number"}


@pytest.mark.parametrize(
    "text",
    [
        "A man who attacked Anna Ek wrote “we will never ever pay for this mess”.",
        "The party led by Anna Ek said “we will pay for this whole mess”.",
        "Anna Ek, critics said, called it “a shameful day for the whole country”.",
        "“We will pay for this whole mess,” said Anna Ek\u2019s lawyer.",
    ],
)
def test_a_quotation_has_a_name_only_where_the_sentence_is_sure(text: str) -> None:
    shots = [one.shot for one in (row(text).chosen, *row(text).runners_up)]

    assert {shot.who for shot in shots if isinstance(shot, QuoteShot)} <= {""}


@pytest.mark.parametrize(
    "text",
    [
        "“We will pay for this whole mess,” said Anna Ek.",
        "Anna Ek said “we will pay for this whole mess”.",
        "Anna Ek, a nurse, said: “we will pay for this whole mess”.",
    ],
)
def test_a_sure_speaker_is_named(text: str) -> None:
    shot = row(text).chosen.shot

    assert isinstance(shot, QuoteShot)
    assert shot.who.startswith("Anna Ek")


def test_what_was_never_said_is_no_quotation() -> None:
    assert "quote" not in kinds(row("Anna Ek never said “we will pay for this whole mess”."))


def test_a_line_of_white_space_takes_no_time() -> None:
    began = time.process_time()

    row("“We will pay for this whole mess,” " + " " * 1160 + "x said nobody at all")

    assert time.process_time() - began < 1
