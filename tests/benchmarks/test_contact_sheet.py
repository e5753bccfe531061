"""The contact sheet's stories: ten languages, every kind of shot, small files."""

from pathlib import Path
from typing import get_args

from benchmarks.rendering.contact_drawings import LICENCE
from benchmarks.rendering.contact_sheet import MOST_BYTES, STORIES, Story, script_of
from bookai.film.material import Material, Media
from bookai.film.shots import ShotKind
from tools.render.shots.compiler import compile_shots

SHEET = Path(__file__).resolve().parents[2] / "docs" / "images" / "contact-sheet.jpg"


def stories() -> list[Story]:
    lines = STORIES.read_text(encoding="utf-8").splitlines()
    return [Story.model_validate_json(line) for line in lines]


def kinds_of(story: Story) -> set[ShotKind]:
    media = tuple(
        Media(
            kind="image",
            path=one.draw,
            sha256="",
            words=one.words,
            licence=LICENCE,
            origin="operator",
        )
        for one in story.pictures
    )
    rows = compile_shots(script_of(story), Material(source=story.source, media=media), {})
    return {row.chosen.shot.kind for row in rows}


def test_twelve_stories_in_ten_languages_show_every_kind_of_shot_but_clips() -> None:
    told = stories()
    shown = {kind for story in told for kind in kinds_of(story)} | {"end"}

    assert len(told) == 12
    assert len({story.language for story in told}) == 10
    assert shown == set(get_args(ShotKind)) - {"clip"}


def test_the_sheet_is_small() -> None:
    assert 50_000 < SHEET.stat().st_size <= MOST_BYTES
