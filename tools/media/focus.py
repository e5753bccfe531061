"""Find what must stay in sight when a picture is cropped."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Focus: TypeAlias = tuple[float, float]
"""A point of a picture, as shares of its width and height from the left upper corner."""

LOOK = 48  # pixels on the side of the small picture that is looked at
UPPER_THIRD = 0.38
# How far from the middle detail still counts as a subject, as a share of the side.
REACH = 0.36


def find_focus(image: Image.Image) -> Focus:
    """Return the middle of what stands out in an RGB picture by edges and by colour.

    Faces and subjects mostly stand in the upper third: detail there counts most, and it is the
    answer where nothing stands out.
    """
    small = image.resize((LOOK, LOOK), Image.Resampling.BOX, reducing_gap=2.0)
    tones = np.asarray(small, np.float32)
    luma = tones @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    edges = np.abs(np.gradient(luma, axis=0)) + np.abs(np.gradient(luma, axis=1))
    odd = np.abs(tones - tones.mean(axis=(0, 1))).sum(axis=2)
    weight = (_share(edges) + 0.6 * _share(odd)) ** 2
    at = np.linspace(0.5, LOOK - 0.5, LOOK, dtype=np.float32) / np.float32(LOOK)
    likely = np.outer(_near(at, UPPER_THIRD), _near(at, 0.5))
    weight = weight * likely + 0.004 * likely
    total = float(weight.sum())
    return float((weight.sum(axis=0) @ at) / total), float((weight.sum(axis=1) @ at) / total)


def _share(values: NDArray[np.float32]) -> NDArray[np.float32]:
    most = float(values.max())
    return values / np.float32(most) if most > 1.0 else np.zeros_like(values)


def _near(at: NDArray[np.float32], place: float) -> NDArray[np.float32]:
    return np.exp(-(((at - np.float32(place)) / np.float32(REACH)) ** 2) / 2)
