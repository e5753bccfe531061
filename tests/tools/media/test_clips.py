"""Clips: the right pictures at the right times, and nothing from anywhere else."""

import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from bookai.errors import Refused
from tools.media.clips import AtEnd, Clip, look_at_clip

SIZE = (128, 96)
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write a clip whose picture number k is grey of tone 40 + 10 k."""

    def write(
        name: str = "clip.mp4",
        *,
        count: int = 10,
        rate: int = 10,
        size: tuple[int, int] = SIZE,
        tracks: int = 1,
        trc: int = 1,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as out:
            streams = [out.add_stream("libx264", rate=rate) for _ in range(tracks)]
            for stream in streams:
                stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
                context = stream.codec_context
                context.color_trc, context.colorspace, context.color_range = trc, 1, 1
            for number in range(count):
                for stream in streams:
                    planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
                    planes[: size[1]] = min(230, 40 + 10 * number)
                    planes[:8] = 235  # so that up can be told from down
                    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                    picture.pts, picture.time_base = number, Fraction(1, rate)
                    out.mux(stream.encode(picture))
            for stream in streams:
                out.mux(stream.encode())
        return path

    return write


def tones(clip: Clip, count: int) -> list[int]:
    """Return which picture each frame shows."""
    frames = islice(clip.frames(), count)
    return [round((int(frame.y[-8, frame.y.shape[1] // 2]) - 40) / 10) for frame in frames]


def test_the_facts_are_read_without_decoding(save: Save) -> None:
    facts = look_at_clip(save())

    assert (facts.width, facts.height, facts.fps) == (128, 96, 10)
    assert facts.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fps", "start_s", "at_end", "shown"),
    [
        (10, 0.0, "hold", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9]),
        (10, 0.8, "loop", [8, 9, 8, 9, 8]),
        (20, 0.0, "hold", [0, 0, 1, 1, 2, 2]),
        (5, 0.0, "hold", [0, 2, 4, 6, 8, 9, 9]),
        (10, 30.0, "hold", [9, 9, 9]),
    ],
)
def test_frames_come_at_the_wanted_rate(
    save: Save, fps: int, start_s: float, at_end: AtEnd, shown: list[int]
) -> None:
    clip = Clip(save(), (64, 48), fps, start_s=start_s, at_end=at_end)

    assert tones(clip, len(shown)) == shown


@pytest.mark.parametrize("size", [(64, 96), (200, 50), (31, 31)])
def test_a_clip_covers_the_size_that_is_wanted(save: Save, size: tuple[int, int]) -> None:
    frame = next(iter(Clip(save(), size, 10).frames()))

    assert frame.y.shape == ((size[1] + 1) & ~1, (size[0] + 1) & ~1)
    assert frame.y.min() > 30


def test_the_same_clip_gives_the_same_bytes(save: Save) -> None:
    path = save()
    once, again = (list(islice(Clip(path, (90, 160), 30).frames(), 20)) for _ in range(2))

    assert all((a.buffer == b.buffer).all() for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize(("turned", "side"), [(90, 0), (-90, -1)])
def test_a_clip_from_a_phone_held_on_its_side_is_turned(
    save: Save, tmp_path: Path, turned: int, side: int
) -> None:
    command = (
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", str(turned)),
        *("-i", str(save()), "-c", "copy", str(tmp_path / "turned.mp4")),
    )
    subprocess.run(command, check=True, timeout=30)

    frame = next(iter(Clip(tmp_path / "turned.mp4", (96, 128), 10).frames()))

    assert (frame.y[:, side] > 200).all()


def test_a_clip_that_stays_yields_the_same_object(save: Save) -> None:
    frames = list(islice(Clip(save(count=2), (64, 64), 10).frames(), 6))

    assert frames[5] is frames[4]


def test_a_clip_that_breaks_off_keeps_its_last_picture(save: Save, tmp_path: Path) -> None:
    whole = save("clip.mkv", count=60).read_bytes()
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(whole[: len(whole) // 2])

    assert len(tones(Clip(broken, (64, 48), 10), 80)) == 80


@pytest.mark.parametrize(
    "content", [b"", b"no clip", bytes(5000), b"\0\0\0\x18ftypmp42" + bytes(90)]
)
def test_a_file_that_is_no_clip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    with pytest.raises(Refused, match=r"clip\.mp4.*H\.264"):
        look_at_clip(path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '/etc/passwd'\n",
        "v=0\nm=video 9 RTP/AVP 96\nc=IN IP4 127.0.0.1\n",
    ],
)
def test_a_list_of_other_files_is_never_followed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text(text)

    with pytest.raises(Refused, match=r"clip\.mp4"):
        look_at_clip(path)


def test_too_many_streams_are_refused(save: Save) -> None:
    with pytest.raises(Refused, match="9 streams"):
        look_at_clip(save("clip.mkv", tracks=9, count=1))


def test_a_clip_too_small_or_too_long_is_refused(save: Save) -> None:
    with pytest.raises(Refused, match="64 pixels"):
        look_at_clip(save(size=(32, 32)))
    with pytest.raises(Refused, match="600 s"):
        look_at_clip(save("long.mkv", rate=1, count=700))


@pytest.mark.parametrize("size", [(64, 8192), (1024, 192)])
def test_a_clip_that_is_a_mere_strip_is_refused(save: Save, size: tuple[int, int]) -> None:
    with pytest.raises(Refused, match=rf"clip\.mp4.*{size[0]}x{size[1]}.*4:1.*cut out"):
        look_at_clip(save(size=size, count=1))


@pytest.mark.parametrize("size", [(64, 256), (256, 64)])
def test_the_longest_strip_that_is_taken_covers_a_panel(save: Save, size: tuple[int, int]) -> None:
    frame = next(iter(Clip(save(size=size, count=1), (96, 160), 10).frames()))

    assert frame.y.shape == (160, 96)


def test_a_size_that_no_scaler_can_make_is_refused_with_the_way_out(save: Save) -> None:
    with pytest.raises(Refused, match=r"clip\.mp4.*scaled.*H\.264"):
        next(iter(Clip(save(count=1), (2, 200_000), 10).frames()))


def test_high_dynamic_range_is_refused_with_the_way_out(save: Save) -> None:
    with pytest.raises(Refused, match="SDR"):
        look_at_clip(save(trc=16))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.mp4"):
        with pytest.raises(Refused):
            look_at_clip(path)
