"""Every picture is watched: black, still and broken ones are found, and left-out ones are equal."""

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tools.checks.limits import Limits
from tools.checks.repeats import Repeats
from tools.checks.watch import Watched, judge_watched, watch
from tools.render.cards.card import Motion
from tools.render.engine.coder import Coder
from tools.render.layout import Size
from tools.render.sprites import Frame

WIDTH, HEIGHT, FPS = 128, 96, 10
Luma = NDArray[np.uint8]
Save = Callable[..., Path]


class Keeper:
    """Keeps what it is shown."""

    def __init__(self, *frames: int) -> None:
        self.frames = frozenset(frames)
        self.seen: dict[int, Luma] = {}

    def take(self, number: int, luma: Luma) -> None:
        self.seen[number] = luma.copy()


def scene(place: int | None) -> Luma:
    """A bright block on grey, or black."""
    luma = np.full((HEIGHT, WIDTH), 16 if place is None else 60, np.uint8)
    if place is not None:
        luma[20:70, place : place + 40] = 200
    return luma


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(places: Sequence[int | None], name: str = "video.mp4", **options: str) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate=FPS, options={"crf": "12", **options})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number, place in enumerate(places):
                planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
                planes[:HEIGHT] = scene(place)
                picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                picture.pts, picture.time_base = number, Fraction(1, FPS)
                out.mux(stream.encode(picture))
            out.mux(stream.encode())
        return path

    return write


class Slides:
    """Five pictures that stay for six frames each, as our own coder sees them."""

    def state(self, n: int) -> int:
        return n // 6

    def motion(self, n: int) -> Motion | None:
        return None

    def draw(self, frame: Frame, n: int) -> None:
        frame.buffer[:] = 128
        frame.y[...] = scene(8 * self.state(n))


class Pans(Slides):
    """A picture that moves by a pixel a frame, every second step as a vector of our coder's."""

    grain = np.random.default_rng(3).integers(40, 220, (HEIGHT, 2 * WIDTH)).astype(np.uint8)

    def state(self, n: int) -> int:
        return n

    def motion(self, n: int) -> Motion | None:
        return ((-1, 0), (0, 0, WIDTH // 16, HEIGHT // 16)) if n else None

    def draw(self, frame: Frame, n: int) -> None:
        frame.buffer[:] = 128
        frame.y[...] = self.grain[:, n : n + WIDTH]


def copied(units: Sequence[bytes], into: Path) -> Path:
    """Put coded pictures into an MP4 as they are."""
    with (
        av.open(io.BytesIO(b"".join(units)), format="h264", options={"framerate": "30"}) as source,
        av.open(str(into), "w") as out,
    ):
        assert isinstance(source, av.container.InputContainer)
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.time_base = Fraction(1, 90_000)
        for number, packet in enumerate(part for part in source.demux(video=0) if part.size):
            packet.pts = packet.dts = number
            packet.time_base, packet.duration, packet.stream = Fraction(1, 30), 1, stream
            out.mux(packet)
    return into


def watched(path: Path, *frames: int) -> tuple[Watched, dict[int, Luma]]:
    keeper, told = Keeper(*frames), list[float]()
    return watch(path, keeper, stop=Event(), on_progress=told.append), keeper.seen


@pytest.mark.parametrize("options", [{}, {"bframes": "0", "preset": "ultrafast"}])
def test_black_and_still_stretches_are_measured(save: Save, options: dict[str, str]) -> None:
    moving, still, black = range(0, 40, 4), [60] * 15, [None] * 6

    seen, _ = watched(save([*moving, *still, *moving, *black], **options))

    assert seen.frames == 41
    assert seen.complaints == ()
    assert list(*seen.still) == pytest.approx([1.0, 2.5])
    assert list(*seen.black) == pytest.approx([3.5, 4.1])


def test_the_frames_that_are_wanted_are_shown(save: Save) -> None:
    _, shown = watched(save(range(0, 80, 4)), 0, 7, 19, 400)

    assert sorted(shown) == [0, 7, 19]
    assert all(abs(int(shown[n][40, n * 4 + 20]) - 200) < 12 for n in shown)


def test_a_picture_left_out_is_the_picture_that_decoding_shows(tmp_path: Path) -> None:
    size = Size(width=WIDTH, height=HEIGHT, fps=30)
    segments = [Coder(size).encode(Slides(), range(30)) for _ in range(2)]
    path = copied([unit for segment in segments for unit in segment.units], tmp_path / "v.mp4")
    with av.open(str(path)) as file:
        plain = [picture.to_ndarray()[:HEIGHT] for picture in file.decode(video=0)]
    with av.open(str(path)) as file:
        repeats = Repeats(file.streams.video[0])
        left_out = sum(repeats(p) is None for p in file.demux(video=0) if p.size)

    seen, shown = watched(path, *range(60))

    assert left_out == 50
    assert (seen.frames, seen.complaints) == (60, ())
    assert all((shown[n] == plain[n]).all() for n in range(60))


def test_a_picture_that_only_moves_blocks_is_read_to_its_end_and_not_decoded(
    tmp_path: Path,
) -> None:
    segment = Coder(Size(width=WIDTH, height=HEIGHT, fps=30)).encode(Pans(), range(21))
    path = copied(segment.units, tmp_path / "v.mp4")
    with av.open(str(path)) as file:
        plain = [picture.to_ndarray()[:HEIGHT] for picture in file.decode(video=0)]
    with av.open(str(path)) as file:
        repeats = Repeats(file.streams.video[0])
        left_out = [repeats(p) is None for p in file.demux(video=0) if p.size]

    seen, shown = watched(path, *range(21))

    assert left_out.count(True) == 10
    assert (seen.frames, seen.complaints) == (21, ())
    coded = [n for n in range(21) if not left_out[n]]
    assert all((shown[n] == plain[n]).all() for n in coded)
    assert segment.coded == len(coded)


def test_one_with_a_bit_too_many_goes_to_the_decoder(tmp_path: Path) -> None:
    segment = Coder(Size(width=WIDTH, height=HEIGHT, fps=30)).encode(Pans(), range(9))
    units = [
        unit + b"\x80" if unit[4:5] == b"\x01" or unit[3:4] == b"\x01" else unit
        for unit in segment.units
    ]
    with av.open(str(copied(units, tmp_path / "v.mp4"))) as file:
        repeats = Repeats(file.streams.video[0])
        left_out = [repeats(p) is None for p in file.demux(video=0) if p.size]

    assert left_out.count(True) == 0


def test_it_stops_when_it_is_told(save: Save) -> None:
    stop = Event()
    stop.set()

    seen = watch(save(range(0, 80, 4)), Keeper(), stop=stop, on_progress=lambda at_s: None)

    assert seen.frames == 0


def test_a_damaged_file_is_complained_of(save: Save) -> None:
    path = save(range(0, 80, 2))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(bytes(content))

    seen, _ = watched(path)
    finding = judge_watched(seen, 4.0, FPS, Limits())[0]

    assert (finding.check, finding.ok) == ("decode", False)


def test_missing_frames_are_complained_of() -> None:
    finding = judge_watched(Watched(20, (), (), ()), 4.0, FPS, Limits())[0]

    assert not finding.ok
    assert "20 frames of 40 are missing" in finding.detail


def test_every_finding_names_its_value_and_its_limit() -> None:
    seen = Watched(40, ((0.0, 1.2),), ((0.5, 3.0),), ("at 1 s: broken",))

    judged = {finding.check: finding for finding in judge_watched(seen, 4.0, FPS, Limits())}

    assert judged["black"].detail == "longest black stretch 1.2 s (limit 0.5 s)"
    assert judged["still"].detail == (
        "longest still stretch 2.5 s (limit 4 s), 62% of the video (limit 50%)"
    )
    assert [name for name, finding in judged.items() if finding.ok] == []
