"""Each scene of a joined film can be sought: its first picture is a key, and the file says so."""

from collections.abc import Hashable
from pathlib import Path

import av
import pytest

from tools.render.cards.card import Motion
from tools.render.engine.bits import START, is_key
from tools.render.engine.coder import KEY_S, Coder
from tools.render.engine.joiner import join
from tools.render.layout import Size
from tools.render.sprites import Frame

SIZE = Size(width=64, height=64, fps=10)
SEQUENCE, PICTURE, DELIMITER, SEI = b"\x67\x42", b"\x68\xce", b"\x09\xf0", b"\x06\x05\x01\x00\x80"
IDR, SLICE = b"\x65\x88", b"\x41\x9a"


class Blinks:
    """A picture whose grey changes every third frame."""

    def state(self, n: int) -> Hashable:
        return n // 3

    def motion(self, n: int) -> Motion | None:
        return None

    def draw(self, frame: Frame, n: int) -> None:
        frame.buffer[:] = 60 + n % 100


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=48_000, layout="stereo")
        for count in range(8):
            frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate, frame.pts = 48_000, 1024 * count
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def test_the_key_pictures_of_a_joined_film_are_its_scenes_starts_and_those_in_between(
    silence: Path, tmp_path: Path
) -> None:
    between = KEY_S * SIZE.fps
    first = Coder(SIZE).encode(Blinks(), range(17))
    second = Coder(SIZE).encode(Blinks(), range(between + 5))
    film = tmp_path / "film.mp4"

    join(first.units + second.units, silence, film, SIZE.fps)

    # The file's own index, which players seek by: packets' flags would come from the pictures.
    with av.open(str(film)) as file:
        index = [entry.is_keyframe for entry in file.streams.video[0].index_entries]
    assert len(index) == 17 + between + 5
    assert [number for number, key in enumerate(index) if key] == [0, 17, 17 + between]


@pytest.mark.parametrize(
    ("nals", "key"),
    [
        ([IDR], True),
        ([SEI, IDR], True),
        ([DELIMITER, SEQUENCE, PICTURE, SEI, IDR], True),
        ([SLICE], False),
        ([SEI, SLICE], False),
        ([SEQUENCE, PICTURE, SEI, SLICE], False),
        ([SEQUENCE, PICTURE], False),
        ([], False),
    ],
)
def test_a_unit_is_a_key_by_its_slices_whatever_stands_before(nals: list[bytes], key: bool) -> None:
    assert is_key(b"".join(START + nal for nal in nals)) is key
