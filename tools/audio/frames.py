"""Sound in frames of one millisecond: levels and gains move that fast, never faster."""

import numpy as np
from numpy.typing import NDArray

from tools.audio.loudness import FRAME, Samples

_RAMP = ((np.arange(FRAME) + 0.5) / FRAME).astype(np.float32)


def gain(decibels: float) -> float:
    """Return the factor that `decibels` stand for."""
    return float(10 ** (decibels / 20))


def by_frame(mono: Samples) -> NDArray[np.float32]:
    """Return the samples as rows of 1 ms, the last one filled up with zeros."""
    return np.pad(mono, (0, -len(mono) % FRAME)).reshape(-1, FRAME)


def frame_peaks(samples: Samples) -> NDArray[np.float32]:
    """Return the highest sample of each frame over all channels."""
    highest = np.maximum(samples.max(axis=0), -samples.min(axis=0))
    peaks: NDArray[np.float32] = by_frame(highest).max(axis=1)
    return peaks


def by_sample(gains: NDArray[np.float64], length: int) -> Samples:
    """Return one gain a sample from one a frame: straight lines between the frames' centres."""
    if not len(gains):
        return np.ones(length, np.float32)
    values = np.concatenate([gains[:1], gains, gains[-1:]]).astype(np.float32)
    lines = values[:-1, None] + np.diff(values)[:, None] * _RAMP
    return np.ascontiguousarray(lines.ravel()[FRAME // 2 :][:length])
