import numpy as np
import pytest

from tools.audio.loudness import SAMPLE_RATE, Samples, integrated_loudness, true_peak
from tools.audio.master import TARGET_LUFS, finish, resample, soften


def babble(seconds: float, level: float = 0.2) -> Samples:
    """Noise in syllables: as uneven as speech."""
    rng = np.random.default_rng(1)
    count = int(seconds * SAMPLE_RATE)
    syllables = np.abs(np.sin(np.arange(count) / SAMPLE_RATE * 2 * np.pi * 2.5)) ** 3
    smooth = np.convolve(rng.normal(0, level, count), np.ones(8) / 8, "same")
    return np.asarray(smooth * syllables, np.float32)


@pytest.mark.parametrize("level", [0.001, 0.05, 0.9])
def test_any_level_comes_out_at_the_target_under_the_ceiling(level: float) -> None:
    master = finish(soften(babble(6, level)))

    assert integrated_loudness(master.samples) == pytest.approx(TARGET_LUFS, abs=0.3)
    assert true_peak(master.samples) <= -1.0
    assert master.lufs == pytest.approx(integrated_loudness(master.samples), abs=0.01)
    assert master.true_peak_dbtp == pytest.approx(true_peak(master.samples), abs=0.01)


def test_both_channels_are_the_same_voice() -> None:
    master = finish(babble(2))

    assert master.samples.shape == (2, 2 * SAMPLE_RATE)
    assert np.array_equal(master.samples[0], master.samples[1])


def test_silence_stays_silence() -> None:
    master = finish(soften(np.zeros(SAMPLE_RATE, np.float32)))

    assert not master.samples.any()


def test_nothing_stays_nothing() -> None:
    empty = np.zeros(0, np.float32)

    assert len(soften(resample(empty, 22_050))) == 0


def test_a_click_does_not_make_the_rest_quiet() -> None:
    voice = babble(6)
    voice[3 * SAMPLE_RATE] = 1.0

    master = finish(voice)

    assert true_peak(master.samples) <= -1.0
    assert master.lufs == pytest.approx(TARGET_LUFS, abs=0.5)


def test_resampling_keeps_pitch_level_and_length() -> None:
    at = np.arange(22_050) / 22_050
    samples = resample((0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32), 22_050)

    assert len(samples) == SAMPLE_RATE
    assert int(np.abs(np.fft.rfft(samples)).argmax()) == 440
    assert float(np.abs(samples[1000:-1000]).max()) == pytest.approx(0.5, abs=0.01)


def test_softening_takes_rumble_and_buzz_but_keeps_the_voice() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE

    def kept(hertz: float) -> float:
        mixed = np.sin(2 * np.pi * 400 * at) + np.sin(2 * np.pi * hertz * at)
        spectrum = np.abs(np.fft.rfft(soften((0.1 * mixed).astype(np.float32))))
        return float(spectrum[int(hertz)] / spectrum[400])

    assert kept(30) < 0.1
    assert kept(15_000) < 0.3
    assert kept(700) == pytest.approx(1.0, abs=0.1)
