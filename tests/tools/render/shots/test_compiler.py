import csv
import gzip
import io
from itertools import pairwise
from pathlib import Path

import pytest

from bookai.errors import Refused
from bookai.film.material import Material, Media
from bookai.film.shots import (
    DRAWN,
    DefinitionShot,
    ImageShot,
    PhraseShot,
    ShotKind,
    ShotRow,
    TitleShot,
)
from bookai.models import Line, Script, Span
from bookai.text.sentences import sentences
from tools.render.shots.compiler import compile_shots

WIKINEWS = (
    Path(__file__).resolve().parents[5] / "shared" / "data" / "articles" / "wikinews_2019.csv.gz"
)
NOTHING = Material()
STORY = (
    "The bridge fell on Monday.",
    "It cost $2.9 million to build.",
    "More than 40 percent of drivers used it.",
    "The city spent $1.2 million on repairs.",
    "“We heard it creak for many years”, said Ann Ek.",
    "Glad Tidings Bridge Company built it.",
    "Follow for the next story.",
)


def test_every_line_gets_one_row_in_order_and_the_first_one_the_title() -> None:
    rows = compile_shots(script(*STORY), NOTHING, {})

    assert [row.line for row in rows] == list(range(len(STORY)))
    assert [row.sentence for row in rows] == list(STORY)
    assert rows[0].chosen.shot == TitleShot(title="A Bridge Falls")
    assert kinds(rows)[4:] == ["quote", "phrase", "phrase"]


def test_the_same_script_gives_the_same_rows() -> None:
    assert compile_shots(script(*STORY), NOTHING, {}) == compile_shots(script(*STORY), NOTHING, {})


def test_no_kind_is_shown_three_times_running_where_there_is_another() -> None:
    rows = compile_shots(script(*STORY), NOTHING, {})

    assert kinds(rows)[1:4] == ["number", "number", "phrase"]
    assert rows[3].runners_up[0].shot.kind == "number"
    assert rows[3].chosen.why.endswith("a number was shown just before")


def test_runners_up_are_the_best_of_two_other_kinds() -> None:
    rows = compile_shots(script(*STORY, "In Vienna, Austria, 12 people saw Ann Ek."), NOTHING, {})

    for row in rows:
        shown = [row.chosen.shot.kind, *(one.shot.kind for one in row.runners_up)]
        assert len(shown) == len(set(shown)) <= 3


def test_a_phrase_is_shown_once() -> None:
    rows = compile_shots(
        script("First.", "Meta Platforms grew.", "So Meta Platforms paid Ann Ek.", "Last."),
        NOTHING,
        {},
    )

    phrases = [row.chosen.shot.text for row in rows if isinstance(row.chosen.shot, PhraseShot)]
    assert phrases == ["Meta Platforms", "Ann Ek"]


def test_a_name_that_was_shown_is_still_told_about_but_not_the_other_way_round() -> None:
    lines = (
        "First.",
        "So Ann Ek came.",
        "Ann Ek, a nurse from the city, spoke.",
        "So Ann Ek met Bo Lind.",
    )

    shots = [row.chosen.shot for row in compile_shots(script(*lines, "Last."), NOTHING, {})]

    assert shots[1] == PhraseShot(text="Ann Ek")
    assert shots[2] == DefinitionShot(term="Ann Ek", meaning="nurse from the city")
    assert shots[3] == PhraseShot(text="Bo Lind")


def test_a_swap_changes_its_own_row_alone() -> None:
    before = compile_shots(script(*STORY), NOTHING, {})

    after = compile_shots(script(*STORY), NOTHING, {2: "phrase"})

    assert after[2].swapped
    assert after[2].chosen.shot == PhraseShot(text="40 percent of drivers")
    assert after[2].runners_up[0] == before[2].chosen
    assert [row for row in after if row.line != 2] == [row for row in before if row.line != 2]


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [(1, "quote", "number, phrase"), (99, "phrase", "lines 0 to 6")],
)
def test_a_swap_that_cannot_be_shown_says_what_can(line: int, kind: ShotKind, said: str) -> None:
    with pytest.raises(Refused, match=said):
        compile_shots(script(*STORY), NOTHING, {line: kind})


def test_a_picture_is_shown_where_its_words_fit_best_and_only_once() -> None:
    fallen = media("The fallen bridge company sign", licence="CC BY 4.0", credit="Bo Ask")
    story = ("It fell.", "The company is old.", "The bridge company sign fell.", "It is gone.")

    rows = compile_shots(script(*story), Material(media=(fallen,)), {})

    assert [row.line for row in rows if row.chosen.shot.kind == "image"] == [2]
    assert rows[2].chosen.shot == ImageShot(media=0, caption="The fallen bridge company sign")
    assert (rows[2].licence, rows[2].credit) == ("CC BY 4.0", "Bo Ask")
    assert (rows[1].licence, rows[1].credit) == (DRAWN, "")


def test_a_picture_of_something_else_is_shown_only_where_the_operator_wants_it() -> None:
    material = Material(media=(media("A sleeping cat"),))

    free = compile_shots(script(*STORY), material, {})
    swapped = compile_shots(script(*STORY), material, {5: "image"})

    assert "image" not in kinds(free)
    assert kinds(swapped)[5] == "image"
    assert "no word in common" in swapped[5].chosen.why


def test_two_pictures_share_the_lines_instead_of_one_being_shown_twice() -> None:
    both = Material(media=(media("The harbour crane"), media("The old harbour crane at night")))
    story = ("It fell.", "The harbour crane fell.", "The old crane stood at night.", "It is gone.")

    rows = compile_shots(script(*story), both, {})

    shown = [row.chosen.shot.media for row in rows if isinstance(row.chosen.shot, ImageShot)]
    assert sorted(shown) == [0, 1]


def test_a_span_finds_the_source_around_a_line_that_was_rewritten() -> None:
    source = "Sales: 1 % in 2001, 2 % in 2002 and 4 % in 2003. All went well.\n\nNothing more."
    line = Line(text="It ended at 4 %, and all went well.", kind="beat", span=Span(start=0, end=48))
    story = script("It fell.", "x", "It is gone.")
    told = story.model_copy(update={"lines": (story.lines[0], line, story.lines[2])})

    assert kinds(compile_shots(told, Material(source=source), {}))[1] == "chart"


def test_a_script_of_one_hostile_line_has_a_picture() -> None:
    long = "W" * 10_000

    (row,) = compile_shots(script(long), NOTHING, {})

    assert (row.sentence, row.chosen.shot.kind) == (long, "title")


@pytest.mark.skipif(not WIKINEWS.is_file(), reason="the articles lie beside the repository")
def test_real_news_gets_pictures_of_many_kinds_out_of_its_own_words() -> None:
    rows = [row for told, source in news() for row in compile_shots(told, source, {})]

    shares = {kind: kinds(rows).count(kind) / len(rows) for kind in set(kinds(rows))}
    assert {"number", "quote", "list", "place", "timeline", "definition", "bars"} <= set(shares)
    assert shares["phrase"] < 0.6
    for one, other in pairwise(rows):
        same = one.chosen.shot.kind == other.chosen.shot.kind == "phrase"
        assert not same or one.chosen.shot != other.chosen.shot


def news() -> list[tuple[Script, Material]]:
    csv.field_size_limit(10**7)
    text = gzip.decompress(WIKINEWS.read_bytes()).decode()
    found = []
    for row in list(csv.DictReader(io.StringIO(text)))[:40]:
        lines = [one.text for one in sentences(row["text"].strip()) if 30 < len(one.text) < 260]
        if len(lines) > 1:
            found.append((script(*lines[:12], title=row["title"]), Material(source=row["text"])))
    return found


def kinds(rows: tuple[ShotRow, ...] | list[ShotRow]) -> list[str]:
    return [row.chosen.shot.kind for row in rows]


def media(words: str, *, licence: str = "own work", credit: str = "") -> Media:
    return Media(
        kind="image",
        path="media/1.png",
        sha256="0" * 64,
        words=words,
        licence=licence,
        credit=credit,
        origin="operator",
    )


def script(*texts: str, title: str = "A Bridge Falls") -> Script:
    return Script.model_validate(
        {
            "title": title,
            "lines": [{"text": text, "kind": "beat"} for text in texts],
            "language": "en",
            "draft_kind": "extractive",
            "writer": "test",
            "seconds_est": 3.0,
        }
    )
