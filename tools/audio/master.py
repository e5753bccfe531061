"""From an engine's raw voice to one that is pleasant and as loud as the platforms want it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.audio.loudness import (
    SAMPLE_RATE,
    Samples,
    fast_length,
    integrated_loudness,
    true_peak,
)

TARGET_LUFS = -14.0
# AAC adds up to half a decibel to a peak, and -1 dBTP is what the platforms ask for.
CEILING_DBTP = -1.8
# The same sound in two channels is twice the power.
TWO_CHANNELS_LU = 10 * math.log10(2)
CLOSE_LU = 0.1

FRAME = SAMPLE_RATE // 1000
LOOK_AHEAD_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Master:
    """A finished track: channels by time at 48 kHz, and what was measured of it."""

    samples: Samples
    lufs: float
    true_peak_dbtp: float


def resample(mono: Samples, sample_rate: int) -> Samples:
    """Return mono samples at 48 kHz, by one zero-padded FFT."""
    if sample_rate == SAMPLE_RATE or not len(mono):
        return mono
    shared = math.gcd(sample_rate, SAMPLE_RATE)
    down, up = sample_rate // shared, SAMPLE_RATE // shared
    blocks = fast_length(-(-(len(mono) + 2048) // down))
    before, after = blocks * down, blocks * up
    spectrum = np.fft.rfft(mono, before)
    wide = np.zeros(after // 2 + 1, spectrum.dtype)
    kept = min(len(spectrum), len(wide))
    wide[:kept] = spectrum[:kept]
    longer = np.fft.irfft(wide, after) * (after / before)
    return np.asarray(longer[: len(mono) * SAMPLE_RATE // sample_rate], np.float32)


def soften(mono: Samples) -> Samples:
    """Take rumble and harshness out of a synthetic voice, add a little warmth, even its level."""
    if not len(mono):
        return mono
    return _compress(_equalise(mono, _voice_curve))


def finish(mono: Samples) -> Master:
    """Bring a voice to -14 LUFS in stereo with no true peak over the ceiling.

    Where the limiter had to work, loudness is corrected again. Silence stays silence.
    """
    track = mono[np.newaxis, :].astype(np.float32)
    if float(np.abs(track).max(initial=0.0)) >= 1e-5:
        for _ in range(3):
            missing = TARGET_LUFS - TWO_CHANNELS_LU - integrated_loudness(track)
            track = _limit(track * np.float32(_gain(missing)), _gain(CEILING_DBTP))
            if abs(missing) < CLOSE_LU:
                break
        over = true_peak(track) - CEILING_DBTP
        track = track * np.float32(_gain(-max(0.0, over)))
    peak = true_peak(track)
    stereo = np.repeat(track, 2, axis=0)
    return Master(stereo, integrated_loudness(track) + TWO_CHANNELS_LU, peak)


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _equalise(
    mono: Samples, curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Samples:
    length = fast_length(len(mono) + 4096)
    hertz = np.asarray(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), np.float64)
    response = curve(hertz)
    shaped = np.fft.irfft(np.fft.rfft(mono, length) * response, length)
    return np.asarray(shaped[: len(mono)], np.float32)


def _voice_curve(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gain at each frequency: no rumble, warm at 170, less buzz at 2600 and 6500 Hz."""

    def bell(centre: float, width: float, decibels: float) -> NDArray[np.float64]:
        octaves = np.log2(np.maximum(hertz, 1.0) / centre)
        return 1 + (_gain(decibels) - 1) * np.exp(-((octaves * width) ** 2))

    rumble = (hertz / 85) ** 4 / (1 + (hertz / 85) ** 4)
    air = 1 / np.sqrt(1 + (hertz / 8500) ** 6)
    curve: NDArray[np.float64] = (
        rumble * air * bell(170, 1.2, 2.5) * bell(2600, 1.1, -3.5) * bell(6500, 1.5, -4.0)
    )
    return curve


def _compress(mono: Samples, ratio: float = 2.2, over_db: float = -6.0) -> Samples:
    """Lower what is louder than its own mean level plus `over_db`, smoothly.

    The gain follows the level within 8 ms and lets go within 140 ms.
    """
    frames = _frames(mono)
    level = np.sqrt((frames**2).mean(axis=1) + 1e-12)
    speech = level[level > 0.02 * level.max()]
    threshold = 20 * math.log10(float(np.sqrt((speech**2).mean()))) + over_db
    attack, release = math.exp(-1 / 8), math.exp(-1 / 140)
    smooth, held = np.empty(len(level)), -120.0
    for at, decibels in enumerate((20 * np.log10(level)).tolist()):
        keep = attack if decibels > held else release
        held = decibels + (held - decibels) * keep
        smooth[at] = held
    gain = 10 ** (np.minimum(0.0, threshold - smooth) * (1 - 1 / ratio) / 20)
    return mono * _by_sample(gain, len(mono))


def _limit(stereo: Samples, ceiling: float) -> Samples:
    """Bring peaks under `ceiling`; the gain moves before the peak comes, so nothing is cut."""
    peaks = np.abs(_frames(np.abs(stereo).max(axis=0))).max(axis=1)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    span = 2 * LOOK_AHEAD_FRAMES + 1
    padded = np.pad(needed, LOOK_AHEAD_FRAMES, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, span).min(axis=1)
    window = np.hanning(span + 2)[1:-1]
    padded = np.pad(lowest, LOOK_AHEAD_FRAMES, mode="edge")
    gain = np.convolve(padded, window / window.sum(), "valid")
    return stereo * _by_sample(gain, stereo.shape[-1])


def _frames(mono: Samples) -> NDArray[np.float32]:
    """Return the samples as rows of 1 ms, the last one filled up with zeros."""
    return np.pad(mono, (0, -len(mono) % FRAME)).reshape(-1, FRAME)


def _by_sample(gain: NDArray[np.float64], length: int) -> Samples:
    """Return one gain a sample from one a millisecond."""
    centres = np.arange(len(gain)) * FRAME + FRAME / 2
    return np.interp(np.arange(length), centres, gain).astype(np.float32)
