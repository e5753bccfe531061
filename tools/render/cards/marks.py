"""Marks: the studio's emblem, and a channel's own logo."""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bookai.errors import OperatorNeeded
from tools.render.brand import Rgb
from tools.render.shapes import disc, quarter
from tools.render.sprites import Mask, Sprite, halve, paint, yuv

LARGEST_BYTES = 8_000_000
LONGEST_SIDE = 6_000
MEND = (
    "Save the logo as PNG with a transparent ground, at most 6000 pixels a side, and set `logo` in"
    " the channel's look to its path."
)


def emblem(size: int, first: Rgb, second: Rgb) -> Sprite:
    """Return the studio's mark: an open book of two quarter discs with a dot as its reader."""
    half = (size // 2) & ~1
    page: Mask = np.zeros((2 * half, 2 * half), np.float32)
    other: Mask = np.zeros_like(page)
    page[half:, :half] = quarter(half, 1)[:half, :half]
    other[half:, half:] = quarter(half, 0)[:half, :half]
    dot = disc(half // 2 - 2)
    left = half - dot.shape[1] // 2
    top = max(0, half // 2 - dot.shape[0] // 2)
    other[top : top + dot.shape[0], left : left + dot.shape[1]] = dot
    return paint([(page, first), (other, second)])


def logo(path: str, width: int, height: int) -> Sprite:
    """Return a channel's logo as large as it fits `width` by `height` pixels.

    Raises:
        OperatorNeeded: the file cannot be read, is no PNG, or is too large.
    """
    image = _opened(path)
    share = min(width / image.width, height / image.height)
    size = max(2, round(image.width * share)), max(2, round(image.height * share))
    small = np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32)
    small = np.pad(small, ((0, small.shape[0] % 2), (0, small.shape[1] % 2), (0, 0)))
    cover: Mask = small[..., 3] / np.float32(255)
    return _coloured(small[..., :3], cover)


def _coloured(rgb: Mask, cover: Mask) -> Sprite:
    """Return a sprite of many colours; see `Sprite` for what its planes hold."""
    red, green, blue = (rgb[..., k] for k in range(3))
    base = [np.float32(value) for value in yuv((0, 0, 0))]
    steps = [yuv(colour) for colour in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    planes = []
    for k, low in enumerate(base):
        r, g, b = (np.float32(step[k] - low) for step in steps)
        planes.append((low + red * r + green * g + blue * b) * cover)
    soft = halve(cover)
    half = np.uint16(128)

    def fixed(plane: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
        return (plane * 256 + 0.5).astype(np.uint16)

    return Sprite(
        fixed(planes[0]) + half,
        256 - fixed(cover),
        fixed(halve(planes[1])) + half,
        fixed(halve(planes[2])) + half,
        256 - fixed(soft),
    )


@lru_cache(maxsize=4)
def _opened(path: str) -> Image.Image:
    """Return a logo's picture with its alpha, its empty margin cut off."""
    try:
        facts = Path(path).stat()
        if facts.st_size > LARGEST_BYTES:
            raise OperatorNeeded(
                f"The logo {path!r} has {facts.st_size / 1e6:.0f} MB (limit 8 MB).", mend=MEND
            )
        image = Image.open(io.BytesIO(Path(path).read_bytes()), formats=("PNG",))
        if max(image.size) > LONGEST_SIDE:
            wide, high = image.size
            raise OperatorNeeded(f"The logo {path!r} is {wide}x{high} pixels.", mend=MEND)
        whole = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise OperatorNeeded(f"The logo {path!r} cannot be used: {error}.", mend=MEND) from error
    box = whole.getchannel("A").getbbox()
    if box is None:
        raise OperatorNeeded(f"The logo {path!r} is wholly transparent.", mend=MEND)
    return whole.crop(box)
