"""Loudness and true peak after ITU-R BS.1770-4, at 48 kHz, in numpy.

All functions take samples from -1 to 1 as an array of channels by time. Loudness is in LUFS
(-70 for silence), peaks are in decibels under full scale (dBTP). A frame is one millisecond:
whoever turns a track up and down smoothly knows its new loudness from the frames' power alone.
"""

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Power = NDArray[np.float64]

SAMPLE_RATE = 48_000
FRAME = SAMPLE_RATE // 1000
SILENCE_LUFS = -70.0
BLOCK_FRAMES = 400
STEP_FRAMES = 100
# Frames weighed at once, and how far the filters ring, samples: short transforms stay in the cache.
BLOCK, RING = 2560, 4096
OVERSAMPLING = 4
TAPS = 12
# A peak between two samples is never twice as high as the samples around it in music or speech.
NEAR_THE_PEAK = 0.5


def integrated_loudness(samples: Samples) -> float:
    """Return the gated loudness of the whole, LUFS; mono counts as one channel."""
    return gated_loudness(frame_power(samples))


def frame_power(samples: Samples) -> Power:
    """Return the mean weighted power of every frame, channels summed."""
    whole = samples.shape[-1] // FRAME
    power: Power = np.empty(whole, np.float64)
    for begin in range(0, whole, BLOCK):
        count = min(BLOCK, whole - begin)
        weighted = _k_weighted(samples, begin * FRAME, count * FRAME)
        cut = weighted.reshape(len(weighted), count, FRAME)
        power[begin : begin + count] = np.einsum("cfs,cfs->f", cut, cut) / FRAME
    return power


def gated_loudness(power: Power) -> float:
    """Return the loudness of a track whose frames have this weighted power."""
    if len(power) < BLOCK_FRAMES:
        power = np.pad(power, (0, BLOCK_FRAMES - len(power)))
    total = np.concatenate([[0.0], np.cumsum(power)])
    begins = np.arange(0, len(power) - BLOCK_FRAMES + 1, STEP_FRAMES)
    energy = (total[begins + BLOCK_FRAMES] - total[begins]) / BLOCK_FRAMES
    loud = energy[_lufs(energy) > SILENCE_LUFS]
    if not len(loud):
        return SILENCE_LUFS
    relative_gate = float(_lufs(loud.mean())) - 10.0
    return float(_lufs(loud[_lufs(loud) > relative_gate].mean()))


def true_peak(samples: Samples) -> float:
    """Return the highest peak between the samples too (4 times oversampled), dBTP."""
    highest = float(np.abs(samples).max(initial=0.0))
    for channel in samples:
        if len(channel) and highest > 0:
            highest = max(highest, _peak_between(channel, highest * NEAR_THE_PEAK))
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


def _k_weighted(samples: Samples, begin: int, count: int) -> Samples:
    """Return a stretch of the samples as the ear weighs them.

    By magnitude only: the phase of the two filters does not change the energy. What rings into the
    stretch from before and after is heard too.
    """
    low = max(0, begin - RING)
    part = np.zeros((len(samples), RING + count + RING), np.float32)
    heard = samples[:, low : begin + count + RING]
    place = low - begin + RING
    part[:, place : place + heard.shape[1]] = heard
    spectrum = np.fft.rfft(part, fast_length(part.shape[1]))
    spectrum *= _k_response(fast_length(part.shape[1]))
    weighted = np.fft.irfft(spectrum, fast_length(part.shape[1]))
    return np.asarray(weighted[:, RING : RING + count], np.float32)


@lru_cache(4)
def _k_response(length: int) -> NDArray[np.float32]:
    """Return the weight of every bin: the curve is smooth, so a few thousand points are enough."""
    hertz, weight = _k_curve()
    bins = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    return np.asarray(np.interp(bins, hertz, weight), np.float32)


@cache
def _k_curve() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return |H| of the standard's shelf and high-pass, whose coefficients are for 48 kHz."""
    hertz = np.concatenate([np.arange(0, 400, 0.25), np.geomspace(400, SAMPLE_RATE / 2, 4000)])
    z = np.exp(-2j * np.pi * hertz / SAMPLE_RATE)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return hertz, np.abs(shelf * high_pass)


def _lufs(energy: Power | np.float64) -> Power:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(energy, 1e-12)))


def _peak_between(channel: Samples, floor: float) -> float:
    """Return the highest value between the samples, looked for where they come near the peak."""
    frames = np.pad(channel, (0, -len(channel) % FRAME)).reshape(-1, FRAME)
    near = np.flatnonzero(np.abs(frames).max(axis=1) >= floor)
    padded = np.pad(frames.ravel(), TAPS)
    windows = np.lib.stride_tricks.sliding_window_view(padded, FRAME + 2 * TAPS)[::FRAME]
    highest = 0.0
    for begin in range(0, len(near), BLOCK):
        between = windows[near[begin : begin + BLOCK]] @ _between()
        highest = max(highest, float(between.max()), -float(between.min()))
    return highest


@cache
def _between() -> NDArray[np.float32]:
    """Return what turns a frame with its neighbours into the three values after each sample."""
    at = np.arange(-TAPS, TAPS)
    matrix = np.zeros((FRAME + 2 * TAPS, FRAME * (OVERSAMPLING - 1)), np.float32)
    for step in range(1, OVERSAMPLING):
        offset = at + step / OVERSAMPLING
        window = 0.5 + 0.5 * np.cos(np.pi * offset / TAPS)
        taps = np.sinc(offset) * window
        for sample in range(FRAME):
            column = (step - 1) * FRAME + sample
            matrix[sample + 1 : sample + 1 + 2 * TAPS, column] = (taps / taps.sum())[::-1]
    return matrix
