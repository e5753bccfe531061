"""Masks of geometric forms with soft edges, and forms that drift over the frames."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.render.brand import Rgb
from tools.render.sprites import Frame, Mask, Sprite, paint, shifted


def _field(width: int, height: int, cx: float, cy: float) -> Mask:
    """Return every pixel's distance from a point."""
    y, x = np.ogrid[0:height, 0:width]
    far: Mask = np.hypot(x + 0.5 - cx, y + 0.5 - cy).astype(np.float32)
    return far


def _soft(inside: npt.NDArray[Any]) -> Mask:
    """Turn "pixels inside the edge" into cover."""
    cover: Mask = np.clip(inside + 0.5, 0, 1).astype(np.float32)
    return cover


def disc(radius: int) -> Mask:
    """Return a filled circle."""
    size = 2 * radius + 2
    return _soft(radius - _field(size, size, size / 2, size / 2))


def ring(radius: int, band: int) -> Mask:
    """Return a circle line `band` wide, measured inwards."""
    size = 2 * radius + 2
    far = _field(size, size, size / 2, size / 2)
    return _soft(np.minimum(radius - far, far - (radius - band)))


def rings(radius: int, band: int) -> Mask:
    """Return circles around one centre, line and gap `band` wide, from half the radius on."""
    size = 2 * radius + 2
    far = _field(size, size, size / 2, size / 2)
    wave = np.abs((far / np.float32(2 * band)) % 1 - np.float32(0.5)) * (2 * band) - band / 2
    return np.minimum(_soft(wave), _soft(np.minimum(radius - far, far - radius * 0.45)))


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
    height, width = rows * pitch, columns * pitch
    y, x = np.ogrid[0:height, 0:width]
    far = np.hypot(x % pitch + 0.5 - pitch / 2, y % pitch + 0.5 - pitch / 2)
    radius = pitch * 0.36 * ((y // pitch + 1) / rows)
    return _soft((radius - far).astype(np.float32))


def eased(share: float) -> float:
    """Return a share of the way, 0 to 1, that starts fast and settles gently."""
    share = min(1.0, max(0.0, share))
    return float(1 - (1 - share) ** 4)


@dataclass(slots=True)
class Drifter:
    """A form that glides: where it is, its speed, and from where it comes in (pixels, frames).

    Chroma has half the resolution, so a position knows four sprites: even and odd, both ways;
    each is made when it is first needed.
    """

    mask: Mask
    colour: Rgb
    at: tuple[float, float]
    speed: tuple[float, float] = (0.0, 0.0)
    entry: tuple[float, float] = (0.0, 0.0)
    orbit: tuple[float, float] = (0.0, 0.0)  # radius and turns a second at 30 fps
    leaves: int = 1 << 30  # the frame from which on it flies out to the right
    _made: dict[tuple[int, int], Sprite] = field(default_factory=dict)

    def draw(self, frame: Frame, n: int) -> None:
        """Draw it as it stands `n` frames into its scene."""
        rest = 1 - eased(n / 30)
        turn = 2 * np.pi * self.orbit[1] * n / 30
        away = max(0, n - self.leaves) ** 2 * frame.box[2] / 120
        x = round(
            self.at[0]
            + self.speed[0] * n
            + self.entry[0] * rest
            + self.orbit[0] * np.cos(turn)
            + away
        )
        y = round(
            self.at[1] + self.speed[1] * n + self.entry[1] * rest + self.orbit[0] * np.sin(turn)
        )
        phase = (x & 1, y & 1)
        if phase not in self._made:
            self._made[phase] = paint([(shifted(self.mask, *phase), self.colour)])
        self._made[phase].draw(frame, x, y)
