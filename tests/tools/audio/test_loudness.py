import numpy as np
import pytest

from tools.audio.loudness import (
    SAMPLE_RATE,
    SILENCE_LUFS,
    Samples,
    fast_length,
    integrated_loudness,
    true_peak,
)


def tone(hertz: float, seconds: float, level: float = 1.0, phase: float = 0.0) -> Samples:
    at = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hertz * at + phase)).astype(np.float32)


def test_a_stereo_kilohertz_at_minus_23_dbfs_is_minus_23_lufs() -> None:
    left = tone(997, 5, 10 ** (-23 / 20))

    assert integrated_loudness(np.stack([left, left])) == pytest.approx(-23.0, abs=0.1)


def test_one_channel_is_three_lu_quieter_than_two() -> None:
    left = tone(997, 5, 0.1)

    one = integrated_loudness(left[np.newaxis])

    assert integrated_loudness(np.stack([left, left])) - one == pytest.approx(3.01, abs=0.02)


def test_pauses_do_not_lower_the_loudness() -> None:
    left = tone(997, 4, 0.1)
    paused = np.concatenate([left, np.zeros(4 * SAMPLE_RATE, np.float32)])

    assert integrated_loudness(paused[np.newaxis]) == pytest.approx(
        integrated_loudness(left[np.newaxis]), abs=0.25
    )


@pytest.mark.parametrize("length", [0, 1, 100, 48_000])
def test_silence_is_as_quiet_as_the_meter_goes(length: int) -> None:
    assert integrated_loudness(np.zeros((2, length), np.float32)) == SILENCE_LUFS


def test_the_true_peak_lies_between_the_samples() -> None:
    # A quarter of the rate, sampled beside its peaks: the samples reach only 0.707.
    samples = tone(SAMPLE_RATE / 4, 1, 1.0, np.pi / 4)[np.newaxis]

    assert float(np.abs(samples).max()) == pytest.approx(0.707, abs=0.001)
    assert true_peak(samples) == pytest.approx(0.0, abs=0.25)


@pytest.mark.parametrize("length", [1, 2, 7, 1000, 44_101, 2_000_001])
def test_a_fast_length_is_enough_and_not_far(length: int) -> None:
    found = fast_length(length)

    assert length <= found <= 1.2 * length + 1
    for factor in (2, 3, 5):
        while found % factor == 0:
            found //= factor
    assert found == 1
