"""Read the operator's clips frame by frame: one thread, local files only, everything bounded."""

import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from bookai.errors import Refused
from tools.render.sprites import Frame

AtEnd: TypeAlias = Literal["hold", "loop"]

LARGEST_BYTES = 500_000_000
LONGEST_S = 600.0
MOST_PIXELS = 3840 * 2176
MOST_STREAMS = 8
LONGEST_BY_SHORTEST = 4  # a longer strip, scaled to cover a panel, would be many panels large
FASTEST = 120
SLACK_S = 0.001  # containers round times to as much
CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg"})
# Nothing that names other files or places, such as a playlist, is opened at all.
_OPTIONS: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
}
_WIDE_RANGE: Final = {16: "PQ", 18: "HLG"}
"""Transfer curves of ITU-T H.273 whose pictures would come out grey."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What a clip's head says: its size as stored, its rate and its length."""

    width: int
    height: int
    fps: float
    duration_s: float


def look_at_clip(path: Path) -> ClipFacts:
    """Return a clip's facts without decoding it.

    Raises:
        Refused: there is no such file, it is of another kind, or it passes a limit.
    """
    with ExitStack() as stack:
        file, video = _opened(path, stack)
        return _facts(file, video)


class Clip:
    """Moving pictures from `start_s` on, as frames of one size at one rate.

    An iterator without end: where the clip is over, its last picture stays, or it starts again.
    A clip that breaks off in the middle counts as over there.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: int,
        *,
        start_s: float = 0.0,
        at_end: AtEnd = "hold",
    ) -> None:
        """Open nothing yet; `size` is made even."""
        self._path, self._fps, self._start_s = path, fps, start_s
        self._width, self._height = (size[0] + 1) & ~1, (size[1] + 1) & ~1
        self._at_end: AtEnd = at_end
        self._reformatter = VideoReformatter()

    def frames(self) -> Iterator[Frame]:
        """Yield frame after frame; one that stays is yielded as the same object again.

        Raises:
            Refused: as `look_at_clip`, or not one picture can be decoded from `start_s` on.
        """
        last: Frame | None = None
        while True:
            count = 0
            for frame in self._once():
                count += 1
                last = frame
                yield frame
            if last is None:
                raise Refused(
                    f"The clip {self._path.name!r} has no picture from {self._start_s:g} s on:"
                    " let it start earlier, or save it again as MP4 with H.264."
                )
            while self._at_end == "hold" or not count:
                yield last

    def _once(self) -> Iterator[Frame]:
        """Yield the frames of one run through the clip, by the times that its pictures have."""
        number, held = 0, None
        for at_s, picture in self._pictures():
            while held is not None and at_s > self._start_s + number / self._fps + SLACK_S:
                yield held
                number += 1
            held = self._fitted(picture)
        if held is not None:
            yield held

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Yield (seconds, picture) from the last one that begins before `start_s`."""
        with ExitStack() as stack:
            file, video = _opened(self._path, stack)
            begin_s = float((video.start_time or 0) * (video.time_base or 0))
            most = int(LONGEST_S * FASTEST)
            before: tuple[float, VideoFrame] | None = None
            try:
                if self._start_s > 0 and video.time_base:
                    file.seek(int((begin_s + self._start_s) / video.time_base), stream=video)
                for count, picture in enumerate(file.decode(video)):
                    at_s = (picture.time or 0.0) - begin_s
                    if count >= most or at_s > LONGEST_S:
                        break
                    if at_s <= self._start_s:
                        before = (at_s, picture)
                        continue
                    if before is not None:
                        yield before
                        before = None
                    yield at_s, picture
            except FFmpegError:
                # What came so far is shown; a clip without any picture is told by `frames`.
                pass
            if before is not None:
                yield before

    def _fitted(self, picture: VideoFrame) -> Frame:
        """Return a decoded picture upright, scaled to cover, its middle cut out, in BT.709."""
        turns = round(picture.rotation / 90) % 4
        wide, high = (
            (picture.height, picture.width) if turns % 2 else (picture.width, picture.height)
        )
        scale = max(self._width / wide, self._height / high)
        across = max(self._width, (round(wide * scale) + 1) & ~1)
        down = max(self._height, (round(high * scale) + 1) & ~1)
        scaled = self._scaled(picture, (down, across) if turns % 2 else (across, down))
        left, top = (across - self._width) // 2 & ~1, (down - self._height) // 3 & ~1
        whole = Frame(scaled.width, scaled.height)
        whole.buffer[...] = scaled.to_ndarray()
        frame = Frame(self._width, self._height)
        for (plane, step), (source, _) in zip(frame.planes, whole.planes, strict=True):
            pixels = np.rot90(source, turns)
            y, x = top // step, left // step
            plane[...] = pixels[y : y + plane.shape[0], x : x + plane.shape[1]]
        return frame

    def _scaled(self, picture: VideoFrame, size: tuple[int, int]) -> VideoFrame:
        """Return a picture in another size and in BT.709."""
        # In the middle of a clip the size may be another one than its head says.
        wrong = _odd_size(picture.width, picture.height)
        if wrong:
            raise Refused(f"The clip {self._path.name!r} {wrong}.")
        try:
            return self._reformatter.reformat(
                picture,
                *size,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
        except FFmpegError as error:
            raise Refused(
                f"The clip {self._path.name!r} cannot be scaled to {size[0]}x{size[1]} ({error}):"
                " save it again as MP4 with H.264."
            ) from error


def _opened(path: Path, stack: ExitStack) -> tuple[InputContainer, VideoStream]:
    """Return the open file and its one stream of pictures; `stack` closes it."""
    name = path.name
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(f"{name!r} is no file: give an MP4, MOV or WebM clip.")
        if facts.st_size > LARGEST_BYTES:
            raise Refused(
                f"The clip {name!r} has {facts.st_size / 1e6:.0f} MB and the limit is"
                f" {LARGEST_BYTES / 1e6:.0f} MB: cut it to what is to be shown."
            )
        file = stack.enter_context(av.open(str(path), options=dict(_OPTIONS)))
    except (FFmpegError, OSError, ValueError) as error:
        raise Refused(
            f"The clip {name!r} cannot be read ({error}): save it again as MP4 with H.264."
        ) from error
    if len(file.streams) > MOST_STREAMS or not file.streams.video:
        raise Refused(
            f"The clip {name!r} has {len(file.streams)} streams, {len(file.streams.video)} of them"
            f" pictures (limit {MOST_STREAMS}, at least one): save it again as MP4 with H.264."
        )
    video = file.streams.video[0]
    _admit(name, video, _facts(file, video))
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    return file, video


def _facts(file: InputContainer, video: VideoStream) -> ClipFacts:
    context = video.codec_context
    duration_s = float((video.duration or 0) * (video.time_base or 0))
    return ClipFacts(
        width=context.width,
        height=context.height,
        fps=float(video.average_rate or video.guessed_rate or 0),
        duration_s=duration_s or (file.duration or 0) / av.time_base,
    )


def _admit(name: str, video: VideoStream, facts: ClipFacts) -> None:
    """Refuse a clip that passes a limit or would not look right."""
    context = video.codec_context
    wrong = ""
    if context.name not in CODECS:
        wrong = f"is coded as {context.name!r}: save it again as MP4 with H.264"
    elif _odd_size(facts.width, facts.height):
        wrong = _odd_size(facts.width, facts.height)
    elif facts.duration_s > LONGEST_S:
        wrong = f"lasts {facts.duration_s:.0f} s (limit {LONGEST_S:.0f} s): cut it"
    elif facts.fps > FASTEST:
        wrong = f"has {facts.fps:.0f} frames a second (limit {FASTEST}): save it slower"
    elif context.color_trc in _WIDE_RANGE:
        curve = _WIDE_RANGE[context.color_trc]
        wrong = f"is in high dynamic range ({curve}): export it as standard range (SDR)"
    if wrong:
        raise Refused(f"The clip {name!r} {wrong}.")


def _odd_size(width: int, height: int) -> str:
    """Return what is wrong with a size, or nothing."""
    found = f"is {width}x{height}"
    short, long = sorted((width, height))
    if not 0 < width * height <= MOST_PIXELS:
        return f"{found} (limit 3840x2160): save it smaller"
    if short < 64:
        return f"{found} (limit 64 pixels on a side): give a larger one"
    if long > LONGEST_BY_SHORTEST * short:
        return f"{found} (limit {LONGEST_BY_SHORTEST}:1): cut out the part that is to be shown"
    return ""
