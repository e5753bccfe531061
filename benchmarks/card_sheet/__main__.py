"""Draw every card in every format on contact sheets, and measure what they cost.

`python -m benchmarks.card_sheet FOLDER [--at SECONDS] [--language CODE]` writes `tall.png`,
`square.png`, `wide.png` and `thumbnails.png` there. Look at them: would a designer keep it?
"""

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from av import VideoFrame
from PIL import Image

from benchmarks.card_sheet.shots import SENTENCES, SHOTS, Photograph, credits_of
from bookai.film.shots import Candidate, Shot, ShotRow
from tools.render.background import Backdrop
from tools.render.brand import PALETTES, GroundName, Palette
from tools.render.cards import Occasion, Setter, deal, draw_thumbnail
from tools.render.layout import Layout, Size
from tools.render.sprites import Frame, paint
from tools.render.typography import HEAVY, Style, Typeface, right_to_left

FORMATS = {
    "tall": Size(width=1080, height=1920),
    "square": Size(width=1080, height=1080),
    "wide": Size(width=1920, height=1080),
}
GROUNDS: tuple[GroundName, ...] = ("colour", "night", "paper", "accent")
FACE = Typeface()
STAY = 150


def main(argv: list[str]) -> int:
    """Write the sheets and say what drawing cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--at", type=float, default=5.0, help="seconds since the card came")
    parser.add_argument("--language", choices=sorted(SHOTS), default="en")
    parser.add_argument("--short", action="store_true", help="with the disclosure on the stage")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, size in FORMATS.items():
        started, changes, pictures = time.process_time(), [], []
        for number, shot in enumerate(SHOTS[options.language]):
            palette = PALETTES[number % len(PALETTES)]
            ground = GROUNDS[number % len(GROUNDS)]
            view = View(
                Layout(size), palette, ground, number, options.language, short=options.short
            )
            frame, changed = view.shown(shot, round(options.at * size.fps))
            pictures.append(frame)
            changes.append((shot.kind, view.card.settled, changed))
        spent = time.process_time() - started
        sheet(pictures, 5 if name != "wide" else 3).save(options.folder / f"{name}.png")
        sys.stdout.write(f"{name}: {spent / len(pictures):.3f} CPU s a card;")
        sys.stdout.write(" ".join(f" {k}: settled {s}, {c} pictures" for k, s, c in changes) + "\n")
    thumbnails = [
        thumbnail(shot, size) for size in FORMATS.values() for shot in chosen(options.language)
    ]
    large = sheet(thumbnails, 6, 300)
    small = sheet(thumbnails, 6, 160)
    both = Image.new("RGB", (large.width, large.height + small.height))
    both.paste(large, (0, 0))
    both.paste(small, (0, large.height))
    both.save(options.folder / "thumbnails.png")
    return 0


class View:
    """A card on its ground with captions below, as it stands in a film."""

    def __init__(
        self,
        layout: Layout,
        palette: Palette,
        name: GroundName,
        number: int,
        language: str,
        *,
        short: bool = False,
    ) -> None:
        self.layout, self.ground = layout, palette.ground(name)
        self.backdrop = Backdrop(layout, self.ground, number, 0, number)
        stage = layout.short_stage if short else layout.stage
        self.setter = Setter(layout, FACE, self.ground, stage=stage)
        self.language, self.short = language, short

    def shown(self, shot: Shot, n: int) -> tuple[Frame, int]:
        """Return frame `n`, and how many different pictures there were until then."""
        size = self.layout.size
        occasion = Occasion(
            title="Clocks Lose a Second",
            brand="BookAI Studio",
            credit="Source: Wikinews, CC BY 2.5",
            when=lambda at: at * size.fps // 12,
            frames=STAY * size.fps // 30,
            pictures={0: Photograph(0), 1: Photograph(1)},
            credits=credits_of(),
        )
        self.card = deal(self.setter, shot, occasion)
        states = [(self.backdrop.state(k), self.card.state(k)) for k in range(n + 1)]
        frame = Frame(size.width, size.height)
        self.backdrop.draw(frame, n)
        self.card.draw(frame, n)
        if self.short:
            self.setter.notice("Advert: we earn a commission when you buy.").draw(frame, n)
        self._captions(frame)
        return frame, 1 + sum(a != b for a, b in pairwise(states))

    def _captions(self, frame: Frame) -> None:
        x, y, width, _ = self.layout.captions
        style = Style(self.layout.px(92), HEAVY, -8)
        for row, line in enumerate(FACE.wrap(SENTENCES[self.language], style, width - 40)[:2]):
            sprite = paint([(FACE.mask(line, style), self.ground.text)])
            left = x + width - sprite.width - 12 if right_to_left(line) else x + 12
            sprite.draw(frame, left, y + self.layout.px(8 + 120 * row))
        left, top, wide, _ = self.layout.header
        frame.fill((left, top, wide // 3 & ~1, self.layout.even(6)), self.ground.text)


def chosen(language: str) -> Sequence[Shot | None]:
    """Return the shots whose thumbnails are shown: the title's, a number's, a quotation's."""
    return [None, *(shot for shot in SHOTS[language] if shot.kind in ("number", "quote"))][:4]


class _Words:
    title = "Clocks may soon lose a second for the first time"
    brand = "BookAI Studio"


def thumbnail(shot: Shot | None, size: Size) -> Frame:
    """Return a film's thumbnail whose strongest shot is `shot`."""
    rows = (
        [ShotRow(line=0, sentence="", chosen=Candidate(shot=shot, score=0.9, why=""))]
        if shot
        else []
    )
    return draw_thumbnail(Layout(size), FACE, PALETTES[size.height // 200 % 3], _Words(), rows)


def sheet(frames: list[Frame], columns: int, width: int = 0) -> Image.Image:
    """Return frames side by side."""
    images = []
    for frame in frames:
        whole = VideoFrame.from_numpy_buffer(frame.buffer, format="yuv420p")
        image = Image.fromarray(
            whole.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
        )
        wide = width or 1800 // columns
        images.append(
            image.resize((wide, image.height * wide // image.width), Image.Resampling.BOX)
        )
    high = max(image.height for image in images)
    wide = images[0].width
    rows = -(-len(images) // columns)
    whole_sheet = Image.new("RGB", (columns * (wide + 8), rows * (high + 8)), (40, 40, 40))
    for k, image in enumerate(images):
        whole_sheet.paste(image, (k % columns * (wide + 8), k // columns * (high + 8)))
    return whole_sheet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
