"""Music that lies under a voice, synthesised here: soft chords and a few plucked notes.

A chord is one inverse transform of a spectrum with every partial a little spread and every phase
drawn by chance (the "PADsynth" method of Paul Nasca, told in public in 2005): it sounds like many
players and comes round without a seam. Nobody else's notes or samples are in it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from tools.audio.loudness import SAMPLE_RATE, Samples
from tools.audio.mix import Music

MoodName = Literal["calm", "bright", "grave"]

LEVEL = 0.4
CREDIT = "synthesised by this program; no recording or score of others is used"
# One transform of this length is one chord's texture, 5.5 s that come round.
TEXTURE = 1 << 18
CROSS_S = 1.5
SPREAD_CENTS = 22.0
BASS = 2.2
PARTIALS = 10
BEATS = 8
ECHO_BEATS = 3
SETTLE_S = 0.008
# 55 Hz; what is lower, no telephone plays.
LOWEST_KEY = 33
A4_HERTZ, A4_KEY = 440.0, 69


@dataclass(frozen=True, slots=True)
class Mood:
    """Chords as MIDI keys, how long each stays, how bright it is, and how often a note is plucked.

    `shine` is by how much each partial is quieter than the one below: 1 is bright, 2 is dark.
    """

    chords: tuple[tuple[int, ...], ...]
    bar_s: float
    shine: float
    plucks: float
    pluck_s: float


MOODS: dict[MoodName, Mood] = {
    "calm": Mood(
        ((48, 55, 62, 64), (45, 52, 60, 67), (41, 53, 57, 64), (43, 50, 59, 62)),
        *(6.0, 1.5, 0.5, 0.9),
    ),
    "bright": Mood(
        ((50, 57, 62, 66), (47, 54, 62, 69), (43, 55, 59, 66), (45, 57, 61, 64)),
        *(4.0, 1.25, 0.8, 0.5),
    ),
    "grave": Mood(
        ((45, 52, 60, 64), (41, 53, 57, 60), (38, 50, 57, 65), (40, 52, 59, 62)),
        *(7.0, 1.8, 0.3, 1.3),
    ),
}


@lru_cache(4)
def synthesise(mood: MoodName, seed: int) -> Music:
    """Return one round of a bed; its end leads into its beginning.

    The same mood and seed give the same samples.
    """
    rng = np.random.default_rng(seed)
    notes = MOODS[mood]
    samples = _chords(notes, rng) + _plucks(notes, rng)
    samples *= np.float32(LEVEL / np.abs(samples).max())
    samples.flags.writeable = False
    return Music.of(samples, f"{CREDIT} (mood {mood}, seed {seed})")


def _chords(mood: Mood, rng: np.random.Generator) -> Samples:
    bar, cross = round(mood.bar_s * SAMPLE_RATE), round(CROSS_S * SAMPLE_RATE)
    swell = np.sin(np.linspace(0, np.pi / 2, cross, dtype=np.float32))
    envelope = np.concatenate([swell, np.ones(bar - cross, np.float32), swell[::-1]])
    out = np.zeros((2, bar * len(mood.chords)), np.float32)
    for number, keys in enumerate(mood.chords):
        texture = _texture(keys, mood.shine, rng)
        heard = np.take(texture, np.arange(len(envelope)) % TEXTURE, axis=1) * envelope
        _add_round(out, heard, number * bar)
    return out


def _texture(keys: tuple[int, ...], shine: float, rng: np.random.Generator) -> Samples:
    """Return one chord in two channels: the same notes by other players."""
    bins = TEXTURE // 2 + 1
    loud = np.zeros(bins, np.float32)
    bass = keys[0] - 12 if keys[0] - 12 >= LOWEST_KEY else keys[0]
    # The bass is one player alone: many would beat against each other.
    loud[round(_hertz(bass) * TEXTURE / SAMPLE_RATE)] = BASS
    for key in keys:
        for partial in range(1, PARTIALS + 1):
            centre = _hertz(key) * partial
            width = centre * (2 ** (SPREAD_CENTS / 1200) - 1)
            _add_partial(loud, centre, width, partial ** -(shine + 0.5) / np.sqrt(width))
    phase = rng.uniform(0, 2 * np.pi, (2, bins)).astype(np.float32)
    spectrum = loud * np.exp(1j * phase)
    texture = np.fft.irfft(spectrum.astype(np.complex64), TEXTURE)
    return np.asarray(texture / np.abs(texture).std(), np.float32)


def _add_partial(loud: Samples, centre: float, width: float, level: float) -> None:
    step = SAMPLE_RATE / TEXTURE
    low, high = int((centre - 4 * width) / step), int((centre + 4 * width) / step) + 2
    hertz = np.arange(low, high) * step
    loud[low:high] += (level * np.exp(-(((hertz - centre) / width) ** 2))).astype(np.float32)


def _plucks(mood: Mood, rng: np.random.Generator) -> Samples:
    """Scatter notes of each chord over its beats, each with a quieter echo on the other side."""
    bar = round(mood.bar_s * SAMPLE_RATE)
    beat = bar // BEATS
    out = np.zeros((2, bar * len(mood.chords)), np.float32)
    for number, keys in enumerate(mood.chords):
        for place in range(BEATS):
            if place and rng.random() > mood.plucks:
                continue
            key = int(rng.choice(keys[1:])) + 12 * int(rng.integers(1, 3))
            note = _pluck(key, mood.pluck_s) * (1.0 if place == 0 else 0.7)
            left = 0.3 + 0.4 * float(rng.random())
            sides = np.array([[left], [1 - left]], np.float32)
            begin = number * bar + place * beat
            _add_round(out, note * sides, begin)
            _add_round(out, note * sides[::-1] * 0.35, begin + ECHO_BEATS * beat)
    return out


@lru_cache(64)
def _pluck(key: int, decay_s: float) -> Samples:
    """Return one note like a felt piano's: soft at its beginning, its partials gone before it."""
    at = np.arange(round(4 * decay_s * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    angle = np.float32(2 * np.pi * _hertz(key)) * at
    sine, cosine, fades = np.sin(angle), np.cos(angle), np.exp(at / np.float32(-decay_s))
    second, third = 2 * sine * cosine, sine * (3 - 4 * sine * sine)
    note = fades * (sine + fades * (0.3 * second + fades * 0.12 * third))
    settle, fading = round(SETTLE_S * SAMPLE_RATE), len(note) // 4
    note[:settle] *= np.sin(np.linspace(0, np.pi / 2, settle, dtype=np.float32)) ** 2
    note[-fading:] *= np.linspace(1, 0, fading, dtype=np.float32)
    return np.asarray(note, np.float32)


def _add_round(out: Samples, part: Samples, begin: int) -> None:
    """Add `part` from `begin` on; what reaches over the end is heard at the beginning."""
    length = out.shape[1]
    begin %= length
    first = min(part.shape[1], length - begin)
    out[:, begin : begin + first] += part[:, :first]
    if first < part.shape[1]:
        _add_round(out, part[:, first:], 0)


def _hertz(key: int) -> float:
    return float(A4_HERTZ * 2 ** ((key - A4_KEY) / 12))
