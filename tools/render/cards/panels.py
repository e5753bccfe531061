"""Cards of pictures: one that is slowly passed along, and one that moves by itself.

A panel's edges lie on macroblocks, and a still picture moves by whole pixels: between two coded
frames the engine can show the step with vectors alone.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from bookai.errors import Refused
from bookai.film.shots import ClipShot, ImageShot
from tools.render.cards.card import Card, Motion, Pace, Part
from tools.render.cards.setter import Setter, Where
from tools.render.layout import Box
from tools.render.shapes import eased
from tools.render.sprites import Bytes, Frame
from tools.render.typography import BOLD, MEDIUM, Setting

BLOCK = 16
PAN = 220  # the longest way of a pan in grid pixels
CREDIT = (28, 22)  # largest and smallest type of a credit in grid pixels
CREDIT_LINES, CREDIT_LEADING = 3, 1.2


@runtime_checkable
class Still(Protocol):
    """A picture; `size` in pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height."""

    def planes(self, width: int, height: int, *, extra: tuple[int, int] = (0, 0)) -> Frame:
        """Return it covering a box, with `extra` pixels for a pan."""


@runtime_checkable
class Strip(Protocol):
    """A clip."""

    def strip(self, size: tuple[int, int], fps: int, start_s: float) -> Iterator[Frame]:
        """Yield its frames from `start_s` on, without end."""


Pictures: TypeAlias = Mapping[int, Still | Strip]


def image_card(
    setter: Setter, shot: ImageShot, pictures: Pictures, credit: str, frames: int
) -> Card:
    """Set a picture in a panel that a slow pan goes through, its caption and credit below.

    Raises:
        Refused: the picture is not among the opened ones, or its credit does not fit whole.
    """
    still = pictures.get(shot.media)
    if not isinstance(still, Still):
        raise Refused(_missing("picture", shot.media, pictures))
    box, words = _framed(setter, shot, credit)
    return Card(words, panel=Pan(setter, box, still, frames))


def clip_card(setter: Setter, shot: ClipShot, pictures: Pictures, credit: str, frames: int) -> Card:
    """Set a clip in a panel, its caption and credit below.

    Raises:
        Refused: the clip is not among the opened ones, or its credit does not fit whole.
    """
    strip = pictures.get(shot.media)
    if not isinstance(strip, Strip):
        raise Refused(_missing("clip", shot.media, pictures))
    box, words = _framed(setter, shot, credit)
    fps = setter.layout.size.fps
    return Card([Running(box, strip, (fps, shot.start_s, frames), setter.pace), *words])


def _missing(kind: str, number: int, pictures: Pictures) -> str:
    known = ", ".join(str(k) for k in sorted(pictures)) or "none"
    return f"There is no {kind} number {number} (opened: {known}): swap the shot for another kind."


class Pan:
    """A picture seen through a panel that it slowly passes by."""

    def __init__(self, setter: Setter, box: Box, still: Still, frames: int) -> None:
        """Prepare it for a card of `frames` frames."""
        self._box, self._pace = box, setter.pace
        self._every = 2 if setter.layout.size.fps > 30 else 1
        self._step = max(1, round(setter.layout.scale))
        steps = min(setter.px(PAN) // self._step, max(0, frames - 1) // self._every)
        self._steps = max(0, steps)
        way = (self._steps * self._step + 3) & ~1
        # What is left over of the picture's longer side is where a pan shows something new.
        self._across = still.size[0] * box[3] >= still.size[1] * box[2]
        extra = (way, 0) if self._across else (0, way)
        planes = still.planes(box[2], box[3], extra=extra)
        self._luma, self._chroma = (
            planes.y,
            tuple(_two(c, self._across) for c in (planes.u, planes.v)),
        )

    @property
    def latest(self) -> int:
        """A frame from which on it no longer changes."""
        return max(self._pace.come, self._steps * self._every)

    def state(self, n: int, leaving: int) -> Hashable:
        """Return how far it has come, and how much of the panel is seen."""
        seen = _seen(self._box, self._pace, n, leaving)
        return None if seen is None else (self._offset(n), seen)

    def motion(self, n: int) -> Motion | None:
        """Return its step since the frame before, where the whole panel makes just that."""
        step = self._offset(n) - self._offset(n - 1)
        if not step or n <= self._pace.come:
            return None
        x, y, width, height = (edge // BLOCK for edge in self._box)
        return ((-step, 0) if self._across else (0, -step)), (x, y, x + width, y + height)

    def is_open(self, n: int) -> bool:
        """Tell whether the whole panel is seen."""
        return _seen(self._box, self._pace, n, 0) == self._box

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it."""
        seen = _seen(self._box, self._pace, n, leaving)
        if seen is None:
            return
        at = self._offset(n)
        right, down = (at, 0) if self._across else (0, at)
        planes = (self._luma, *(pair[at % 2] for pair in self._chroma))
        _show(frame, planes, self._box, seen, (right, down))

    def _offset(self, n: int) -> int:
        return self._step * min(self._steps, max(0, n) // self._every)


class Running:
    """A clip in its panel; read forward, and from the start again where a frame before is asked."""

    def __init__(self, box: Box, strip: Strip, times: tuple[int, float, int], pace: Pace) -> None:
        """Prepare it; `times` are frames a second, the clip's start in seconds, and its frames."""
        self._box, self._strip, self._pace = box, strip, pace
        self._fps, self._start_s, self._frames = times
        self._reader: Iterator[Frame] | None = None
        self._next, self._last = 0, Frame(2, 2)

    @property
    def latest(self) -> int:
        """A frame from which on it no longer changes: it is not shown for longer."""
        return max(self._frames, self._pace.come)

    def state(self, n: int, leaving: int) -> Hashable:
        """Return which frame is seen, and how much of the panel."""
        seen = _seen(self._box, self._pace, n, leaving)
        return None if seen is None else (min(n, self.latest), seen)

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it."""
        seen = _seen(self._box, self._pace, n, leaving)
        if seen is None:
            return
        picture = self._at(max(0, min(n, self.latest)))
        _show(frame, (picture.y, picture.u, picture.v), self._box, seen, (0, 0))

    def _at(self, n: int) -> Frame:
        if self._reader is None or n < self._next - 1:
            self._reader = self._strip.strip(self._box[2:], self._fps, self._start_s)
            self._next = 0
        while self._next <= n:
            self._last = next(self._reader)
            self._next += 1
        return self._last


def _framed(setter: Setter, shot: ImageShot | ClipShot, credit: str) -> tuple[Box, list[Part]]:
    """Return a panel on macroblocks and the words that stand at it: caption and credit."""
    x, y, width, height = setter.stage
    px = setter.px
    beside = width > 2 * height
    left, top = -(-x // BLOCK) * BLOCK, -(-y // BLOCK) * BLOCK
    mirrored = setter.face.rtl(shot.caption)
    if beside:
        high = (y + height - top) // BLOCK * BLOCK
        wide = min(round(high * 16 / 9), width * 62 // 100) // BLOCK * BLOCK
        column = Where(left + wide + px(56), 0, x + width - left - wide - px(56), mirrored)
        parts, tall = _words(setter, shot, credit, column, high - px(20))
        begin = top + high - tall
        if mirrored:
            left = (x + width - wide) // BLOCK * BLOCK
            column = Where(x, 0, left - px(56) - x, mirrored)
    else:
        wide = (x + width - left) // BLOCK * BLOCK
        column = Where(left, 0, wide, mirrored)
        tall = _words(setter, shot, credit, column, px(190))[1]
        high = (y + height - tall - (px(22) if tall else 0) - top) // BLOCK * BLOCK
        begin = top + high + px(22)
    column = Where(column.x, begin, column.width, mirrored)
    parts, _ = _words(setter, shot, credit, column, tall)
    return (left, top, wide, high), parts


def _words(
    setter: Setter, shot: ImageShot | ClipShot, credit: str, where: Where, height: int
) -> tuple[list[Part], int]:
    """Return caption and credit below each other, and how high they are."""
    px = setter.px
    parts: list[Part] = []
    used = below = 0
    thanks = _thanks(setter, shot.media, credit, where.width) if credit else None
    if thanks is not None:
        below = setter.height(thanks, CREDIT_LEADING) + px(10)
    if shot.caption:
        parts.append(setter.rule(where, setter.frames(0.3), 72))
        used = px(34)
        room = (where.width, max(px(48), height - used - below))
        setting = setter.fit(shot.caption, BOLD, room, (54, 30), 1.14)
        parts += setter.block(setting, where.below(used), 1.14, delay=setter.frames(0.35))
        used += setter.height(setting, 1.14) + px(12)
    if thanks is not None:
        at = where.below(used)
        parts += setter.block(thanks, at, CREDIT_LEADING, delay=setter.frames(0.5))
        used += setter.height(thanks, CREDIT_LEADING) + px(6)
    return parts, used


def _thanks(setter: Setter, number: int, credit: str, width: int) -> Setting:
    """Set a credit with its licence, whole: it is owed."""
    room = (width, round(CREDIT_LINES * setter.px(CREDIT[1]) * CREDIT_LEADING))
    setting = setter.fit(credit, MEDIUM, room, CREDIT, CREDIT_LEADING)
    if _bare("".join(setting.lines)) != _bare(credit):
        raise Refused(
            f"The credit and licence of medium {number} have {len(credit)} characters, which do"
            f" not fit below it in {CREDIT_LINES} lines: shorten them to about 100."
        )
    return setting


def _bare(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _seen(box: Box, pace: Pace, n: int, leaving: int) -> Box | None:
    """Return how much of a panel is seen: it opens from its upper edge, and closes to it."""
    share = eased((n + 1) / pace.come) * (1 - pace.gone(leaving))
    high = round(box[3] * share) & ~1
    return (box[0], box[1], box[2], high) if n >= 0 and high > 0 else None


def _show(
    frame: Frame, planes: tuple[Bytes, ...], box: Box, seen: Box, shift: tuple[int, int]
) -> None:
    """Copy planes to the seen part of a panel, from `shift` (right, down) on."""
    right, down = shift
    for (into, step), out in zip(frame.planes, planes, strict=True):
        rows, columns = seen[3] // step, seen[2] // step
        top, left = down // step, right // step
        y, x = box[1] // step, box[0] // step
        into[y : y + rows, x : x + columns] = out[top : top + rows, left : left + columns]


def _two(plane: Bytes, across: bool) -> tuple[Bytes, Bytes]:
    """Return a chroma plane as it is, and moved by half of its pixels, for odd places."""
    following = np.roll(plane, -1, axis=1 if across else 0)
    mixed = (plane.astype(np.uint16) + following + 1) >> 1
    return plane, mixed.astype(np.uint8)
