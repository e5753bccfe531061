"""From a mixed track to one as loud as the platforms want it, with no peak that a codec clips."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.audio.frames import by_sample, frame_peaks, gain
from tools.audio.loudness import Power, Samples, frame_power, gated_loudness, true_peak

TARGET_LUFS = -14.0
# AAC adds up to 0.8 decibels to a peak, and -1 dBTP is what the platforms ask for.
CEILING_DBTP = -2.2
CLOSE_LU = 0.02
TRIES = 6
PEAK_TRIES = 3
SILENT = 1e-5
LOOK_AHEAD_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Master:
    """A finished track: channels by time at 48 kHz, and what was measured of it."""

    samples: Samples
    lufs: float
    true_peak_dbtp: float


def finish(stereo: Samples, power: Power | None = None) -> Master:
    """Bring a track to -14 LUFS with no true peak over the ceiling; silence stays silence.

    `power` is the weighted power of its frames where the caller knows it (`frame_power`): a gain
    that moves slower than a frame changes it by its square, so nothing is measured twice.
    """
    power = frame_power(stereo) if power is None else power
    peaks = frame_peaks(stereo)
    if float(peaks.max(initial=0.0)) < SILENT:
        return Master(np.zeros_like(stereo), gated_loudness(power), true_peak(stereo[:, :0]))
    ceiling, track = CEILING_DBTP, np.empty_like(stereo)
    for _ in range(PEAK_TRIES):
        gains = _gains(power, peaks, gain(ceiling))
        track = np.multiply(stereo, by_sample(gains, stereo.shape[-1]), out=track)
        over = true_peak(track) - CEILING_DBTP
        if over <= 0:
            break
        # The limiter sees samples; what lies between them is a little higher.
        ceiling -= over + 0.01
    if over > 0:
        track *= np.float32(gain(-over))
        gains = gains * gain(-over)
    return Master(track, _loudness(power, gains), true_peak(track))


def _gains(power: Power, peaks: NDArray[np.float32], ceiling: float) -> NDArray[np.float64]:
    """Return the gain of each frame: the whole turned up, and turned down around each peak.

    What the limiter takes away is missing in loudness, so it is asked for again.
    """
    wanted = TARGET_LUFS - gated_loudness(power)
    for _ in range(TRIES):
        gains = gain(wanted) * _limit(peaks * np.float32(gain(wanted)), ceiling)
        missing = TARGET_LUFS - _loudness(power, gains)
        if abs(missing) < CLOSE_LU:
            break
        wanted += missing
    return gains


def _loudness(power: Power, gains: NDArray[np.float64]) -> float:
    return gated_loudness(power * gains[: len(power)] ** 2)


def _limit(peaks: NDArray[np.float32], ceiling: float) -> NDArray[np.float64]:
    """Return a gain a frame; it moves before the peak comes, so nothing is cut."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float64)
    span = 2 * LOOK_AHEAD_FRAMES + 1
    padded = np.pad(needed, LOOK_AHEAD_FRAMES, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, span).min(axis=1)
    window = np.hanning(span + 2)[1:-1]
    padded = np.pad(lowest, LOOK_AHEAD_FRAMES, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid")
