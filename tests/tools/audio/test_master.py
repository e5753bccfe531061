import numpy as np
import pytest

from tools.audio.loudness import SAMPLE_RATE, Samples, frame_power, integrated_loudness, true_peak
from tools.audio.master import CEILING_DBTP, TARGET_LUFS, finish


def babble(seconds: float, level: float = 0.2) -> Samples:
    """Noise in syllables, in two channels: as uneven as speech."""
    rng = np.random.default_rng(1)
    count = int(seconds * SAMPLE_RATE)
    syllables = np.abs(np.sin(np.arange(count) / SAMPLE_RATE * 2 * np.pi * 2.5)) ** 3
    smooth = np.convolve(rng.normal(0, level, count), np.ones(8) / 8, "same")
    return np.asarray(np.stack([smooth, smooth]) * syllables, np.float32)


@pytest.mark.parametrize("level", [0.001, 0.05, 0.9])
def test_any_level_comes_out_at_the_target_under_the_ceiling(level: float) -> None:
    master = finish(babble(6, level))

    assert integrated_loudness(master.samples) == pytest.approx(TARGET_LUFS, abs=0.3)
    assert true_peak(master.samples) <= CEILING_DBTP + 0.01
    assert master.lufs == pytest.approx(integrated_loudness(master.samples), abs=0.1)
    assert master.true_peak_dbtp == pytest.approx(true_peak(master.samples), abs=0.01)


def test_a_power_that_is_known_is_not_measured_again() -> None:
    track = babble(3)

    master = finish(track, frame_power(track))

    assert np.array_equal(master.samples, finish(track).samples)


def test_silence_stays_silence() -> None:
    master = finish(np.zeros((2, SAMPLE_RATE), np.float32))

    assert not master.samples.any()


def test_a_click_does_not_make_the_rest_quiet() -> None:
    track = babble(6)
    track[:, 3 * SAMPLE_RATE] = 1.0

    master = finish(track)

    assert true_peak(master.samples) <= -1.0
    assert integrated_loudness(master.samples) == pytest.approx(TARGET_LUFS, abs=0.5)
