"""Pictures as 4:2:0 planes in BT.709 limited range, and patches to lay over them.

RGB is left once, when a patch is made: a frame is only ever copied and blended as planes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tools.render.brand import Rgb
from tools.render.layout import Box

Bytes: TypeAlias = npt.NDArray[np.uint8]
Words: TypeAlias = npt.NDArray[np.uint16]
Mask: TypeAlias = npt.NDArray[np.float32]  # coverage, 0 to 1


def yuv(colour: Rgb) -> tuple[float, float, float]:
    """Return a colour's luma and chroma, BT.709 limited range."""
    red, green, blue = colour
    return (
        16 + 0.18259 * red + 0.61423 * green + 0.06201 * blue,
        128 - 0.10064 * red - 0.33857 * green + 0.43922 * blue,
        128 + 0.43922 * red - 0.39894 * green - 0.04027 * blue,
    )


def halve(plane: Mask) -> Mask:
    """Return the mean of every 2x2 block: a chroma plane."""
    quarter = plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]
    return quarter * np.float32(0.25)


class Frame:
    """One picture; `y`, `u`, `v` are views into `buffer`, which the encoder reads as it is.

    `shows` is a note of whoever drew it last, for himself; another that draws takes it away.
    """

    def __init__(self, width: int, height: int) -> None:
        self.buffer: Bytes = np.zeros((height * 3 // 2, width), np.uint8)
        chroma = self.buffer[height:].reshape(-1)
        half = (height // 2, width // 2)
        self.y: Bytes = self.buffer[:height]
        self.u: Bytes = chroma[: half[0] * half[1]].reshape(half)
        self.v: Bytes = chroma[half[0] * half[1] :].reshape(half)
        self.shows: tuple[object, int] | None = None

    @property
    def planes(self) -> tuple[tuple[Bytes, int], ...]:
        """The three planes, each with how many luma pixels one of its pixels spans."""
        return (self.y, 1), (self.u, 2), (self.v, 2)

    @property
    def box(self) -> Box:
        """The whole picture."""
        return 0, 0, self.y.shape[1], self.y.shape[0]

    def fill(self, box: Box, colour: Rgb) -> None:
        """Paint a box (even numbers) in one colour."""
        x, y, width, height = clipped(box, self.box)
        for (plane, step), value in zip(self.planes, yuv(colour), strict=True):
            rows = slice(y // step, (y + height) // step)
            plane[rows, x // step : (x + width) // step] = round(value)

    def copy(self, source: "Frame", part: Box, to: tuple[int, int]) -> None:
        """Copy a part of another picture of the same size to `to`; all numbers even."""
        x, y, width, height = part
        for (into, step), (out, _) in zip(self.planes, source.planes, strict=True):
            rows, columns = height // step, width // step
            down, right, top, left = to[1] // step, to[0] // step, y // step, x // step
            into[down : down + rows, right : right + columns] = out[
                top : top + rows, left : left + columns
            ]


@dataclass(frozen=True, slots=True)
class Sprite:
    """A patch with soft edges, made once and drawn on many frames.

    It holds its colour already multiplied by its cover (times 256), and what it leaves of the
    picture below (0 to 256).
    """

    luma: Words
    luma_keep: Words
    cb: Words
    cr: Words
    chroma_keep: Words

    @property
    def width(self) -> int:
        """Its width in pixels, even."""
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        """Its height in pixels, even."""
        return int(self.luma.shape[0])

    def draw(self, frame: Frame, x: int, y: int, clip: Box | None = None) -> None:
        """Lay it over the frame with its left upper corner at `x`, `y`, only inside `clip`.

        Odd positions are taken one pixel up or left: chroma knows no others.
        """
        x, y = x & ~1, y & ~1
        left, top, width, height = clipped((x, y, self.width, self.height), clip or frame.box)
        left, top, width, height = clipped((left, top, width, height), frame.box)
        if width <= 0 or height <= 0:
            return
        layers = (
            (self.luma, self.luma_keep),
            (self.cb, self.chroma_keep),
            (self.cr, self.chroma_keep),
        )
        for (plane, step), (own, keep) in zip(frame.planes, layers, strict=True):
            rows, columns = (
                slice(top // step, (top + height) // step),
                slice(left // step, (left + width) // step),
            )
            mine = (
                slice((top - y) // step, (top - y + height) // step),
                slice((left - x) // step, (left - x + width) // step),
            )
            below = plane[rows, columns]
            mixed = np.multiply(below, keep[mine], dtype=np.uint16)
            mixed += own[mine]
            mixed >>= 8
            below[...] = mixed

    def faded(self, share: float) -> "Sprite":
        """Return it at `share` (0 to 1) of its cover."""
        part = round(share * 256)

        def less(own: Words) -> Words:
            return ((own.astype(np.uint32) * part) >> 8).astype(np.uint16)

        def more(keep: Words) -> Words:
            return (256 - (((256 - keep.astype(np.uint32)) * part) >> 8)).astype(np.uint16)

        return Sprite(
            less(self.luma),
            more(self.luma_keep),
            less(self.cb),
            less(self.cr),
            more(self.chroma_keep),
        )


def paint(layers: Sequence[tuple[Mask, Rgb]]) -> Sprite:
    """Make a sprite from masks of one even size, painted one over the other."""
    # What each layer contributes where later ones lie over it: colours are mixed once, as covers.
    rest: Mask | None = None
    parts: list[tuple[Mask, Rgb]] = []
    for mask, colour in reversed(layers):
        parts.append((mask if rest is None else mask * rest, colour))
        rest = 1 - mask if rest is None else rest * (1 - mask)
    assert rest is not None
    whole, quarters = _sum(parts, 0), [(halve(part), colour) for part, colour in parts]
    return Sprite(
        whole,
        _fixed(rest),
        _sum(quarters, 1),
        _sum(quarters, 2),
        _fixed(halve(rest)),
    )


def _sum(parts: Sequence[tuple[Mask, Rgb]], channel: int) -> Words:
    """Return the colours of some covers in one channel, times 256.

    The half that is added here makes the shift in `Sprite.draw` round instead of cut.
    """
    total: Mask = parts[0][0] * np.float32(256 * yuv(parts[0][1])[channel])
    for part, colour in parts[1:]:
        total += part * np.float32(256 * yuv(colour)[channel])
    total += np.float32(128.5)
    return total.astype(np.uint16)


def inked(cover: Mask, tone: float) -> Words:
    """Return one tone multiplied by its cover, times 256; see `_sum` for the half."""
    total: Mask = cover * np.float32(256 * tone)
    total += np.float32(128.5)
    return total.astype(np.uint16)


def kept(cover: Mask) -> Words:
    """Return what a cover leaves of the picture below, 0 to 256."""
    return _fixed(1 - cover)


def lay(plane: Bytes, patch: tuple[Words, Words], at: tuple[int, int]) -> None:
    """Lay a patch (tone times cover, and what it leaves) over a plane with its corner at `at`.

    What lies outside is left out.
    """
    own, keep = patch
    box = (at[0], at[1], own.shape[1], own.shape[0])
    left, top, width, height = clipped(box, (0, 0, plane.shape[1], plane.shape[0]))
    if width <= 0 or height <= 0:
        return
    below = plane[top : top + height, left : left + width]
    mine = (
        slice(top - at[1], top - at[1] + height),
        slice(left - at[0], left - at[0] + width),
    )
    mixed = np.multiply(below, keep[mine], dtype=np.uint16)
    mixed += own[mine]
    mixed >>= 8
    below[...] = mixed


def shifted(mask: Mask, x: int, y: int) -> Mask:
    """Return the mask moved right and down by 0 or 1 pixel, padded to an even size."""
    height, width = mask.shape
    return np.pad(mask, ((y, (height + y) % 2), (x, (width + x) % 2)))


def clipped(box: Box, to: Box) -> Box:
    """Return what two boxes share; its width or height is 0 or less where that is nothing."""
    left, top = max(box[0], to[0]), max(box[1], to[1])
    right = min(box[0] + box[2], to[0] + to[2])
    bottom = min(box[1] + box[3], to[1] + to[3])
    return left, top, right - left, bottom - top


def _fixed(plane: Mask) -> Words:
    return (plane * 256 + 0.5).astype(np.uint16)
