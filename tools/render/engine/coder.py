"""Encode one scene: x264 where a picture changes, pictures of our own where it does not."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from tools.render.cards.card import Motion
from tools.render.engine.skips import (
    Headers,
    Unsupported,
    motion_picture,
    renumbered,
    skip_picture,
)
from tools.render.layout import Size
from tools.render.sprites import Frame

# Constant quality: a scene's bytes depend on its pictures alone. One reference, no B pictures,
# CAVLC: what `skips` can write between. Measured on our films: docs/why/render-speed.md.
X264 = (
    "cabac=0:8x8dct=1:bframes=0:ref=1:weightp=0:scenecut=0:rc-lookahead=0:mbtree=0:aq-mode=0"
    ":keyint=600:min-keyint=600:repeat-headers=1:annexb=1:sliced-threads=0:threads=1"
    ":colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off"
)
QUALITY = 23
KEY_S = 4  # the longest way to a key picture: players seek to those


class Scene(Protocol):
    """What the coder wants to know of the pictures."""

    def state(self, n: int) -> Hashable:
        """Return what frame `n` shows: equal states are equal pictures."""

    def motion(self, n: int) -> Motion | None:
        """Return the vector (pixels) and field (macroblocks) that make frame `n` of the one before.

        None where it is more than an even move of a picture.
        """

    def draw(self, frame: Frame, n: int) -> None:
        """Draw frame `n`."""


class SceneCoder(Protocol):
    """What makes a segment of a scene."""

    def encode(
        self, scene: Scene, frames: range, on_frame: Callable[[int], None] | None = None
    ) -> "Segment":
        """Return the scene's frames `frames`; `on_frame` is told of each before it is made."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Access units in their order; each segment begins with a key picture and its headers."""

    units: tuple[bytes, ...]
    coded: int

    def cut(self, count: int) -> "Segment":
        """Return its first `count` units: no later unit is needed for an earlier one."""
        return Segment(self.units[:count], min(self.coded, count))


class Coder:
    """Encodes scenes of one size, one after the other; not to be shared by threads."""

    def __init__(self, size: Size, *, quality: int = QUALITY, skips: bool = True) -> None:
        """Prepare it; `skips` false leaves every picture to x264."""
        self._size, self._quality, self._skips = size, quality, skips
        self._ring = [Frame(size.width, size.height) for _ in range(2)]

    def encode(
        self, scene: Scene, frames: range, on_frame: Callable[[int], None] | None = None
    ) -> Segment:
        """Return the scene's frames `frames` as a segment."""
        x264 = _X264(self._size, self._quality)
        units: list[bytes] = []
        headers: Headers | None = None
        inserted = references = since_key = coded = 0
        before: Hashable = None
        settled = False  # the last unit shows the whole picture: nothing was left out of it
        for count, n in enumerate(frames):
            if on_frame is not None:
                on_frame(n)
            state = scene.state(n)
            due = since_key >= KEY_S * self._size.fps
            if headers is not None and not due and state == before and settled:
                units.append(skip_picture(headers, references))
                references += 1
                inserted += 1
                since_key += 1
                continue
            moves = scene.motion(n) if headers is not None and settled and not due else None
            last = count == len(frames) - 1
            if moves is not None and headers is not None and not last:
                units.append(motion_picture(headers, references, _source(moves[0]), moves[1]))
                settled, since_key, before = False, since_key + 1, state
                continue
            frame = self._ring[count % 2]
            scene.draw(frame, n)
            unit, key = x264.encode(frame, count, key=due or not units)
            if key:
                inserted, references, since_key = 0, 0, 0
                headers = headers or self._headers(unit)
            elif headers is not None:
                unit = renumbered(unit, headers, inserted)
            units.append(unit)
            coded += 1
            references += 1
            since_key += 1
            before, settled = state, True
        return Segment(tuple(units), coded)

    def _headers(self, unit: bytes) -> Headers | None:
        if not self._skips:
            return None
        try:
            return Headers.read(unit)
        except Unsupported:
            return None  # another build of x264: slower, never wrong


def _source(vector: tuple[int, int]) -> tuple[int, int]:
    """Return where a macroblock that moves by `vector` pixels comes from, in quarter pixels."""
    return -4 * vector[0], -4 * vector[1]


class _X264:
    """One encoder, for one segment."""

    def __init__(self, size: Size, quality: int) -> None:
        context = CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = size.width, size.height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, size.fps), Fraction(size.fps)
        context.thread_count = 1
        # BT.709, limited range: numbers of ITU-T H.273.
        context.color_primaries = context.color_trc = context.colorspace = 1
        context.color_range = 1
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "qp": str(quality),
            "x264-params": X264,
        }
        self._context, self._fps = context, size.fps

    def encode(self, frame: Frame, pts: int, *, key: bool) -> tuple[bytes, bool]:
        """Return a picture's access unit, and whether it is a key picture."""
        picture = av.VideoFrame.from_numpy_buffer(frame.buffer, format="yuv420p")
        picture.pts, picture.time_base = pts, Fraction(1, self._fps)
        picture.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(picture)
        assert len(packets) == 1, "x264 keeps no picture back (tune zerolatency)"
        return bytes(packets[0]), bool(packets[0].is_keyframe)
