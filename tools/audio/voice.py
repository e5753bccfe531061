"""From an engine's raw voice to one that is pleasant: 48 kHz, no rumble, no buzz, even level."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tools.audio.frames import by_frame, by_sample, gain
from tools.audio.loudness import SAMPLE_RATE, Samples, fast_length

ATTACK_MS, RELEASE_MS = 8, 140
RATIO = 2.2
OVER_DB = -6.0
# How far the filter rings, and what is shaped at once, samples at the voice's own rate.
RING, BLOCK = 2048, 100_000


def polish(mono: Samples, sample_rate: int) -> Samples:
    """Return a voice at 48 kHz with warmth and an even level; the length in seconds stays."""
    if not len(mono):
        return mono
    return _compress(_shape(mono, sample_rate))


def _shape(mono: Samples, sample_rate: int) -> Samples:
    """Resample and equalise by one transform there and one back, a stretch at a time."""
    shared = math.gcd(sample_rate, SAMPLE_RATE)
    down, up = sample_rate // shared, SAMPLE_RATE // shared
    # In steps of `down` samples, which become `up` of ours.
    ring, block = -(-RING // down), fast_length(BLOCK // down)
    stretch = block - 2 * ring
    steps = -(-len(mono) // down)
    padded = np.zeros((ring + steps + stretch + ring) * down, np.float32)
    padded[ring * down : ring * down + len(mono)] = mono
    curve = _curve(block, down, up, sample_rate)
    out = np.empty((steps + stretch) * up, np.float32)
    for begin in range(0, steps, stretch):
        spectrum = np.fft.rfft(padded[begin * down : (begin + block) * down])
        wide = np.zeros(block * up // 2 + 1, spectrum.dtype)
        wide[: len(curve)] = spectrum[: len(curve)] * curve
        shaped = np.fft.irfft(wide, block * up)
        out[begin * up : (begin + stretch) * up] = shaped[ring * up : (ring + stretch) * up]
    return out[: len(mono) * SAMPLE_RATE // sample_rate]


@lru_cache(4)
def _curve(block: int, down: int, up: int, sample_rate: int) -> Samples:
    """Return the gain of each bin that both rates know."""
    kept = min(block * down, block * up) // 2 + 1
    hertz = np.arange(kept) * (sample_rate / (block * down))
    return np.asarray(np.interp(hertz, _POINTS, _CURVE) * (up / down), np.float32)


def _bell(
    hertz: NDArray[np.float64], centre: float, width: float, db: float
) -> NDArray[np.float64]:
    octaves = np.log2(np.maximum(hertz, 1.0) / centre)
    bell: NDArray[np.float64] = 1 + (gain(db) - 1) * np.exp(-((octaves * width) ** 2))
    return bell


def _voice_curve(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gain at each frequency: no rumble, warm at 170, less buzz at 2600 and 6500 Hz."""
    rumble = (hertz / 85) ** 4 / (1 + (hertz / 85) ** 4)
    air = 1 / np.sqrt(1 + (hertz / 8500) ** 6)
    warm = _bell(hertz, 170, 1.2, 2.5)
    curve: NDArray[np.float64] = (
        rumble * air * warm * _bell(hertz, 2600, 1.1, -3.5) * _bell(hertz, 6500, 1.5, -4.0)
    )
    return curve


_POINTS = np.concatenate([np.arange(0.0, 1000.0, 2.0), np.geomspace(1000.0, 24_000.0, 1000)])
_CURVE = _voice_curve(_POINTS)


def _compress(mono: Samples) -> Samples:
    """Lower what is louder than its own mean level plus `OVER_DB`, smoothly.

    The gain follows the level within 8 ms and lets go within 140 ms.
    """
    frames = by_frame(mono)
    level = np.sqrt(np.einsum("fs,fs->f", frames, frames) / frames.shape[1] + 1e-12)
    speech = level[level > 0.02 * level.max()]
    threshold = 20 * math.log10(float(np.sqrt((speech**2).mean()))) + OVER_DB
    attack, release = math.exp(-1 / ATTACK_MS), math.exp(-1 / RELEASE_MS)
    smooth, held = np.empty(len(level)), -120.0
    for at, decibels in enumerate((20 * np.log10(level)).tolist()):
        keep = attack if decibels > held else release
        held = decibels + (held - decibels) * keep
        smooth[at] = held
    lowered = 10 ** (np.minimum(0.0, threshold - smooth) * (1 - 1 / RATIO) / 20)
    return mono * by_sample(lowered, len(mono))
