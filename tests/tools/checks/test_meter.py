"""The meter against the standard's own numbers and against known signals."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.checks.limits import Limits
from tools.checks.meter import Metered, judge_metered, loudness, measure, true_peak

RATE = 48_000
Channels = NDArray[np.float32]


def tone(hertz: float, level: float, seconds: float = 10.0, rate: int = RATE) -> Channels:
    at = np.arange(int(seconds * rate)) / rate
    return np.tile(np.asarray(level * np.sin(2 * np.pi * hertz * at), np.float32), (2, 1))


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_standards_tone_measures_what_the_standard_says(rate: int) -> None:
    # EBU Tech 3341: 997 Hz at -23 dBFS in both channels reads -23 LUFS.
    assert loudness(tone(997, 10 ** (-23 / 20), rate=rate), rate) == pytest.approx(-23, abs=0.1)


def test_silence_between_speech_is_gated_out() -> None:
    loud = tone(997, 10 ** (-23 / 20))

    assert loudness(np.concatenate([loud, loud * 0], axis=1), RATE) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 5.0])
def test_silence_and_almost_nothing_are_as_quiet_as_can_be(seconds: float) -> None:
    quiet = tone(997, 0.0, seconds)
    metered = measure(quiet, RATE)

    assert (metered.loudness_lufs, metered.true_peak_dbtp) == (-70, -120)


def test_a_peak_between_the_samples_is_found() -> None:
    at = np.arange(RATE)
    # A quarter of the rate, 45 degrees off: every sample is 3 dB below the peak.
    wave = np.asarray(0.9 * np.sin(np.pi / 2 * at + np.pi / 4), np.float32)
    fading = np.hanning(len(wave)).astype(np.float32)

    assert np.abs(wave * fading).max() < 0.65
    assert true_peak((wave * fading)[np.newaxis]) == pytest.approx(20 * np.log10(0.9), abs=0.2)


def test_silent_stretches_are_measured_to_a_hundredth() -> None:
    track = tone(300, 0.3, 4)
    track[:, RATE : 2 * RATE] = 0

    ((begin, end),) = measure(track, RATE).silent

    assert [begin, end] == pytest.approx([1, 2], abs=0.02)


def test_every_finding_names_its_value_and_its_limit() -> None:
    judged = {f.check: f for f in judge_metered(Metered(-14.2, -1.14, ((0.0, 9.0),)), Limits())}

    assert judged["loudness"].detail == "-14.2 LUFS (limit -14 +- 1)"
    assert judged["true_peak"].detail == "-1.1 dBTP (limit -0.9)"
    assert judged["silence"].detail == "longest silence 9.0 s (limit 2.5 s)"
    assert [f.check for f in judged.values() if not f.ok] == ["silence"]
