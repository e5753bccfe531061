"""A film is made of scenes: what did not change is taken over, and nobody can tell."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from bookai.models import Script
from tools.render.engine.run import render
from tools.render.layout import Size
from tools.render.spec import Outcome, Spec, Target

MakeScript = Callable[..., Script]
MakeSpec = Callable[..., Spec]
LINES = (
    ("Clocks will stop to lie soon.", "hook"),
    ("Each one has cost us 27 leap seconds.", "beat"),
    ("The Paris Observatory kept on adding them.", "beat"),
    ("Nobody will miss a thing.", "beat"),
)


@pytest.fixture
def spec(make_spec: MakeSpec, make_script: MakeScript, tmp_path: Path) -> Spec:
    whole = make_spec(make_script(*LINES), size=Size(width=180, height=320))
    return whole.model_copy(update={"store": str(tmp_path / "kept")})


def made(spec: Spec) -> Outcome:
    return render(spec, lambda _: None)


def fresh(spec: Spec) -> bytes:
    """Return the film as it is made without any scene taken over."""
    made(spec.model_copy(update={"store": ""}))
    return Path(spec.video_path).read_bytes()


def test_a_film_made_again_takes_over_every_scene_and_has_the_same_bytes(spec: Spec) -> None:
    first = made(spec)
    before = Path(spec.video_path).read_bytes()

    again = made(spec)

    assert (first.parts, first.reused) == (7, 0)
    assert (again.parts, again.reused, again.coded) == (7, 7, 0)
    assert Path(spec.video_path).read_bytes() == before == fresh(spec)


def test_another_shot_for_one_sentence_makes_its_scene_and_the_turns_beside_it(spec: Spec) -> None:
    rows = made(spec).shots
    other = rows[1].runners_up[0].shot.kind
    swapped = spec.model_copy(update={"swaps": {1: other}})

    again = made(swapped)

    assert again.shots[1].chosen.shot.kind == other
    assert again.shots[1].swapped
    assert again.parts - again.reused == 3
    assert Path(spec.video_path).read_bytes() == fresh(swapped)


def test_another_sentence_makes_only_its_own_scene_though_all_later_ones_move(
    spec: Spec, make_spec: MakeSpec, make_script: MakeScript
) -> None:
    made(spec)
    lines = (LINES[0], ("Each one of them has cost all of us 27 leap seconds.", "beat"), *LINES[2:])
    size = Size(width=180, height=320)
    changed = make_spec(make_script(*lines), size=size).model_copy(update={"store": spec.store})

    again = made(changed)

    assert again.parts - again.reused == 3
    assert Path(changed.video_path).read_bytes() == fresh(changed)


def test_the_shot_report_names_every_sentence_with_what_else_it_could_be(spec: Spec) -> None:
    rows = made(spec).shots

    assert [row.line for row in rows] == [0, 1, 2, 3]
    assert [row.sentence for row in rows] == [text for text, _ in LINES]
    for row in rows:
        assert row.chosen.why
        assert row.licence
        kinds = [row.chosen.shot.kind, *(one.shot.kind for one in row.runners_up)]
        assert len(kinds) == len(set(kinds)) <= 3


@pytest.mark.parametrize("fps", [25, 60])
def test_formats_come_from_one_timeline_with_the_same_sound(
    fps: int, spec: Spec, tmp_path: Path
) -> None:
    sizes = {
        "1:1": Size(width=180, height=180, fps=fps),
        "16:9": Size(width=320, height=180, fps=fps),
    }
    others = tuple(
        Target(name=name, video_path=str(tmp_path / f"{size.width}.mp4"), size=size)
        for name, size in sizes.items()
    )
    main = Size(width=180, height=320, fps=fps)

    outcome = made(spec.model_copy(update={"others": others, "size": main}))

    seen: list[tuple[object, ...]] = []
    for path in (spec.video_path, *(one.video_path for one in others)):
        with av.open(path) as file:
            video = file.streams.video[0]
            seen.append((video.width, video.height, video.average_rate, video.frames))
    assert seen == [
        (180, 320, fps, outcome.frames),
        (180, 180, fps, outcome.frames),
        (320, 180, fps, outcome.frames),
    ]
    assert outcome.duration_s == pytest.approx(spec.voiceover.duration_s + 0.3, abs=0.05)


def test_a_thumbnail_that_shows_the_same_is_taken_over_and_another_is_made(spec: Spec) -> None:
    made(spec)
    number = Path(spec.thumbnail_path).read_bytes()

    made(spec.model_copy(update={"swaps": {3: "phrase"}}))
    assert Path(spec.thumbnail_path).read_bytes() == number

    swapped = spec.model_copy(update={"swaps": {1: "phrase"}})
    made(swapped)
    other = Path(spec.thumbnail_path).read_bytes()
    fresh(swapped)
    assert other != number
    assert Path(spec.thumbnail_path).read_bytes() == other
