"""The worker on real, small videos; what is claimed is looked up in the decoded pixels."""

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bookai.errors import OperatorNeeded, Refused
from bookai.models import Script
from tools.render._worker import main
from tools.render.brand import Ground, choose, seed
from tools.render.engine import run
from tools.render.layout import Layout
from tools.render.shots.compiler import compile_shots
from tools.render.spec import Outcome, Spec, check_room
from tools.render.sprites import yuv
from tools.render.text.align import align
from tools.render.text.plan import Film, Timing, plan

MakeScript = Callable[..., Script]
MakeSpec = Callable[..., Spec]
Planes = tuple[npt.NDArray[np.int16], ...]

LINES = (
    ("Clocks will stop to lie soon.", "hook"),
    ("Each one has cost us 27 leap seconds.", "beat"),
    ("The Paris Observatory kept on adding them for all those many long years.", "beat"),
)


def decoded(spec: Spec) -> list[Planes]:
    height, width = spec.size.height, spec.size.width
    pictures: list[Planes] = []
    with av.open(spec.video_path) as file:
        for frame in file.decode(video=0):
            whole = frame.to_ndarray(format="yuv420p").astype(np.int16)
            chroma = whole[height:].reshape(2, height // 2, width // 2)
            pictures.append((whole[:height], chroma[0], chroma[1]))
    return pictures


def near(
    picture: Planes, colour: tuple[int, int, int], box: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Return where, in a box at half size, the picture has a colour."""
    x, y, width, height = (number // 2 for number in box)
    planes = (picture[0][::2, ::2], picture[1], picture[2])
    found = np.ones((height, width), bool)
    for plane, value, slack in zip(planes, yuv(colour), (14, 9, 9), strict=True):
        found &= abs(plane[y : y + height, x : x + width] - round(value)) <= slack
    return found


def film_of(spec: Spec) -> Film:
    words = align([line.text for line in spec.script.lines], spec.voiceover.words)
    rows = compile_shots(spec.script, spec.material, spec.swaps)
    timing = Timing(spec.voiceover.duration_s, spec.size.fps, seed(spec.script.title))
    return plan(rows, spec.script.lines, words, timing, disclosed=bool(spec.disclosure))


def render(spec: Spec) -> Outcome:
    return run.render(spec, lambda _: None)


def ground_of(spec: Spec, scene: int) -> Ground:
    return choose(spec.script.title).ground(film_of(spec).scenes[scene].ground)


@pytest.fixture
def spec(make_spec: MakeSpec, make_script: MakeScript) -> Spec:
    return make_spec(make_script(*LINES))


def test_the_active_word_is_coloured_and_the_colour_moves_with_the_voice(spec: Spec) -> None:
    render(spec)

    pictures, ground = decoded(spec), ground_of(spec, 0)
    centres = []
    for word in spec.voiceover.words[:3]:
        frame = pictures[round((word.start_s + word.end_s) / 2 * 30)]
        pill = near(frame, ground.pill, Layout(spec.size).captions)
        assert pill.sum() > 30
        centres.append(np.nonzero(pill)[1].mean())
    assert centres[0] < centres[1] < centres[2]


def test_a_number_stands_on_the_stage_in_its_own_scene_and_in_no_other(spec: Spec) -> None:
    render(spec)

    pictures, film = decoded(spec), film_of(spec)
    stage = Layout(spec.size).stage
    assert film.scenes[1].beats[-1].shot.kind == "number"
    assert film.scenes[2].beats[0].shot.kind != "number"
    shares = [
        near(pictures[film.scenes[k].first + 30], ground_of(spec, k).strong, stage).mean()
        for k in (1, 2)
    ]
    assert shares[0] > 0.12
    assert shares[1] < 0.02


def test_the_file_is_what_platforms_take(spec: Spec) -> None:
    outcome = render(spec)

    with av.open(spec.video_path) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        context = video.codec_context
        facts = (context.name, context.profile, context.pix_fmt, context.width, context.height)
        assert facts == ("h264", "High", "yuv420p", 360, 640)
        assert (context.colorspace, context.color_range) == (1, 1)
        assert video.average_rate == 30
        sound = (audio.codec_context.name, audio.codec_context.sample_rate, audio.channels)
        assert sound == ("aac", 48_000, 2)
        assert video.frames == outcome.frames
    assert outcome.duration_s == pytest.approx(spec.voiceover.duration_s + 0.3, abs=0.02)
    assert boxes(Path(spec.video_path)).index("moov") < boxes(Path(spec.video_path)).index("mdat")


def test_the_voice_is_in_the_file_at_its_own_time(spec: Spec) -> None:
    render(spec)

    with av.open(spec.video_path) as file:
        parts = [frame.to_ndarray()[0] for frame in file.decode(audio=0)]
    loud = np.abs(np.concatenate(parts)) > 0.05
    first = spec.voiceover.words[0]
    assert np.flatnonzero(loud)[0] / 48_000 == pytest.approx(first.start_s, abs=0.08)
    assert not loud[int((spec.voiceover.words[-1].end_s + 0.05) * 48_000) :].any()


def test_the_same_request_gives_the_same_bytes(spec: Spec) -> None:
    paths = [Path(spec.video_path), Path(spec.thumbnail_path), Path(spec.vtt_path)]
    render(spec)
    first = [path.read_bytes() for path in paths]

    render(spec)

    assert [path.read_bytes() for path in paths] == first


def test_the_disclosure_is_on_the_picture_for_two_seconds_at_the_end(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    spec = make_spec(make_script(*LINES), disclosure="Advert: we earn a commission.")

    render(spec)

    pictures, ground = decoded(spec), ground_of(spec, 2)
    box = Layout(spec.size).notice
    assert min(near(frame, ground.text, box).mean() for frame in pictures[-60:]) > 0.25
    render(spec.model_copy(update={"disclosure": ""}))
    x, y, width, height = box
    early = film_of(spec).scenes[2].first - 2
    for mine, without in list(zip(pictures, decoded(spec), strict=True))[:early:10]:
        parts = [one[0][y : y + height, x : x + width] for one in (mine, without)]
        assert abs(parts[0] - parts[1]).mean() < 2


def test_the_thumbnail_has_the_full_size_and_large_type(spec: Spec) -> None:
    render(spec)

    with Image.open(spec.thumbnail_path) as picture:
        assert picture.size == (360, 640)
        small = np.asarray(picture.convert("L").resize((160, 284)), np.int16)
    # Type that is still there at 160 pixels makes strong steps between neighbours.
    assert (np.abs(np.diff(small, axis=1)) > 60).sum() > 250


def test_subtitles_hold_every_word_even_those_the_picture_cannot_show(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    spec = make_spec(make_script(("So 🎉 it ends.", "hook")))

    render(spec)

    assert "So 🎉 it ends." in Path(spec.vtt_path).read_text(encoding="utf-8")
    assert "So 🎉 it ends." in Path(spec.srt_path).read_text(encoding="utf-8")


def test_a_line_of_nothing_but_emoji_and_a_word_of_ten_thousand_letters_are_rendered(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    script = make_script(("🎉 🎊", "hook"), ("W" * 10_000, "beat"), title="'100%' : \\ {x} 🎉")

    outcome = render(make_spec(script))

    assert outcome.frames > 60


def test_a_script_in_letters_that_no_font_has_leaves_no_file(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    spec = make_spec(make_script(("Clocks stop.", "hook"), ("\U00012000\U00012001", "beat")))

    with pytest.raises(Refused, match="Cuneiform"):
        render(spec)

    assert not Path(spec.video_path).exists()


def test_a_voice_track_that_is_no_sound_is_refused(spec: Spec) -> None:
    Path(spec.voiceover.path).write_bytes(b"no sound at all")

    with pytest.raises(Refused, match="no sound file"):
        render(spec)


def test_a_disk_that_would_not_hold_the_film_is_told_before_the_work(tmp_path: Path) -> None:
    check_room(tmp_path)

    with pytest.raises(OperatorNeeded, match="No space is left"):
        check_room(tmp_path, needed=10**18)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_needs_the_operator_and_says_what_to_free(
    spec: Spec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tmp_path / "spec.json"
    full = spec.model_copy(update={"video_path": "/dev/full"})
    request.write_text(full.model_dump_json(), encoding="utf-8")

    code = main(["worker", str(request)])

    outcome = Outcome.model_validate_json(capsys.readouterr().out.splitlines()[-1])
    assert (code, outcome.error) == (1, "OperatorNeeded")
    assert "No space is left" in outcome.message
    assert "Free about" in outcome.message


def test_the_worker_tells_how_far_it_is(
    spec: Spec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tmp_path / "spec.json"
    request.write_text(spec.model_dump_json(), encoding="utf-8")

    code = main([sys.executable, str(request)])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shares = [line["at"] for line in lines[:-1]]
    assert code == 0
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert lines[-1]["frames"] > 0


def boxes(path: Path) -> list[str]:
    """Return the names of an MP4's top-level boxes in order."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name.decode())
        at += size
    return names
