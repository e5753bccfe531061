"""Loudness and true peak after ITU-R BS.1770-4, at 48 kHz, in numpy.

All functions take samples from -1 to 1 as an array of channels by time. Loudness is in LUFS
(-70 for silence), peaks are in decibels under full scale (dBTP).
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

SAMPLE_RATE = 48_000
SILENCE_LUFS = -70.0
BLOCK_S = 0.4
STEP_S = 0.1
OVERSAMPLING = 4
TAPS = 12


def integrated_loudness(samples: Samples) -> float:
    """Return the gated loudness of the whole, LUFS; mono counts as one channel."""
    energy = _block_energy(samples)
    loud = energy[_lufs(energy) > SILENCE_LUFS]
    if not len(loud):
        return SILENCE_LUFS
    relative_gate = float(_lufs(loud.mean())) - 10.0
    return float(_lufs(loud[_lufs(loud) > relative_gate].mean()))


def true_peak(samples: Samples) -> float:
    """Return the highest peak between the samples too (4 times oversampled), dBTP."""
    highest = float(np.abs(samples).max(initial=0.0))
    for phase in _phases():
        for channel in samples:
            if len(channel):
                highest = max(highest, float(np.abs(np.convolve(channel, phase)).max()))
    return 20 * math.log10(max(highest, 1e-6))


def fast_length(length: int) -> int:
    """Return the next length that an FFT does fast (only the factors 2, 3 and 5)."""
    best: int = 1 << max(0, length - 1).bit_length()
    for odd in (1, 3, 5, 9, 15, 25, 27, 45, 75, 81, 125):
        candidate = odd
        while candidate < length:
            candidate *= 2
        best = min(best, candidate)
    return best


def _block_energy(samples: Samples) -> NDArray[np.float64]:
    """Return the weighted power of each 0.4 s block, a new one every 0.1 s, channels summed."""
    block, step = int(BLOCK_S * SAMPLE_RATE), int(STEP_S * SAMPLE_RATE)
    if samples.shape[-1] < block:
        samples = np.pad(samples, ((0, 0), (0, block - samples.shape[-1])))
    power = (_k_weighted(samples).astype(np.float64) ** 2).sum(axis=0)
    total = np.concatenate([[0.0], np.cumsum(power)])
    begins = np.arange(0, len(power) - block + 1, step)
    energy: NDArray[np.float64] = (total[begins + block] - total[begins]) / block
    return energy


def _k_weighted(samples: Samples) -> Samples:
    """Filter by magnitude only: the phase of the two filters does not change the energy."""
    length = samples.shape[-1]
    padded = fast_length(length + 4096)
    spectrum = np.fft.rfft(samples, padded)
    shaped = np.fft.irfft(spectrum * _k_response(padded), padded)[..., :length]
    return np.asarray(shaped, np.float32)


def _k_response(length: int) -> NDArray[np.float64]:
    """Return |H| of the standard's shelf and high-pass, whose coefficients are for 48 kHz."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(length))
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    response: NDArray[np.float64] = np.abs(shelf * high_pass)
    return response


def _lufs(energy: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(energy, 1e-12)))


@cache
def _phases() -> tuple[NDArray[np.float32], ...]:
    """Return the windowed-sinc filters for the three instants between two samples."""
    at = np.arange(-TAPS, TAPS)
    phases = []
    for step in range(1, OVERSAMPLING):
        offset = at + step / OVERSAMPLING
        window = 0.5 + 0.5 * np.cos(np.pi * offset / TAPS)
        taps = np.sinc(offset) * window
        phases.append((taps / taps.sum()).astype(np.float32))
    return tuple(phases)
