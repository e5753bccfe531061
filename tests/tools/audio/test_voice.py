import numpy as np
import pytest

from tools.audio.loudness import SAMPLE_RATE
from tools.audio.voice import polish


def test_nothing_stays_nothing() -> None:
    assert len(polish(np.zeros(0, np.float32), 22_050)) == 0


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_a_voice_of_any_rate_keeps_its_pitch_and_its_length(rate: int) -> None:
    at = np.arange(rate) / rate

    samples = polish((0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32), rate)

    assert len(samples) == SAMPLE_RATE
    assert int(np.abs(np.fft.rfft(samples)).argmax()) == 440


def test_rumble_and_buzz_go_and_the_voice_stays() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE

    def kept(hertz: float) -> float:
        mixed = np.sin(2 * np.pi * 400 * at) + np.sin(2 * np.pi * hertz * at)
        spectrum = np.abs(np.fft.rfft(polish((0.1 * mixed).astype(np.float32), SAMPLE_RATE)))
        return float(spectrum[int(hertz)] / spectrum[400])

    assert kept(30) < 0.1
    assert kept(15_000) < 0.3
    assert kept(700) == pytest.approx(1.0, abs=0.1)


def test_loud_and_quiet_come_nearer_to_each_other() -> None:
    at = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    level = np.where(at < 1, 0.05, 0.5)

    samples = polish((level * np.sin(2 * np.pi * 440 * at)).astype(np.float32), SAMPLE_RATE)

    quiet = float(np.abs(samples[24_000:40_000]).max())
    loud = float(np.abs(samples[72_000:88_000]).max())
    assert 3 < loud / quiet < 8
