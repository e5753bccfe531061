"""Frames in, access units out, by the encoder on the CPU; and every way in which it can break."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from bookai.errors import ToolFailed
from tools.ffmpeg.runner import find_ffmpeg
from tools.render.encoders.pipe import PipeEncoder, split
from tools.render.encoders.recipes import CPU
from tools.render.layout import Size
from tools.render.sprites import Frame

MakeProgram = Callable[[str], Path]
SMALL = Size(width=180, height=320, fps=30)
KEY, FIRST_SET = 5, 7


def pictures(count: int, size: Size = SMALL) -> Iterator[Frame]:
    frame = Frame(size.width, size.height)
    frame.u[:], frame.v[:] = 128, 128
    for n in range(count):
        frame.y[:] = 40 + 4 * n
        yield frame


def kinds(unit: bytes) -> list[int]:
    parts = unit.split(b"\x00\x00\x01")[1:]
    return [part[0] & 31 for part in parts]


def test_each_frame_comes_back_as_one_picture_in_its_order() -> None:
    units = PipeEncoder(find_ffmpeg({}), CPU).encode(pictures(12), SMALL)

    decoder = av.CodecContext.create("h264", "r")
    shown = [
        frame.to_ndarray()[: SMALL.height]
        for packet in [*map(av.Packet, units), None]
        for frame in decoder.decode(packet)
    ]
    assert len(units) == 12
    means = [float(np.mean(luma)) for luma in shown]
    assert means == pytest.approx([40 + 4 * n for n in range(12)], abs=1.5)


def test_the_first_picture_stands_by_itself_and_no_delimiter_is_left() -> None:
    units = PipeEncoder(find_ffmpeg({}), CPU).encode(pictures(3), SMALL)

    assert kinds(units[0])[0] == FIRST_SET
    assert KEY in kinds(units[0])
    assert not [unit for unit in units if 9 in kinds(unit) or unit.endswith(b"\x00")]


def test_the_same_frames_give_the_same_bytes() -> None:
    encoder = PipeEncoder(find_ffmpeg({}), CPU)

    assert encoder.encode(pictures(5), SMALL) == encoder.encode(pictures(5), SMALL)


def test_no_frames_give_no_pictures() -> None:
    assert split(b"") == []


# A frame of this size is larger than a pipe holds, so the encoder dies while it is fed.
LARGE = Size(width=720, height=1280, fps=30)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'Cannot load libcuda.so.1' >&2; exit 3", "exit code 3: no NVIDIA driver"),
        ("kill -9 $$", "signal SIGKILL (mostly: memory ran out)"),
        ("head -c 100000 >/dev/null; kill -11 $$", "signal SIGSEGV"),
        ("cat >/dev/null; exit 1", "exit code 1: it said nothing"),
        ("cat >/dev/null", "took 4 pictures and gave 0"),
    ],
)
def test_an_encoder_that_breaks_is_one_clear_error(
    make_program: MakeProgram, body: str, said: str
) -> None:
    encoder = PipeEncoder(make_program(body), "h264_nvenc")

    with pytest.raises(ToolFailed, match=r"^The encoder 'h264_nvenc' .*again") as caught:
        encoder.encode(pictures(4, LARGE), LARGE)

    assert said in str(caught.value)


@pytest.mark.parametrize("body", ["exec sleep 60", "cat >/dev/null; exec sleep 60"])
def test_an_encoder_that_hangs_is_stopped(make_program: MakeProgram, body: str) -> None:
    encoder, began = PipeEncoder(make_program(body), "h264_nvenc", stall_s=0.3), time.monotonic()

    with pytest.raises(ToolFailed, match=r"nothing for 0\.3 s and was stopped"):
        encoder.encode(pictures(4, LARGE), LARGE)

    assert time.monotonic() - began < 3


def test_a_program_that_does_not_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="'libx264' does not start: No such file"):
        PipeEncoder(tmp_path / "none", CPU).encode(pictures(1), SMALL)


def test_a_mistake_while_drawing_comes_out_as_itself() -> None:
    def broken() -> Iterator[Frame]:
        yield from pictures(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        PipeEncoder(find_ffmpeg({}), CPU).encode(broken(), SMALL)
