"""Decode the finished file's pictures once, from the first to the last, and note what is seen.

The pass runs in a thread of this process, without ffmpeg's program: the pictures that a check
wants to look at closely are handed over as they come by, none is kept.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final, Protocol

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from bookai.models import Finding
from tools.checks.limits import Limits
from tools.checks.repeats import Repeats

Luma = NDArray[np.uint8]
Stretch = tuple[float, float]

# Black and still pictures show in every eighth pixel of every eighth row as well.
STEP = 8
SHORTEST_STILL_S = 1.0
SHORTEST_BLACK_S = 0.2
BLACK_TONE = 27  # limited range: 16 and 5 % of the way to white
BLACK_SHARE = 0.99
STILL_TONES = 0.25  # mean difference in luma steps; a changed word makes more
MOST_COMPLAINTS = 50
MOST_FRAMES = 60 * 600
_PULSE = 90
_OPTIONS: Final = {"protocol_whitelist": "file"}
_STRICT: Final = {"err_detect": "explode"}


class Looker(Protocol):
    """Who wants to look at some frames closely."""

    @property
    def frames(self) -> Collection[int]:
        """Their numbers, from 0."""

    def take(self, number: int, luma: Luma) -> None:
        """Look at one; the luma is only lent."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen; stretches are (begin, end) in seconds."""

    frames: int
    black: tuple[Stretch, ...]
    still: tuple[Stretch, ...]
    complaints: tuple[str, ...]


@dataclass(slots=True)
class _Span:
    """Collects stretches in which something holds, if they are long enough."""

    shortest_s: float
    begin_s: float | None = None
    found: list[Stretch] = field(default_factory=list)

    def note(self, at_s: float, holds: bool) -> None:
        if holds and self.begin_s is None:
            self.begin_s = at_s
        elif not holds and self.begin_s is not None:
            if at_s - self.begin_s >= self.shortest_s:
                self.found.append((self.begin_s, at_s))
            self.begin_s = None


def watch(
    video: Path, looker: Looker, *, stop: Event, on_progress: Callable[[float], None]
) -> Watched:
    """Decode every picture and show `looker` those that it wants.

    `on_progress` gets the seconds seen so far. Once `stop` is set, it returns early with what it
    has. What cannot be decoded is a complaint, not an error.
    """
    seen = _Seen(looker)
    with av.open(str(video), options=dict(_OPTIONS)) as file:
        stream = file.streams.video[0]
        step_s = float(1 / (stream.average_rate or 30))
        for picture in _pictures(file, stream, seen.complaints):
            if stop.is_set() or seen.number >= MOST_FRAMES:
                break
            seen.show(picture, step_s)
            if seen.number % _PULSE == 0:
                on_progress(seen.end_s)
    return seen.closed()


class _Seen:
    """What was seen so far."""

    def __init__(self, looker: Looker) -> None:
        self.number, self.end_s = 0, 0.0
        self.complaints: list[str] = []
        self._looker, self._wanted = looker, looker.frames
        self._black, self._still = _Span(SHORTEST_BLACK_S), _Span(SHORTEST_STILL_S)
        self._last: VideoFrame | None = None
        self._before: NDArray[np.int16] | None = None

    def show(self, picture: VideoFrame | None, step_s: float) -> None:
        """Take in the next picture, `step_s` long; None: the last one once more."""
        if picture is None:
            self.end_s += step_s
        else:
            # The last pictures come out of the decoder without their unit of time.
            at_s = float(picture.time or 0.0) if picture.time_base else self.end_s
            self._compare(picture, at_s)
            self.end_s, self._last = at_s + step_s, picture
        if self.number in self._wanted and self._last is not None:
            self._looker.take(self.number, luma_of(self._last))
        self.number += 1

    def _compare(self, picture: VideoFrame, at_s: float) -> None:
        if picture.is_corrupt:
            self.complaints.append(f"frame {self.number} is damaged")
        small = luma_of(picture)[STEP // 2 :: STEP, STEP // 2 :: STEP]
        self._black.note(at_s, float((small <= BLACK_TONE).mean()) >= BLACK_SHARE)
        if self._before is None or not _alike(self._before, small):
            self._still.note(at_s, False)
            self._before = small.astype(np.int16)
            self._still.note(at_s, True)

    def closed(self) -> Watched:
        """Return it all, with what lasts to the end."""
        self._black.note(self.end_s, False)
        self._still.note(self.end_s, False)
        black, still = tuple(self._black.found), tuple(self._still.found)
        return Watched(self.number, black, still, tuple(self.complaints))


def luma_of(picture: VideoFrame) -> Luma:
    """Return a view of a picture's luma; it lives as long as the picture."""
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: picture.height, : picture.width]


def _pictures(
    file: av.container.InputContainer, stream: av.VideoStream, complaints: list[str]
) -> Iterator[VideoFrame | None]:
    """Yield every picture that can be decoded, None where the last one is shown once more.

    A few of the errors on the way are kept.
    """
    coded = stream.codec_context
    decoder = av.CodecContext.create(coded.name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_type, decoder.thread_count = "NONE", 1
    decoder.options = dict(_STRICT)
    repeats = Repeats(stream) if coded.name == "h264" else None
    if repeats is None:
        decoder.extradata = coded.extradata
    try:
        for packet in file.demux(stream):
            at_s = float((packet.pts or 0) * (packet.time_base or 0))
            try:
                wanted = repeats(packet) if repeats and packet.size else packet
                if wanted is None:
                    yield None
                else:
                    yield from decoder.decode(wanted if wanted.size else None)
            except FFmpegError as error:
                complaints.append(f"at {at_s:.2f} s: {error.strerror}")
            if len(complaints) >= MOST_COMPLAINTS:
                return
    except FFmpegError as error:
        complaints.append(f"the file breaks off: {error.strerror}")


def _alike(before: NDArray[np.int16], now: Luma) -> bool:
    return float(np.abs(before - now).mean()) < STILL_TONES


def judge_watched(watched: Watched, duration_s: float, fps: float, limits: Limits) -> list[Finding]:
    """Compare what was seen with the limits."""
    black, still = _longest(watched.black), _longest(watched.still)
    share = sum(end - begin for begin, end in watched.still) / max(duration_s, 0.001)
    complaints = list(watched.complaints)
    missing = round(duration_s * fps) - watched.frames
    if missing > fps / 2:
        complaints.append(f"{missing} frames of {round(duration_s * fps)} are missing")
    return [
        Finding(
            check="decode",
            ok=not complaints,
            detail=f"{len(complaints)} broken places (limit 0)"
            + (f", first: {complaints[0][:120]}" if complaints else ""),
        ),
        Finding(
            check="black",
            ok=black <= limits.longest_black_s,
            detail=f"longest black stretch {black:.1f} s (limit {limits.longest_black_s:g} s)",
        ),
        Finding(
            check="still",
            ok=still <= limits.longest_still_s and share <= limits.still_share,
            detail=f"longest still stretch {still:.1f} s (limit {limits.longest_still_s:g} s), "
            f"{share:.0%} of the video (limit {limits.still_share:.0%})",
        ),
    ]


def _longest(stretches: tuple[Stretch, ...]) -> float:
    return max((end - begin for begin, end in stretches), default=0.0)
