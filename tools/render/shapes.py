"""Masks of geometric forms with soft edges, and forms that come in and rest."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.render.brand import Rgb
from tools.render.sprites import Frame, Mask, Words, halve, inked, kept, lay, shifted, yuv

NEVER = 1 << 30
ARRIVAL_S = 0.7
AWAY = 7.5  # picture widths a second squared


def _field(width: int, height: int, cx: float, cy: float) -> Mask:
    """Return every pixel's distance from a point."""
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5 - cx)) ** 2
    y = (np.arange(height, dtype=np.float32) + np.float32(0.5 - cy)) ** 2
    far: Mask = x[None, :] + y[:, None]
    return np.sqrt(far, out=far)


def _soft(inside: npt.NDArray[Any]) -> Mask:
    """Turn "pixels inside the edge" into cover."""
    cover: Mask = np.asarray(inside + np.float32(0.5), np.float32)
    return np.clip(cover, 0, 1, out=cover)


def disc(radius: int) -> Mask:
    """Return a filled circle."""
    return _mirrored(_soft(radius - _far(radius)))


def ring(radius: int, band: int) -> Mask:
    """Return a circle line `band` wide, measured inwards."""
    far = _far(radius)
    return _mirrored(_soft(np.minimum(radius - far, far - (radius - band))))


def rings(radius: int, band: int) -> Mask:
    """Return circles around one centre, line and gap `band` wide, from half the radius on."""
    far = _far(radius)
    wave = np.abs((far / np.float32(2 * band)) % 1 - np.float32(0.5)) * (2 * band) - band / 2
    inside = _soft(np.minimum(radius - far, far - radius * 0.45))
    return _mirrored(np.minimum(_soft(wave), inside))


def _far(radius: int) -> Mask:
    """Return the distance from a circle's centre in the left upper quarter of its mask."""
    return _field(radius + 1, radius + 1, radius + 1, radius + 1)


def _mirrored(quarter: Mask) -> Mask:
    """Return a form of which this is the left upper quarter."""
    half = np.concatenate((quarter, quarter[:, ::-1]), axis=1)
    return np.concatenate((half, half[::-1]))


def capsule(width: int, height: int) -> Mask:
    """Return a bar with round ends; its sides are made even."""
    return rounded(width, height, max(width, height))


def rounded(width: int, height: int, radius: int) -> Mask:
    """Return a rectangle with round corners; its sides are made even."""
    width, height = width + width % 2, height + height % 2
    radius = min(radius, width // 2, height // 2)
    y, x = np.ogrid[0:height, 0:width]
    dx = np.maximum(np.abs(x + 0.5 - width / 2) - (width / 2 - radius), 0)
    dy = np.maximum(np.abs(y + 0.5 - height / 2) - (height / 2 - radius), 0)
    return _soft((radius - np.hypot(dx, dy)).astype(np.float32))


def quarter(size: int, turn: int) -> Mask:
    """Return a quarter disc that fills a square, turned by `turn` right angles."""
    return np.ascontiguousarray(np.rot90(_soft(size - _field(size, size, 0, 0)), turn))


def tiles(columns: int, rows: int, size: int, rng: np.random.Generator) -> Mask:
    """Return a quilt of quarter discs, about two tiles in three filled."""
    quilt = np.zeros((rows * size, columns * size), np.float32)
    for row in range(rows):
        for column in range(columns):
            turn = int(rng.integers(6))
            if turn < 4:
                part = quarter(size, turn)
                quilt[row * size : (row + 1) * size, column * size : (column + 1) * size] = part
    return quilt


def halftone(columns: int, rows: int, pitch: int) -> Mask:
    """Return a field of dots that shrink towards the top."""
    y, x = np.ogrid[0:pitch, 0:pitch]
    far = np.hypot(x + 0.5 - pitch / 2, y + 0.5 - pitch / 2)
    dots = [
        _soft((pitch * 0.36 * (row / rows) - far).astype(np.float32)) for row in range(1, rows + 1)
    ]
    return np.concatenate([np.tile(dot, (1, columns)) for dot in dots])


def pin(width: int) -> Mask:
    """Return a map pin: a disc with a hole whose sides run together in a point below."""
    width += width % 2
    radius = width / 2 - 1
    height = round(width * 1.36) // 2 * 2
    y, x = np.ogrid[0:height, 0:width]
    right, down = x + 0.5 - width / 2, y + 0.5 - width / 2
    far = np.hypot(right, down)
    tip = height - 1 - width / 2
    # The two tangents from the tip to the disc.
    sine = radius / tip
    cosine = float(np.sqrt(1 - sine**2))
    cone = np.where(down > radius * sine, radius - (np.abs(right) * cosine + down * sine), -1.0)
    body = np.maximum(radius - far, cone)
    return np.minimum(_soft(body), _soft(far - radius * 0.42))


def eased(share: float) -> float:
    """Return a share of the way, 0 to 1, that starts fast and settles gently."""
    share = min(1.0, max(0.0, share))
    return float(1 - (1 - share) ** 4)


def overshot(share: float) -> float:
    """Return a share of the way that goes about 7 in a hundred too far, and comes back."""
    left = 1 - min(1.0, max(0.0, share))
    return float(1 + 1.25 * left**2 - 2.25 * left**3)


@dataclass(slots=True)
class Arrival:
    """A form that comes in and rests: where it rests, and from how far away it comes (pixels).

    Luma is laid at any place. Chroma has half the resolution, so a place knows four kinds of it:
    even and odd, both ways; each is made when it is first needed.
    """

    mask: Mask
    colour: Rgb
    at: tuple[float, float]
    entry: tuple[float, float] = (0.0, 0.0)
    orbit: tuple[float, float] = (0.0, 0.0)  # radius in pixels and the turn it ends on, 0 to 1
    leaves: int = NEVER  # the frame from which on it flies out to the right
    reach: int = 0  # the picture's width, by which it flies
    _cut: tuple[int, int] = (0, 0)  # columns and rows of the mask that are never seen
    _luma: tuple[Words, Words] | None = None
    _chroma: dict[tuple[int, int], tuple[Words, Words, Words]] = field(default_factory=dict)

    def place(self, n: int, fps: int) -> tuple[int, int]:
        """Return its left upper corner `n` frames into its scene."""
        way = eased(n / (fps * ARRIVAL_S))
        away = max(0, n - self.leaves) / fps
        x = self.at[0] + self.entry[0] * (1 - way)
        y = self.at[1] + self.entry[1] * (1 - way)
        if self.orbit[0]:
            turn = 2 * np.pi * (self.orbit[1] - 0.4 * (1 - way))
            x, y = x + self.orbit[0] * np.cos(turn), y + self.orbit[0] * np.sin(turn)
        return round(x + away**2 * AWAY * self.reach), round(y)

    def trim(self, places: Collection[tuple[int, int]], size: tuple[int, int]) -> None:
        """Drop what no picture of `size` shows of it: it stands at `places` and nowhere else."""
        spans = []
        for axis in (0, 1):
            long, wide = self.mask.shape[1 - axis], size[axis]
            first = min(min(long, max(0, -place[axis])) for place in places)
            last = max(max(0, min(long, wide - place[axis])) for place in places)
            spans.append((first & ~1, max(first & ~1, last)))
        (left, right), (top, bottom) = spans
        self.mask, self._cut = self.mask[top:bottom, left:right], (left, top)

    def draw(self, frame: Frame, at: tuple[int, int]) -> None:
        """Draw it with its left upper corner at `at`."""
        x, y = at[0] + self._cut[0], at[1] + self._cut[1]
        tones = yuv(self.colour)
        if self._luma is None:
            self._luma = inked(self.mask, tones[0]), kept(self.mask)
        lay(frame.y, self._luma, (x, y))
        phase = (x & 1, y & 1)
        if phase not in self._chroma:
            cover = halve(shifted(self.mask, *phase))
            self._chroma[phase] = inked(cover, tones[1]), inked(cover, tones[2]), kept(cover)
        *owns, keep = self._chroma[phase]
        for plane, own in zip((frame.u, frame.v), owns, strict=True):
            lay(plane, (own, keep), (x >> 1, y >> 1))
