"""Open pictures that strangers made: bounded before they are decoded, upright, in sRGB, opaque.

Four kinds of file are read and nothing else; what is wrong is told with the file's name and what
to do about it.
"""

import io
import math
import stat
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from bookai.errors import Refused
from tools.media.focus import Focus, find_focus
from tools.render.sprites import Frame

KINDS: Final = ("PNG", "JPEG", "WEBP", "GIF")
LARGEST_BYTES = 60_000_000
MOST_PIXELS = 50_000_000
# Their decoders hold several whole pictures at once, or four planes of coefficients.
MOST_IN_WEBP, MOST_ANIMATED, MOST_IN_CMYK = 16_000_000, 16_000_000, 32_000_000
LONGEST_SIDE = 16_000
SHORTEST_SIDE = 160
# No format of ours needs more on its short side, with the margin for a slow pan.
WORKING_SIDE = 2160
MOST_KEPT = 13_000_000  # pixels, of a picture that is long and narrow
BAND = 64  # rows of the smaller picture that are made at a time
LARGEST_PROFILE = 4_000_000
DARK, LIGHT = (38, 40, 44), (238, 238, 236)

# RGB to BT.709 in limited range, luma and both chroma planes: one pass inside Pillow.
_TO_YUV = (
    *(0.18259, 0.61423, 0.06201, 16.0),
    *(-0.10064, -0.33857, 0.43922, 128.0),
    *(0.43922, -0.39894, -0.04027, 128.0),
)
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files, beside its own errors."""


@dataclass(frozen=True)
class Picture:
    """A picture that may be shown: RGB, upright."""

    image: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        return self.image.size

    @cached_property
    def focus(self) -> Focus:
        """What must stay in sight when it is cropped."""
        return find_focus(self.image)

    def planes(self, width: int, height: int, *, extra: tuple[int, int] = (0, 0)) -> Frame:
        """Return it as a picture that covers `width` by `height`; see `fit_planes`."""
        return fit_planes(self.image, width, height, extra=extra, focus=self.focus)


def load_picture(path: Path) -> Picture:
    """Return the picture in a file.

    Raises:
        Refused: as `open_picture`.
    """
    return Picture(open_picture(path))


def open_picture(path: Path) -> Image.Image:
    """Return a file's picture (of an animation the first), at most about 2160 on its short side.

    Whatever the file, the process needs less than 500 MiB meanwhile.

    Raises:
        Refused: there is no such file, it is of another kind, too large, too small or damaged.
    """
    try:
        reduced = _decoded(path)
        upright = ImageOps.exif_transpose(reduced)
        return _opaque(_in_srgb(upright, reduced.info.get("icc_profile")))
    except _BROKEN as error:
        raise Refused(
            f"The picture {path.name!r} is cut off or damaged ({_short(error)}): save it again"
            " as PNG or JPEG."
        ) from error


def look_at_picture(path: Path) -> tuple[str, tuple[int, int]]:
    """Return the kind and size that a picture's head names, without decoding the rest.

    Raises:
        Refused: as `open_picture`, but damage behind the head is not seen.
    """
    with _opened(_content(path), path.name) as image:
        return str(image.format), image.size


def fit_planes(
    image: Image.Image,
    width: int,
    height: int,
    *,
    extra: tuple[int, int] = (0, 0),
    focus: Focus | None = None,
) -> Frame:
    """Return an RGB picture as planes, cropped to cover `width` + `extra` by `height` + `extra`.

    `extra` is the margin in which a pan moves. All sizes are made even. What matters most in the
    picture, or its upper third where nothing stands out, stays in sight.
    """
    wide, high = (width + extra[0] + 1) & ~1, (height + extra[1] + 1) & ~1
    x, y = focus or find_focus(image)
    scale = max(wide / image.width, high / image.height)
    across, down = wide / scale, high / scale
    left = min(max(0.0, x * image.width - across / 2), image.width - across)
    top = min(max(0.0, y * image.height - down / 2), image.height - down)
    fitted = image.resize(
        (wide, high),
        Image.Resampling.BICUBIC,
        box=(left, top, min(left + across, image.width), min(top + down, image.height)),
        reducing_gap=1.5,
    )
    luma, *chroma = fitted.convert("RGB", _TO_YUV).split()
    frame = Frame(wide, high)
    frame.y[...] = np.asarray(luma)
    for plane, part in zip((frame.u, frame.v), chroma, strict=True):
        plane[...] = np.asarray(part.reduce(2))
    return frame


def _content(path: Path) -> bytes:
    """Return a regular file's bytes; its size is looked at first."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(f"{path.name!r} is no file: give a PNG, JPEG, WebP or GIF picture.")
        if facts.st_size > LARGEST_BYTES:
            raise Refused(
                f"The picture {path.name!r} has {facts.st_size / 1e6:.0f} MB and the limit is"
                f" {LARGEST_BYTES / 1e6:.0f} MB: save it smaller."
            )
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Refused(
            f"The picture {path.name!r} cannot be read ({_short(error)}): put it back, or leave"
            " it out."
        ) from error


def _opened(content: bytes, name: str) -> Image.Image:
    """Return the picture with only its head read, certain to be of a size that can be decoded."""
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype")) or b"<svg" in head:
        raise Refused(
            f"The picture {name!r} is SVG, a program for drawing that is never run here: export"
            " it as PNG."
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns at a size of its own; ours is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=KINDS)
    except Image.DecompressionBombError as error:
        raise Refused(_too_large(name, str(error))) from error
    except UnidentifiedImageError as error:
        raise Refused(
            f"The picture {name!r} is none of PNG, JPEG, WebP, GIF: export it as PNG or JPEG."
        ) from error
    except _BROKEN as error:
        raise Refused(
            f"The picture {name!r} is damaged ({_short(error)}): save it again as PNG or JPEG."
        ) from error
    width, height = image.size
    most = _most_pixels(image)
    if width * height > most or max(width, height) > LONGEST_SIDE:
        raise Refused(_too_large(name, f"{width}x{height}", most))
    if min(width, height) < SHORTEST_SIDE:
        raise Refused(
            f"The picture {name!r} is {width}x{height} and would only be a blur (limit"
            f" {SHORTEST_SIDE} pixels on its short side): give a larger one."
        )
    return image


def _most_pixels(image: Image.Image) -> int:
    """Return how many pixels a picture of this kind may have, by what its decoder needs."""
    if image.format == "WEBP":
        return MOST_IN_WEBP
    if image.format == "PNG" and getattr(image, "is_animated", False):
        return MOST_ANIMATED
    return MOST_IN_CMYK if image.mode == "CMYK" else MOST_PIXELS


def _too_large(name: str, found: str, most: int = MOST_PIXELS) -> str:
    return (
        f"The picture {name!r} is too large ({found}; limit {most // 1_000_000} million"
        f" pixels and {LONGEST_SIDE} on a side): save it smaller."
    )


def _decoded(path: Path) -> Image.Image:
    """Return a file's picture reduced; the whole one is gone when this returns."""
    with _opened(_content(path), path.name) as image:
        factor = _factor(image.size)
        image.draft("RGB", (image.width // factor, image.height // factor))
        image.load()
        return _reduced(image)


def _factor(size: tuple[int, int]) -> int:
    """Return by how much a picture may be made smaller with enough left."""
    spare = math.ceil(math.sqrt(size[0] * size[1] / MOST_KEPT))
    return max(1, min(size) // WORKING_SIDE, spare)


def _reduced(image: Image.Image) -> Image.Image:
    """Return it by a whole factor smaller where more than enough is left, in 8 bits.

    Band by band: converted whole, a large picture would lie in memory twice.
    """
    factor = _factor(image.size)
    clear = image.has_transparency_data
    if factor == 1:
        reduced = _in_8_bits(image, clear)
    else:
        width, height = image.size
        size = (-(-width // factor), -(-height // factor))
        rows = BAND * factor
        for top in range(0, height, rows):
            band = image.crop((0, top, width, min(height, top + rows)))
            part = _in_8_bits(band, clear).reduce(factor)
            if top == 0:
                reduced = Image.new(part.mode, size)
            reduced.paste(part, (0, top // factor))
    reduced.info = dict(image.info)
    # The way it was held stands in EXIF, which a new image does not carry along.
    reduced.getexif()[0x0112] = image.getexif().get(0x0112, 1)
    return reduced


def _in_8_bits(image: Image.Image, clear: bool) -> Image.Image:
    """Return it in RGB, with see-through parts (`clear`) in RGBA; grey and CMYK stay so.

    A 16-bit grey is brought to 8 bits: converting would cut it off at white instead.
    """
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16) >> 8
        return Image.fromarray(values.astype(np.uint8))
    if image.mode in ("I", "F"):
        tones = np.asarray(image, np.float64)
        return Image.fromarray(np.clip(tones / 257, 0, 255).astype(np.uint8))
    if image.mode == "CMYK":
        return image.copy()
    return image.convert("RGBA" if clear else "RGB")


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Return it in sRGB; a profile that is broken or does not fit counts as none."""
    if isinstance(profile, bytes) and 0 < len(profile) <= LARGEST_PROFILE and image.mode != "L":
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            changed = ImageCms.profileToProfile(image, source, target, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
        else:
            if changed is not None:
                return changed
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


def _opaque(image: Image.Image) -> Image.Image:
    """Lay a picture with see-through parts over dark or light, whichever it stands out from."""
    if image.mode != "RGBA":
        return image
    small = np.asarray(image.resize((32, 32), Image.Resampling.BOX), np.float64)
    cover = small[..., 3].sum()
    tone = (small[..., :3].mean(axis=2) * small[..., 3]).sum() / cover if cover else 0.0
    ground = Image.new("RGB", image.size, DARK if tone > 140 else LIGHT)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _short(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:120]
