"""The bundled example: what `make demo` says aloud."""

import re
from pathlib import Path
from typing import Any

import pytest

from agents.base import Channel
from agents.editor import review
from agents.writer import to_request, to_script
from bookai.llm.base import ModelAnswer
from bookai.llm.extractive import extract
from bookai.models import Article, Script
from bookai.testing import make_article

EXAMPLE = Path(__file__).parents[3] / "studio" / "examples" / "leap-second.md"


def write(article: Article, seconds: float = 35.0) -> dict[str, Any]:
    return extract(to_request(article, seconds))


def script_of(article: Article, seconds: float = 35.0) -> Script:
    answer = ModelAnswer(
        content=write(article, seconds), provider="extractive", model="1", draft_kind="extractive"
    )
    return to_script(answer, article)


@pytest.fixture
def example() -> Article:
    _, front, body = EXAMPLE.read_text().split("---\n", 2)
    title = re.search(r"^title: (.+)$", front, re.MULTILINE)
    assert title is not None
    text = "\n\n".join(" ".join(part.split()) for part in body.strip().split("\n\n"))
    return make_article(text, title=title.group(1), publisher="BookAI Studio examples")


def test_the_example_reads_like_something_to_post(example: Article) -> None:
    lines = write(example)["lines"]

    assert [line["text"] for line in lines] == [
        "The last leap second may already have happened.",
        "In November 2022, governments agreed to retire the leap second by 2035.",
        "A leap second is one extra second that keeps clocks in step with the turning Earth.",
        "Since 1972, 27 leap seconds have been added.",
        "In June 2012, a leap second took Reddit offline and slowed down check-in at Qantas.",
        "A faster Earth could one day demand a negative leap second: "
        "a minute with only 59 seconds.",
        "Follow for more stories like this.",
    ]


def test_the_example_is_accepted_by_the_editor(example: Article) -> None:
    script = script_of(example)

    found = review(script, example, Channel())

    assert (found.verdict, found.reasons) == ("accept", ())
    assert 28 <= script.seconds_est <= 40


def test_the_example_has_the_length_of_an_article(example: Article) -> None:
    assert 350 <= len(example.text.split()) <= 500


@pytest.mark.parametrize(
    ("wanted_s", "low_s", "high_s"), [(25, 20, 29), (30, 25, 33), (35, 31, 39)]
)
def test_the_wanted_length_is_kept(
    example: Article, wanted_s: float, low_s: float, high_s: float
) -> None:
    assert low_s <= script_of(example, wanted_s).seconds_est <= high_s
