"""Three pictures of our own drawing, for the shots that show a picture."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (1600, 1600)
LICENCE, CREDIT = "own work", "Drawing: BookAI Studio"


def draw(name: str, into: Path) -> Path:
    """Write the drawing `name` into a folder; return its path. The same name gives the same bytes.

    Raises:
        KeyError: there is no such drawing.
    """
    path = into / f"{name}.png"
    DRAWINGS[name]().save(path)
    return path


def _planet() -> Image.Image:
    """A red dwarf above the dark edge of a planet with air."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    rng = np.random.default_rng(18)
    star = np.hypot(x - 1120, y - 470)
    glow = np.exp(-np.maximum(0, star - 150) / 190)
    ground = np.hypot(x - 560, y - 2050)
    air = np.exp(-np.abs(ground - 1105) / 38) * np.clip(x / 1500, 0.15, 1)
    sky = np.stack([glow * 255, glow * glow * 140 + glow * 20, glow**3 * 80 + 18], -1)
    specks = rng.random((SIZE[1], SIZE[0])) > 0.9994
    sky[specks] = np.maximum(sky[specks], 190)
    sky[ground < 1100] = (10, 22, 38)
    sky += air[..., None] * np.array([60, 150, 190])
    whole = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    return whole.filter(ImageFilter.GaussianBlur(1.2))


def _butterflies() -> Image.Image:
    """Fir trunks against a pale sky, orange with resting wings."""
    rng = np.random.default_rng(2019)
    whole = Image.new("RGB", SIZE, (206, 214, 190))
    pen = ImageDraw.Draw(whole)
    for depth, ink in enumerate([(168, 182, 158), (112, 132, 108), (52, 66, 52)]):
        for _ in range(7 - 2 * depth):
            wide, at = 60 + 90 * depth, int(rng.integers(0, SIZE[0]))
            pen.polygon(
                [(at, 0), (at + wide * 0.7, 0), (at + wide, 1600), (at - wide * 0.3, 1600)], ink
            )
            for _ in range(34 + 24 * depth):
                x, y = at + wide * rng.uniform(-0.3, 1.1), rng.uniform(120, 1600)
                _wings(pen, (x, y), 26 + 20 * depth, rng.uniform(0, math.tau), depth)
    return whole


def _wings(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], size: float, turn: float, depth: int
) -> None:
    """Draw one butterfly of two wings, darker at the rim."""
    for side in (-0.9, 0.9):
        tips = [
            (at[0] + math.cos(turn + side + one) * size, at[1] + math.sin(turn + side + one) * size)
            for one in (-0.45, 0.45)
        ]
        ink = [(214, 150, 92), (222, 124, 44), (236, 110, 18)][depth]
        pen.polygon([at, *tips], ink, outline=(60, 34, 20) if depth else None)


def _stripes() -> Image.Image:
    """A striped coat, close by."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    bend = 130 * np.sin(y / 330) + 60 * np.sin(y / 140 + x / 420) + 35 * np.sin(x / 90)
    wave = np.sin((x + bend + 0.22 * y) / 44)
    coat = 1 / (1 + np.exp(-9 * (wave + 0.12 * np.sin(y / 60))))
    shade = 1 - 0.35 * np.hypot(x / SIZE[0] - 0.45, y / SIZE[1] - 0.4)
    hair = np.random.default_rng(36).normal(0, 7, coat.shape)
    tone = (28 + 205 * coat) * shade + hair
    colours = np.stack([tone, tone * 0.965, tone * 0.91], -1)
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


DRAWINGS: Mapping[str, Callable[[], Image.Image]] = {
    "butterflies": _butterflies,
    "planet": _planet,
    "stripes": _stripes,
}
