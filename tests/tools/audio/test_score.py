import wave
from pathlib import Path

import numpy as np
import pytest

from bookai.errors import OperatorNeeded
from tools.audio.loudness import SAMPLE_RATE
from tools.audio.score import choose_music

LICENCE = "Ann Example, CC BY 4.0"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Six seconds of a rising tone in 8-bit mono."""
    at = np.arange(6 * 16_000) / 16_000
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(16_000)
        file.writeframes((128 + 60 * np.sin(2000 * at + 200 * at**2)).astype("u1").tobytes())
    return path


def test_music_is_synthesised_where_nothing_is_said_and_says_so() -> None:
    music = choose_music({})

    assert music is not None
    assert "no recording or score of others" in music.credit


def test_no_music_is_no_music() -> None:
    assert choose_music({"music": "none"}) is None


def test_an_operators_file_comes_round_and_carries_its_licence(song: Path) -> None:
    music = choose_music({"music": str(song), "music_licence": LICENCE})

    assert music is not None
    assert music.credit == f"song.wav: {LICENCE}"
    assert music.samples.shape == (2, 5 * SAMPLE_RATE)
    seam = np.abs(music.samples[:, 0] - music.samples[:, -1]).max()
    assert seam <= np.abs(np.diff(music.samples, axis=1)).max() * 1.5


def test_a_file_without_a_licence_is_not_used(song: Path) -> None:
    with pytest.raises(OperatorNeeded, match="music_licence") as caught:
        choose_music({"music": str(song), "music_licence": " "})

    assert "licence" in caught.value.mend


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "no music file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\xff" * 60, "no music file"),
        (b"<svg/>" * 100, "no sound in it"),
        (b"#EXTM3U\nhttp://192.0.2.1/a.mp3\n", "no music file"),
    ],
)
def test_what_is_no_music_is_told_by_name(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "wrong.mp3"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(OperatorNeeded, match=says) as caught:
        choose_music({"music": str(path), "music_licence": LICENCE})

    assert "wrong.mp3" in str(caught.value)


def test_a_folder_and_a_device_are_no_music(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(OperatorNeeded, match="no file"):
            choose_music({"music": str(path), "music_licence": LICENCE})


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"music": "song.mp3", "music_licence": LICENCE}, "no whole path"),
        ({"mood": "angry"}, "mood"),
        ({"seed": -1}, "seed"),
        ({"tempo": 120}, "tempo"),
    ],
)
def test_a_wrong_table_is_told_by_its_key(table: dict[str, object], says: str) -> None:
    with pytest.raises(OperatorNeeded, match=rf"plugins\.speak.*{says}"):
        choose_music(table)
