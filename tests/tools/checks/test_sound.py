from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.checks.limits import Limits
from tools.checks.sound import judge_clipping, judge_sync, read_voice

RATE = 48_000
Track = NDArray[np.float32]


def speech(seconds: float, seed: int = 1) -> Track:
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.random(int(seconds * 8)), RATE // 8)
    return np.asarray(levels * rng.normal(0, 0.1, len(levels)), np.float32)


def heard(track: Track) -> tuple[Track, int]:
    """The voice on the right, something quiet on the left."""
    return np.stack([0.2 * track, track]), RATE


def later(track: Track, seconds: float) -> Track:
    return np.concatenate([np.zeros(int(seconds * RATE), np.float32), track])


def test_the_same_sound_is_in_sync_even_over_music_and_at_another_rate() -> None:
    voice = speech(12)
    at = np.arange(len(voice)) / RATE
    music = np.asarray(0.02 * np.sin(2 * np.pi * 220 * at), np.float32)

    assert judge_sync(heard(voice + music), (voice, RATE), Limits()).ok
    assert judge_sync(heard(voice), (voice[::2], RATE // 2), Limits()).ok


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_late_voice_is_measured(seconds: float) -> None:
    voice = speech(12)

    finding = judge_sync(heard(later(voice, seconds)), (voice, RATE), Limits())

    assert not finding.ok
    assert f"{seconds:+.2f} s off at the beginning" in finding.detail


def test_a_voice_that_drifts_is_measured_at_its_end() -> None:
    voice = speech(30)
    stretched = np.interp(np.arange(len(voice)) / 1.01, np.arange(len(voice)), voice)

    finding = judge_sync(heard(np.asarray(stretched, np.float32)), (voice, RATE), Limits())

    assert not finding.ok


@pytest.mark.parametrize("other", [speech(12, seed=2), np.zeros(12 * RATE, np.float32)])
def test_another_sound_is_not_alike(other: Track) -> None:
    assert not judge_sync(heard(other), (speech(12), RATE), Limits()).ok


def test_nothing_at_all_is_not_in_sync() -> None:
    nothing = np.zeros(0, np.float32)

    assert not judge_sync(heard(nothing), (nothing, RATE), Limits()).ok


def test_clipping_counts_samples_at_full_scale() -> None:
    sound = speech(2)
    sound[:11] = 1.0

    assert judge_clipping(sound[1:], Limits()).ok
    assert not judge_clipping(sound, Limits()).ok


def test_a_file_that_is_no_wave_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "voice.wav").write_bytes(b"RIFF nonsense")

    with pytest.raises(ValueError, match=r"voice\.wav"):
        read_voice(tmp_path / "voice.wav")
