"""A voice with music under it: how loud the music may be is known from the words' own times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.audio.frames import by_sample, gain
from tools.audio.loudness import FRAME, SAMPLE_RATE, Power, Samples, frame_power, gated_loudness

# Where nobody speaks; with the ducking it is 20 dB under the voice, as WCAG 1.4.7 asks.
UNDER_VOICE_LU = -9.0
DUCK_DB = -11.0
ATTACK_S, HOLD_S, RELEASE_S = 0.15, 0.3, 0.6
FADE_IN_S, FADE_OUT_S = 0.8, 1.5
TWO_CHANNELS_LU = 10 * math.log10(2)


@dataclass(frozen=True, slots=True)
class Music:
    """One round of music, stereo at 48 kHz, and the weighted power of its frames.

    `credit` says what it is and by which right it is used.
    """

    samples: Samples
    power: Power
    credit: str

    @classmethod
    def of(cls, samples: Samples, credit: str) -> "Music":
        """Measure samples whose end leads into their beginning, in whole frames."""
        whole = samples[:, : samples.shape[1] // FRAME * FRAME]
        return cls(whole, frame_power(whole), credit)


@dataclass(frozen=True, slots=True)
class Mix:
    """Voice and music together, and the weighted power of their frames."""

    samples: Samples
    power: Power


def mix(voice: Samples, music: Music | None, spoken: Sequence[tuple[float, float]]) -> Mix:
    """Put the voice in the middle and the music under it; `spoken` are the words' times, seconds.

    Without a voice the music stays silent too: a bed is no film.
    """
    power = 2 * frame_power(voice[np.newaxis])
    out = np.empty((2, len(voice)), np.float32)
    out[:] = voice
    loudness = gated_loudness(power)
    if music is None or not music.samples.any() or not voice.any():
        return Mix(out, power)
    level = gain(loudness + UNDER_VOICE_LU - gated_loudness(music.power))
    gains = level * ducking(spoken, len(voice) / SAMPLE_RATE)
    _add(out, music.samples, by_sample(gains, len(voice)))
    around = np.resize(music.power, len(power))
    return Mix(out, power + around * gains[: len(power)] ** 2)


def ducking(spoken: Sequence[tuple[float, float]], duration_s: float) -> NDArray[np.float64]:
    """Return the music's gain for each millisecond: down before a word begins, up after it ends.

    Words closer than a held breath are one stretch, so the music does not pump. It fades in where
    the track begins and out where it ends.
    """
    at = np.arange(math.ceil(duration_s * 1000)) / 1000
    points: list[tuple[float, float]] = []
    for begin, end in _stretches(spoken):
        points += [(begin - ATTACK_S, 0.0), (begin, DUCK_DB)]
        points += [(end + HOLD_S, DUCK_DB), (end + HOLD_S + RELEASE_S, 0.0)]
    times, levels = zip(*points, strict=True) if points else ((0.0,), (0.0,))
    decibels = np.interp(at, times, levels)
    edges = np.minimum(at / FADE_IN_S, (duration_s - at) / FADE_OUT_S)
    faded: NDArray[np.float64] = 10 ** (decibels / 20) * _eased(edges)
    return faded


def _stretches(spoken: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in spoken:
        if joined and begin - joined[-1][1] < ATTACK_S + HOLD_S + RELEASE_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _eased(rise: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sin(np.clip(rise, 0, 1) * np.pi / 2) ** 2)


def _add(out: Samples, music: Samples, gains: Samples) -> None:
    """Add the music round by round."""
    length = music.shape[1]
    for begin in range(0, out.shape[1], length):
        part = out[:, begin : begin + length]
        part += music[:, : part.shape[1]] * gains[begin : begin + length]
