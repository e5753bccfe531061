"""The pictures that we write ourselves, judged by two decoders: libav's own and the ffmpeg program.

They must show exactly what x264 coded, each picture as often as it stands.
"""

import io
import subprocess
from collections.abc import Hashable
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest

from tools.render.cards.card import Motion
from tools.render.engine.bits import BitReader, BitWriter, nal_units, protected, unprotected
from tools.render.engine.coder import KEY_S, Coder, Segment
from tools.render.engine.skips import Headers, Unsupported, renumbered, skip_picture
from tools.render.layout import Size
from tools.render.sprites import Frame

SIZE = Size(width=192, height=160, fps=30)
Pictures = list[npt.NDArray[np.uint8]]


class Steps:
    """A box that moves every `every` frames over grain."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.grain = np.random.default_rng(1).integers(40, 60, (SIZE.height, SIZE.width))

    def state(self, n: int) -> Hashable:
        return n // self.every

    def motion(self, n: int) -> Motion | None:
        return None

    def draw(self, frame: Frame, n: int) -> None:
        frame.buffer[:] = 128
        frame.y[...] = self.grain
        x = 4 * (n // self.every) % 120
        frame.y[40:80, x : x + 40] = 200


class Pan(Steps):
    """A picture that slides up by two pixels a frame inside a fixed border."""

    def __init__(self) -> None:
        super().__init__(1)
        self.tall = np.random.default_rng(2).integers(16, 235, (400, 128)).astype(np.uint8)

    def state(self, n: int) -> Hashable:
        return n

    def motion(self, n: int) -> Motion | None:
        return ((0, -2), (2, 2, 10, 9)) if n else None

    def draw(self, frame: Frame, n: int) -> None:
        frame.buffer[:] = 128
        frame.y[...] = self.grain
        frame.y[32:144, 32:160] = self.tall[2 * n : 2 * n + 112]


def decoded(segment: Segment) -> Pictures:
    with av.open(io.BytesIO(b"".join(segment.units)), mode="r", format="h264") as file:
        decoded = file.decode(video=0)
        return [np.asarray(one.to_ndarray(format="yuv420p"), np.uint8) for one in decoded]


def decoded_by_ffmpeg(segment: Segment, folder: Path) -> tuple[Pictures, str]:
    stream = folder / "film.h264"
    stream.write_bytes(b"".join(segment.units))
    binary = imageio_ffmpeg.get_ffmpeg_exe()
    command = [binary, "-v", "warning", "-err_detect", "explode", "-i", str(stream)]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    pictures = np.frombuffer(done.stdout, np.uint8)
    whole = pictures.reshape(-1, SIZE.height * 3 // 2, SIZE.width)
    return list(whole), done.stderr.decode()


@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
def test_a_film_of_stills_shows_each_coded_picture_as_long_as_it_stands(
    every: int, tmp_path: Path
) -> None:
    scene = Steps(every)

    ours = Coder(SIZE).encode(scene, range(90))

    moves = -(-90 // every)
    coded = decoded(Coder(SIZE, skips=False).encode(Steps(1), range(moves)))
    assert ours.coded == moves
    pictures, complaints = decoded_by_ffmpeg(ours, tmp_path)
    assert complaints == ""
    assert len(pictures) == 90
    for n, (mine, libav) in enumerate(zip(pictures, decoded(ours), strict=True)):
        assert np.array_equal(mine, libav)
        assert np.array_equal(mine, coded[n // every])


def test_a_still_of_many_seconds_has_key_pictures_to_seek_to() -> None:
    count = SIZE.fps * KEY_S * 3
    ours = Coder(SIZE).encode(Steps(10_000), range(count))

    assert ours.coded == 3
    first, *rest = decoded(ours)
    assert len(rest) == count - 1
    assert all(np.array_equal(first[: SIZE.height], one[: SIZE.height]) for one in rest[:100])


def test_every_second_picture_of_an_even_pan_is_only_vectors(tmp_path: Path) -> None:
    ours = Coder(SIZE).encode(Pan(), range(60))

    pictures, complaints = decoded_by_ffmpeg(ours, tmp_path)
    assert complaints == ""
    assert ours.coded == 31  # the last one is coded too: nothing may be left out there
    frame = Frame(SIZE.width, SIZE.height)
    for n in (1, 3, 30, 58):
        Pan().draw(frame, n)
        inside = (slice(48, 128), slice(48, 144))
        off = np.abs(pictures[n][inside].astype(int) - frame.y[inside]).mean()
        assert off < 8, n
        border = np.abs(pictures[n][:30].astype(int) - frame.y[:30]).mean()
        assert border < 6, n


def test_a_segment_may_be_cut_anywhere_and_the_next_follow(tmp_path: Path) -> None:
    first, second = Coder(SIZE).encode(Steps(4), range(50)), Coder(SIZE).encode(Pan(), range(20))

    joined = Segment(first.cut(37).units + second.units, 0)

    pictures, complaints = decoded_by_ffmpeg(joined, tmp_path)
    assert (len(pictures), complaints) == (57, "")


def test_the_same_scene_gives_the_same_bytes() -> None:
    once, again = (Coder(SIZE).encode(Steps(3), range(60)) for _ in range(2))

    assert once == again


def test_frame_numbers_are_raised_and_wrap() -> None:
    segment = Coder(SIZE, skips=False).encode(Steps(1), range(4))
    headers = Headers.read(segment.units[0])

    def number(unit: bytes) -> int:
        nal = next(one for one in nal_units(unit) if one[0] & 31 == 1)
        reader = BitReader(unprotected(nal[1:20]))
        for _ in range(3):
            reader.unsigned()
        return reader.get(headers.frame_num_bits)

    assert number(segment.units[2]) == 2
    assert number(renumbered(segment.units[2], headers, 5)) == 7
    assert number(renumbered(segment.units[2], headers, (1 << headers.frame_num_bits) - 1)) == 1
    assert number(skip_picture(headers, 9)) == 9


def test_a_stream_of_another_kind_is_not_touched() -> None:
    with pytest.raises(Unsupported):
        Headers.read(b"\0\0\0\1\x09\xf0")


@pytest.mark.parametrize("payload", [b"\0" * 9, b"\0\0\1\0\0\2\0\0\3", b"\1\0\0", b"\0\0\0\0\1"])
def test_emulation_prevention_is_put_in_and_taken_out(payload: bytes) -> None:
    closed = payload + b"\x80"

    safe = protected(closed)

    assert not any(start in safe for start in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unprotected(safe) == closed


@pytest.mark.parametrize("value", [0, 1, 2, 7, 8, 254, 8159])
def test_exp_golomb_codes_are_read_as_they_were_written(value: int) -> None:
    writer = BitWriter()
    writer.unsigned(value)
    writer.signed(-value)
    writer.signed(value)

    reader = BitReader(writer.closed())

    assert (reader.unsigned(), reader.signed(), reader.signed()) == (value, -value, value)
