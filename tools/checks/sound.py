"""Compare the sound in the file with the voice we made, at the times we made it for."""

import wave
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from bookai.models import Finding
from tools.checks.limits import Limits

Track = NDArray[np.float32]
"""Samples from -1 to 1: of one channel, or channels by time."""

HOP_S = 0.01
WIDEST_LAG_S = 0.6
LEAST_ALIKE = 0.5
FULL_SCALE = 0.9999
LONGEST_S = 1200.0
MOST_PARTS = 60_000  # of about 1024 samples


def read_sound(path: Path) -> tuple[Track, int]:
    """Return the file's sound as channels by time, and its rate.

    Raises:
        ValueError: the sound cannot be decoded.
    """
    parts: list[Track] = []
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            stream = file.streams.audio[0]
            rate = stream.codec_context.sample_rate
            resampler = av.AudioResampler(format="fltp", rate=rate)
            for frame in file.decode(stream):
                if (frame.time or 0.0) > LONGEST_S or len(parts) > MOST_PARTS:
                    raise ValueError(f"it is longer than {LONGEST_S:g} s")
                parts.extend(
                    np.asarray(piece.to_ndarray(), np.float32)
                    for piece in resampler.resample(frame)
                )
        sound = np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.float32)
    except (FFmpegError, IndexError, ValueError) as error:
        raise ValueError(f"the sound is not readable: {error}") from error
    return sound, int(rate or 48_000)


def louder(channels: Track) -> Track:
    """Return one channel: at each instant the sample that is furthest from silence."""
    first: Track = channels[0]
    for other in channels[1:]:
        first = np.where(np.abs(first) >= np.abs(other), first, other)
    return first


def read_voice(path: Path) -> tuple[Track, int]:
    """Return a 16-bit WAV file's first channel and its rate.

    Raises:
        ValueError: it is no such file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise ValueError(f"{8 * file.getsampwidth()} bits a sample (limit 16)")
            data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            first = data.reshape(-1, file.getnchannels())[:, 0]
            return np.asarray(first, np.float32) / np.float32(32768), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path.name} is not readable: {error}") from error


def judge_clipping(sound: Track, limits: Limits) -> Finding:
    """Count samples at full scale, in all channels: more than a few are audible."""
    clipped = int((np.abs(sound) >= FULL_SCALE).sum())
    return Finding(
        check="clipping",
        ok=clipped <= limits.clipped_samples,
        detail=f"{clipped} samples at full scale (limit {limits.clipped_samples})",
    )


def judge_sync(sound: tuple[Track, int], voice: tuple[Track, int], limits: Limits) -> Finding:
    """Lay the voice track over the file's sound, at its beginning and at its end."""
    heard, made = _envelope(louder(sound[0]), sound[1]), _envelope(*voice)
    length = min(len(heard), len(made))
    third = max(1, length // 3)
    measured = [
        _lag(heard[begin:end], made[begin:end])
        for begin, end in ((0, min(length, third)), (max(0, length - third), length))
    ]
    (first_s, first), (last_s, last) = measured
    ok = max(abs(first_s), abs(last_s)) <= limits.sync_s and min(first, last) >= LEAST_ALIKE
    return Finding(
        check="sync",
        ok=ok,
        detail=f"the voice is {first_s:+.2f} s off at the beginning and {last_s:+.2f} s at the end "
        f"(limit {limits.sync_s:g} s), likeness {min(first, last):.2f} (limit {LEAST_ALIKE:g})",
    )


def _envelope(track: Track, rate: int) -> Track:
    """Return the level of each 10 ms."""
    hop = max(1, int(rate * HOP_S))
    frames = track[: len(track) // hop * hop].reshape(-1, hop)
    return np.asarray(np.sqrt((frames**2).mean(axis=1)), np.float32)


def _lag(heard: Track, made: Track) -> tuple[float, float]:
    """Return how much later `heard` is, seconds, and how alike they are then (0 to 1)."""
    if not len(heard) or not len(made):
        return 0.0, 0.0
    first, second = heard - heard.mean(), made - made.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    if scale < 1e-9:
        return 0.0, 0.0
    whole = np.correlate(first, second, "full")
    centre, widest = len(second) - 1, int(WIDEST_LAG_S / HOP_S)
    begin = max(0, centre - widest)
    near = whole[begin : centre + widest + 1]
    best = int(near.argmax())
    return (begin + best - centre) * HOP_S, float(near[best]) / scale
