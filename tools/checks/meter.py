"""Measure loudness, true peak and silence in the file, with a meter of the check's own.

The mastering has another one (`tools.audio.loudness`): a fault in either shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bookai.models import Finding
from tools.checks.limits import Limits

Channels = NDArray[np.float32]
"""Samples from -1 to 1, channels by time."""

STEP_S = 0.1
STEPS_A_BLOCK = 4
ABSOLUTE_GATE = -70.0
RELATIVE_GATE_LU = 10.0
SILENT_DB = -50.0
SHORTEST_SILENCE_S = 0.5
# Between samples speech and music rise by less than 3 dB over the samples beside.
NEAR_PEAK = 0.7
PEAK_BLOCK = 128
OVERSAMPLING = 4
TAPS = 12


@dataclass(frozen=True, slots=True)
class Metered:
    """Loudness in LUFS, true peak in dBTP, silent stretches as (begin, end) in seconds."""

    loudness_lufs: float
    true_peak_dbtp: float
    silent: tuple[tuple[float, float], ...]


def measure(channels: Channels, rate: int) -> Metered:
    """Measure a whole track after ITU-R BS.1770."""
    return Metered(
        loudness(channels, rate), true_peak(channels), tuple(_silent_stretches(channels, rate))
    )


def loudness(channels: Channels, rate: int) -> float:
    """Return the gated loudness, LUFS; -70 for silence and for less than 0.4 s.

    Each tenth of a second is weighted for itself in the spectrum: what rings over its ends is far
    below the error that a listener could hear.
    """
    step = int(rate * STEP_S)
    count = channels.shape[1] // step
    if count < STEPS_A_BLOCK:
        return ABSOLUTE_GATE
    steps = channels[:, : count * step].reshape(len(channels), count, step)
    spectrum = np.fft.rfft(steps, axis=2)
    power = spectrum.real**2 + spectrum.imag**2
    weights = 2 * _k_weighting(step, rate)
    weights[0] /= 2
    # Parseval: the mean square of a step is the sum of its spectrum over the square of its length.
    energy = (power @ weights).sum(axis=0) / np.float32(step) ** 2
    total = np.concatenate([[0.0], np.cumsum(energy, dtype=np.float64)])
    blocks = (total[STEPS_A_BLOCK:] - total[:-STEPS_A_BLOCK]) / STEPS_A_BLOCK
    loud = blocks[_lufs(blocks) > ABSOLUTE_GATE]
    if not len(loud):
        return ABSOLUTE_GATE
    gate = float(_lufs(loud.mean())) - RELATIVE_GATE_LU
    return float(_lufs(loud[_lufs(loud) > gate].mean()))


def true_peak(channels: Channels) -> float:
    """Return the highest peak, between the samples too (4 times oversampled), dBTP.

    Only the surroundings of high samples are oversampled.
    """
    highest = float(np.abs(channels).max(initial=0.0))
    if highest <= 1e-6:
        return -120.0
    for channel in channels:
        padded = np.pad(channel, (TAPS, TAPS + PEAK_BLOCK - len(channel) % PEAK_BLOCK))
        starts = np.arange(0, len(padded) - PEAK_BLOCK - 2 * TAPS + 1, PEAK_BLOCK)
        windows = np.lib.stride_tricks.sliding_window_view(padded, PEAK_BLOCK + 2 * TAPS)[starts]
        near = windows[np.abs(windows).max(axis=1) >= NEAR_PEAK * highest]
        highest = max(highest, float(np.abs(near @ _between()).max(initial=0.0)))
    return float(20 * np.log10(highest))


def _silent_stretches(channels: Channels, rate: int) -> list[tuple[float, float]]:
    """Return where every sample of every channel stays below `SILENT_DB`."""
    hop = max(1, rate // 100)
    count = channels.shape[1] // hop
    levels = np.abs(channels[:, : count * hop]).max(axis=0, initial=0.0)
    quiet = levels.reshape(count, hop).max(axis=1) < 10 ** (SILENT_DB / 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    spans = [
        (float(begin) * hop / rate, float(end) * hop / rate) for begin, end in edges.reshape(-1, 2)
    ]
    return [(begin, end) for begin, end in spans if end - begin >= SHORTEST_SILENCE_S]


def judge_metered(metered: Metered, limits: Limits) -> list[Finding]:
    """Compare what was measured with the limits."""
    silence = _longest(metered.silent)
    off_lu = abs(metered.loudness_lufs - limits.loudness_lufs)
    return [
        Finding(
            check="silence",
            ok=silence <= limits.longest_silence_s,
            detail=f"longest silence {silence:.1f} s (limit {limits.longest_silence_s:g} s)",
        ),
        Finding(
            check="loudness",
            ok=off_lu <= limits.loudness_slack_lu,
            detail=f"{metered.loudness_lufs:.1f} LUFS (limit {limits.loudness_lufs:g} "
            f"+- {limits.loudness_slack_lu:g})",
        ),
        Finding(
            check="true_peak",
            ok=metered.true_peak_dbtp <= limits.true_peak_dbtp,
            detail=f"{metered.true_peak_dbtp:.1f} dBTP (limit {limits.true_peak_dbtp:g})",
        ),
    ]


def _longest(stretches: Sequence[tuple[float, float]]) -> float:
    return max((end - begin for begin, end in stretches), default=0.0)


def _lufs(energy: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(energy, 1e-12)))


@cache
def _k_weighting(length: int, rate: int) -> NDArray[np.float32]:
    """Return |H|^2 of the standard's shelf and high-pass at each frequency of a step.

    The coefficients are the standard's for 48 kHz; at another rate they are read off at the same
    frequencies, which is exact enough below 20 kHz.
    """
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(length, 1 / rate) / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    return np.asarray(np.abs(shelf * high_pass) ** 2, np.float32)


@cache
def _between() -> NDArray[np.float32]:
    """Return the matrix that turns a window of samples into the instants between them.

    Each column is a windowed sinc for one of the three instants after one sample.
    """
    at = np.arange(-TAPS, TAPS)
    matrix = np.zeros((PEAK_BLOCK + 2 * TAPS, OVERSAMPLING - 1, PEAK_BLOCK), np.float32)
    for step in range(1, OVERSAMPLING):
        offset = at + step / OVERSAMPLING
        taps = np.sinc(offset) * (0.5 + 0.5 * np.cos(np.pi * offset / TAPS))
        for place in range(PEAK_BLOCK):
            matrix[place : place + 2 * TAPS, step - 1, place] = taps / taps.sum()
    return matrix.reshape(len(matrix), -1)
