"""A typeface that sets every script: measures lines, draws them, breaks them, fits them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from bookai.errors import Refused
from tools.render.sprites import Mask
from tools.render.type import fitting
from tools.render.type.bidi import has_rtl, reads_from_right
from tools.render.type.clusters import clusters
from tools.render.type.fonts import MEND, han_family, load, path_of, script
from tools.render.type.runs import Run, cut_runs, font_for
from tools.render.type.style import DROP, RISE, Ink, Setting, Style

MOST_MARKS = 6
_APOSTROPHE = re.compile(r"(?<=[^\W\d])'(?=[^\W\d])")
"""What a typist writes for the mark in "don't"."""
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
"""Latin letters and digits as wide as Chinese ones: a habit of old typewriters."""
_JOINERS = "\u200c\u200d\u200e\u200f"
"""Invisible, but they shape Persian and Indian words and order mixed ones."""
_EMOJI = re.compile("\u200d[\u2190-\u2bff]|[\u2190-\u2bff]\ufe0f")
"""Signs that are letters elsewhere, here as parts of a coloured picture."""
_LOOSE = re.compile(rf"(?<!\S)[{_JOINERS}]+|[{_JOINERS}]+(?!\S)")
"""What is left of them where the emoji that they joined is left out."""


@dataclass(frozen=True)
class Typeface:
    """The shipped fonts, each script in its own; `path` is the operator's, used where it can be.

    `language` (a tag such as "ja" or "zh-TW") decides between regional forms of Han letters and
    how text without spaces is broken.
    """

    path: str = ""
    language: str = ""

    def font(self, style: Style) -> ImageFont.FreeTypeFont:
        """Return the first font in a size and weight: the operator's, else that of Latin letters.

        Raises:
            OperatorNeeded: the configured file is no font.
        """
        return load(self.path or path_of("Latin"), style.size, style.weight)

    def runs(self, text: str, style: Style) -> tuple[Run, ...]:
        """Return the pieces that a line is set in, from left to right."""
        return cut_runs(text, self.path, self.language, style.rtl or self.rtl(text))

    def rtl(self, text: str) -> bool:
        """Tell whether a line reads from the right."""
        return reads_from_right(text, self.language)

    def files(self, text: str) -> tuple[str, ...]:
        """Return the paths of the font files that a text is set in, in their order there."""
        line = " ".join(text.split())
        runs = cut_runs(line, self.path, self.language, self.rtl(line))
        return tuple(dict.fromkeys(run.path for run in runs))

    def width(self, text: str, style: Style) -> float:
        """Return the advance of a line of text in pixels."""
        wide = sum(run.advance(style.size, style.weight) for run in self.runs(text, style))
        return wide + self._track(text, style) * len(text)

    def rise(self, style: Style) -> int:
        """Return the height above the baseline that any letter with its marks needs."""
        return round(style.size * RISE)

    def line_height(self, style: Style) -> int:
        """Return the height of one line's mask: above and below the baseline."""
        return self.rise(style) + round(style.size * DROP)

    def bearing(self, text: str, style: Style) -> int:
        """Return the empty pixels left of the first letter's ink: large type is pulled by them."""
        return max(0, self.ink(text, style).left)

    def ink(self, text: str, style: Style) -> Ink:
        """Return the box of a line's drawn pixels, without tracking."""
        x, boxes = 0.0, []
        for run in self.runs(text, style):
            left, top, right, bottom = run.box(style.size, style.weight)
            boxes.append((x + left, top, x + right, bottom))
            x += run.advance(style.size, style.weight)
        if not boxes:
            return Ink(0, 0, 0, 0)
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return Ink(
            int(np.floor(min(lefts))),
            int(min(tops)),
            int(np.ceil(max(rights))),
            int(max(bottoms)),
        )

    def mask(self, text: str, style: Style, *, pad: int = 0) -> Mask:
        """Return the cover of one line: `line_height` high, its baseline at `rise`, even sizes.

        `pad` pixels are left free at the left and the right.
        """
        ink, tracked = self.ink(text, style), self._track(text, style)
        wide = max(ink.right, self.width(text, style)) - min(0, ink.left) + 2 * pad
        image = Image.new("L", (_even(int(wide) + 2), _even(self.line_height(style))))
        draw = ImageDraw.Draw(image)
        x, y = float(pad - min(0, ink.left)), float(self.rise(style))
        for run in self.runs(text, style):
            if tracked:
                font = run.font(style.size, style.weight)
                _draw_tracked(draw, (x, y), run.text, font, tracked)
            else:
                run.draw(draw, (x, y), style.size, style.weight)
            x += run.advance(style.size, style.weight) + tracked * len(run.text)
        return np.asarray(image, np.float32) / np.float32(255)

    def _track(self, text: str, style: Style) -> float:
        # Letters of a joined or reordered script must not be set one by one.
        simple = not style.rtl and all(
            ord(letter) < 0x590 and not unicodedata.combining(letter) for letter in text
        )
        return style.tracking * style.size / 1000 if simple else 0.0

    def clean(self, text: str) -> str:
        """Return the text as it can be shown: emoji and unknown signs are left out.

        Raises:
            Refused: no font has some letters of the text; the message names the script.
            OperatorNeeded: the package with a script's font is not installed.
        """
        text = _EMOJI.sub("", _WIDE.sub(_narrow, unicodedata.normalize("NFC", text)))
        known: list[str] = []
        marks = 0
        for letter in text:
            kind = unicodedata.category(letter)
            marks = marks + 1 if kind in ("Mn", "Me") else 0
            if letter.isspace() or kind in {"Cc", "Zl", "Zp"}:
                known.append(" ")
            elif kind == "Cf":
                known += letter if letter in _JOINERS else ""
            elif marks > MOST_MARKS:
                continue  # a pile of marks that no language writes
            elif self.has(letter):
                known.append(letter)
            else:
                known += self._stand_in(letter)
        shown = " ".join(_LOOSE.sub("", "".join(known)).split())
        shown = _APOSTROPHE.sub("\u2019", shown)
        if has_rtl(shown) and not features.check("raqm"):
            raise Refused(
                f"This machine cannot set right-to-left text such as {shown[:24]!r}."
                " Install libraqm for Pillow: apt-get install libraqm0."
            )
        return shown

    def has(self, letter: str) -> bool:
        """Tell whether a font has a glyph for a letter."""
        return (
            font_for(letter, script(letter), han_family(letter, self.language), self.path)
            is not None
        )

    def _stand_in(self, letter: str) -> str:
        """Return what is shown for a letter that the fonts lack: its plain form, or nothing."""
        plain = unicodedata.normalize("NFKC", letter)
        if plain != letter and all(part == " " or self.has(part) for part in plain):
            return plain
        if unicodedata.category(letter)[0] in "LN" or unicodedata.category(letter) == "Mc":
            own = f" and {Path(self.path).name!r}" if self.path else ""
            raise Refused(
                f"The text has {_script_name(letter)} letters such as {letter!r}, which the"
                f" studio's own fonts{own} lack. {MEND}"
            )
        return ""

    def break_word(self, word: str, style: Style, room: float) -> list[str]:
        """Return the pieces of a word, each no wider than `room` pixels; no letter is broken."""
        pieces: list[str] = []
        letters = clusters(word)
        # Letters of these fonts are at least a tenth of the size wide: bounds the measuring.
        bound = max(1, int(room / style.size * 10))
        while letters:
            count = min(len(letters), bound)
            while count > 1 and (wide := self.width("".join(letters[:count]), style)) > room:
                count = max(1, min(count - 1, int(count * room / wide)))
            pieces.append("".join(letters[:count]))
            letters = letters[count:]
        return pieces

    def wrap(self, text: str, style: Style, room: float) -> list[str]:
        """Return lines no wider than `room`, as even in length as their number allows."""
        return fitting.wrap(self, text, style, room)

    def fit(
        self, text: str, weight: int, room: tuple[int, int], sizes: Sequence[int], leading: float
    ) -> Setting:
        """Return the text in the first of `sizes` (pixels, largest first) that fits `room`.

        Where even the last is too large the text ends in an ellipsis. The setting's style knows
        the direction of the whole text: lines of a right-to-left one stand at the right.
        """
        return fitting.fit(self, text, weight, fitting.Room(room[0], room[1], leading), sizes)


def _draw_tracked(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont,
    tracked: float,
) -> None:
    """Draw letters one by one, with the kerning between them and `tracked` pixels more."""
    for number, letter in enumerate(text):
        x = at[0] + font.getlength(text[: number + 1]) - font.getlength(letter)
        draw.text((x + tracked * number, at[1]), letter, 255, font, anchor="ls")


def _narrow(wide: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", wide.group())


def _even(number: int) -> int:
    return number + number % 2


def _script_name(letter: str) -> str:
    """Return a script's name for people, from the letter's Unicode name."""
    name = unicodedata.name(letter, "unknown")
    return "Chinese (Han)" if name.startswith("CJK") else name.split()[0].split("-")[0].title()
