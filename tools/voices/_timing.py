"""From the engine's word events to an interval for every shown token."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.voices.base import Samples

FRAME_S = 0.01
QUIET = 0.012
HOLD_S = 0.04


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What the engine reads: for token `i` the characters from `begins[i]`, `weights[i]` long.

    A token that is only shown (an emoji, a dash) has weight 0.
    """

    text: str
    begins: tuple[int, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WordEvent:
    """The engine began a word: its character in the text, counted from 0, and its time."""

    at: int
    start_s: float


def join_spoken(spoken: Sequence[str], between: str = " ") -> SpokenText:
    """Put the tokens' words into one text, `between` them a space, or nothing in Chinese."""
    text = ""
    begins, weights = [], []
    for words in spoken:
        # A comma that stands for a dash must touch the word before it, or it is read aloud.
        glue = "" if not text or not words or words == "," else between
        begins.append(len(text) + len(glue))
        text += glue + words
        weights.append(sum(letter.isalnum() for letter in words))
    return SpokenText(text, tuple(begins), tuple(weights))


def intervals(
    spoken: SpokenText, events: Sequence[WordEvent], start_s: float, end_s: float
) -> list[tuple[float, float]]:
    """Return begin and end of every token within `start_s` to `end_s`, in order, none empty.

    A token begins at its first event. Tokens without one (the engine says "in the" in one breath)
    share the time up to the next known begin by their length.
    """
    known = _known_begins(spoken, events, start_s, end_s)
    anchors = sorted({0, *known})
    bounds: list[float] = []
    for anchor, following in zip(anchors, [*anchors[1:], len(spoken.begins)], strict=True):
        begin = known.get(anchor, start_s)
        end = known.get(following, end_s)
        weights = np.maximum(spoken.weights[anchor:following], 0.5)
        shares = np.concatenate([[0.0], np.cumsum(weights)[:-1]]) / weights.sum()
        bounds.extend(float(begin + (end - begin) * share) for share in shares)
    return list(zip(bounds, [*bounds[1:], end_s], strict=True))


def _known_begins(
    spoken: SpokenText, events: Sequence[WordEvent], start_s: float, end_s: float
) -> dict[int, float]:
    """Return the begin of each token that has an event; begins only ever grow."""
    voiced = [i for i, weight in enumerate(spoken.weights) if weight]
    begins = [spoken.begins[i] for i in voiced]
    known: dict[int, float] = {}
    last_token, last_s = -1, start_s - 1e-6
    for event in events:
        place = bisect_right(begins, event.at) - 1
        if place < 0:
            continue
        token = voiced[place]
        if token > last_token and last_s < event.start_s < end_s:
            known[token] = max(event.start_s, start_s)
            last_token, last_s = token, event.start_s
    if voiced:
        # The sound begins with this word, or with what is only shown before it: both need a moment.
        known.pop(voiced[0], None)
    return known


def heard_span(samples: Samples, sample_rate: int) -> tuple[float, float]:
    """Return where sound begins and ends, seconds; equal when there is none."""
    loud = _loud_frames(samples, sample_rate)
    if not len(loud):
        return 0.0, 0.0
    end = min((int(loud[-1]) + 1) * FRAME_S + HOLD_S, len(samples) / sample_rate)
    return max(0.0, int(loud[0]) * FRAME_S - FRAME_S), end


def trim_pauses(
    bounds: Sequence[tuple[float, float]], samples: Samples, sample_rate: int
) -> list[tuple[float, float]]:
    """Return the intervals, each ended where its sound ends: a comma's pause lights no word."""
    loud = _loud_frames(samples, sample_rate) * FRAME_S
    trimmed = []
    for begin, end in bounds:
        place = int(np.searchsorted(loud, end - 1e-9)) - 1
        heard = float(loud[place]) + FRAME_S + HOLD_S if place >= 0 else end
        trimmed.append((begin, min(end, heard) if heard > begin + 2 * HOLD_S else end))
    return trimmed


def _loud_frames(samples: Samples, sample_rate: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers of the 10 ms frames that are heard."""
    size = max(1, int(sample_rate * FRAME_S))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    peaks = np.abs(frames).max(axis=1) if len(frames) else np.zeros(0, np.float32)
    return np.flatnonzero(peaks > QUIET * max(float(peaks.max(initial=0.0)), 1e-6))
