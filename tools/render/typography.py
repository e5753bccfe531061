"""Set type: the shipped Montserrat in any weight, or the operator's own font file.

Pillow shapes with raqm (ligatures, kerning, right-to-left scripts); text never enters a filter
string, so no character of it can mean anything but itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import fontpkg_montserrat
import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from bookai.errors import OperatorNeeded, Refused
from tools.render.sprites import Mask

SHIPPED = Path(fontpkg_montserrat.ROOT) / "files" / "Montserrat[wght].ttf"
MEND = (
    "Set `font` in the [plugins.render_video] table of studio.toml to the path of a font file that"
    " has them and Latin letters, for example"
    ' font = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf".'
)
# What a typist writes for the mark in "don't".
_APOSTROPHE = re.compile(r"(?<=[^\W\d])'(?=[^\W\d])")
# Invisible, but they shape Persian and Indian words and order mixed ones.
_JOINERS = "\u200c\u200d\u200e\u200f"
MEDIUM, BOLD, HEAVY, BLACK = 550, 700, 800, 900


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set: pixels, weight (100 to 900) and tracking in thousandths of the size.

    `rtl` sets a piece of a right-to-left text, so that its marks stand on the proper side.
    """

    size: int
    weight: int
    tracking: int = 0
    rtl: bool = False

    @property
    def direction(self) -> str | None:
        """The direction for Pillow; None lets the text decide."""
        return "rtl" if self.rtl else None


@dataclass(frozen=True, slots=True)
class Setting:
    """Text that fits: its style and lines."""

    style: Style
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Typeface:
    """One font file; `path` None is the shipped one."""

    path: str = ""

    def font(self, style: Style) -> ImageFont.FreeTypeFont:
        """Return the font in a size and weight.

        Raises:
            OperatorNeeded: the configured file is no font.
        """
        return _load(self.path or str(SHIPPED), style.size, style.weight)

    def width(self, text: str, style: Style) -> float:
        """Return the advance of a line of text in pixels."""
        return self.font(style).getlength(text, direction=style.direction) + self._track(
            text, style
        ) * len(text)

    def rise(self, style: Style) -> int:
        """Return the height above the baseline that capitals with accents need."""
        return round(style.size * 1.04)

    def line_height(self, style: Style) -> int:
        """Return the height of one line's mask: above and below the baseline."""
        return self.rise(style) + round(style.size * 0.34)

    def bearing(self, text: str, style: Style) -> int:
        """Return the empty pixels left of the first letter's ink: large type is pulled by them."""
        return max(0, int(self.font(style).getbbox(text, anchor="ls")[0]))

    def mask(self, text: str, style: Style, *, pad: int = 0) -> Mask:
        """Return the cover of one line: `line_height` high, its baseline at `rise`, even sizes.

        `pad` pixels are left free at the left and the right.
        """
        font = self.font(style)
        left, _, right, _ = font.getbbox(text, anchor="ls", direction=style.direction)
        tracked = self._track(text, style)
        wide = max(right, self.width(text, style)) - min(0, left) + 2 * pad
        size = _even(int(wide) + 2), _even(self.line_height(style))
        image = Image.new("L", size)
        draw = ImageDraw.Draw(image)
        x, y = pad - min(0.0, left), float(self.rise(style))
        if not tracked:
            draw.text((x, y), text, 255, font, anchor="ls", direction=style.direction)
        for number, letter in enumerate(text if tracked else ""):
            at = font.getlength(text[: number + 1]) - font.getlength(letter)
            draw.text((x + at + tracked * number, y), letter, fill=255, font=font, anchor="ls")
        return np.asarray(image, np.float32) / np.float32(255)

    def _track(self, text: str, style: Style) -> float:
        # Letters of a joined or reordered script must not be set one by one.
        simple = not style.rtl and all(ord(letter) < 0x590 for letter in text)
        return style.tracking * style.size / 1000 if simple else 0.0

    def clean(self, text: str) -> str:
        """Return the text as it can be shown: emoji and unknown signs are left out.

        Raises:
            Refused: the font lacks letters of the text; the message names the script.
        """
        text = unicodedata.normalize("NFC", text)
        known = []
        for letter in text:
            if letter.isspace() or unicodedata.category(letter) in {"Cc", "Zl", "Zp"}:
                known.append(" ")
            elif unicodedata.category(letter) == "Cf":
                known += letter if letter in _JOINERS else ""
            elif self.has(letter):
                known.append(letter)
            else:
                known += self._stand_in(letter)
        shown = " ".join("".join(known).strip(_JOINERS).split())
        shown = _APOSTROPHE.sub("\u2019", shown)
        if _is_rtl(shown) and not features.check("raqm"):
            raise Refused(
                f"This machine cannot set right-to-left text such as {shown[:24]!r}."
                " Install libraqm for Pillow: apt-get install libraqm0."
            )
        return shown

    def has(self, letter: str) -> bool:
        """Tell whether the font has a glyph for a letter."""
        return _has_glyph(self.path or str(SHIPPED), letter)

    def _stand_in(self, letter: str) -> str:
        """Return what is shown for a letter that the font lacks: its plain form, or nothing."""
        plain = unicodedata.normalize("NFKC", letter)
        if plain != letter and all(self.has(part) for part in plain):
            return plain
        if unicodedata.category(letter)[0] in "LN" or unicodedata.category(letter) == "Mc":
            raise Refused(
                f"The text has {_script(letter)} letters such as {letter!r}, which the font"
                f" {Path(self.path or SHIPPED).name!r} lacks. {MEND}"
            )
        return ""

    def break_word(self, word: str, style: Style, room: float) -> list[str]:
        """Return the pieces of a word, each no wider than `room` pixels."""
        pieces: list[str] = []
        while word:
            count = len(word)
            # Letters of this font are at least a tenth of its size wide: bounds the measuring.
            count = min(count, max(1, int(room / style.size * 10)))
            while count > 1 and self.width(word[:count], style) > room:
                count = min(count - 1, int(count * room / self.width(word[:count], style)) or 1)
            pieces.append(word[:count])
            word = word[count:]
        return pieces

    def wrap(self, text: str, style: Style, room: float) -> list[str]:
        """Return lines no wider than `room`, as even in length as their number allows."""
        words = [p for word in text.split() for p in self.break_word(word, style, room)]
        lines = self._greedy(words, style, room)
        for narrower in np.linspace(0.5, 0.95, 10):
            tighter = self._greedy(words, style, room * float(narrower))
            fits = all(self.width(line, style) <= room for line in tighter)
            if len(tighter) == len(lines) and fits:
                return tighter
        return lines

    def _greedy(self, words: Sequence[str], style: Style, room: float) -> list[str]:
        lines: list[str] = []
        for word in words:
            if lines and self.width(f"{lines[-1]} {word}", style) <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def fit(
        self, text: str, weight: int, room: tuple[int, int], sizes: Sequence[int], leading: float
    ) -> Setting:
        """Return the text in the first of `sizes` (pixels, largest first) that fits `room`.

        Where even the last is too large the text ends in an ellipsis.
        """
        for size in sizes:
            style = Style(size, weight, -18 if size > 60 else 0)
            whole = all(self.width(word, style) <= room[0] for word in text.split())
            lines = self.wrap(text[:400], style, room[0]) if whole or size == sizes[-1] else []
            most = max(1, int(room[1] / (size * leading)))
            if whole and len(lines) <= most and len(text) <= 400:
                return self._without_widow(Setting(style, tuple(lines)), room[0])
        if len(lines) > most or len(text) > 400:
            lines = lines[:most]
            while lines[-1] and self.width(lines[-1] + "…", style) > room[0]:
                lines[-1] = lines[-1][:-1]
            lines[-1] = lines[-1].rstrip(" ,;:") + "…"
        return Setting(style, tuple(lines))

    def _without_widow(self, setting: Setting, room: int) -> Setting:
        """Return the text a little smaller where that saves a last line of one short word."""
        lines, style = setting.lines, setting.style
        widths = [self.width(line, style) for line in lines]
        if len(lines) < 3 or widths[-1] > 0.45 * max(widths):
            return setting
        for size in range(style.size - 2, round(style.size * 0.84), -2):
            smaller = Style(size, style.weight, style.tracking)
            tighter = self.wrap(" ".join(lines), smaller, room)
            if len(tighter) < len(lines):
                return Setting(smaller, tuple(tighter))
        return setting


def right_to_left(text: str) -> bool:
    """Tell whether a text reads from the right: its first strong letter decides."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def _is_rtl(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)


def _even(number: int) -> int:
    return number + number % 2


def _script(letter: str) -> str:
    """Return a script's name for people, from the letter's Unicode name."""
    name = unicodedata.name(letter, "unknown")
    return "Chinese (Han)" if name.startswith("CJK") else name.split()[0].split("-")[0].title()


@lru_cache(maxsize=256)
def _load(path: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    try:
        font = ImageFont.truetype(path, size)
    except OSError as error:
        raise OperatorNeeded(f"The font {path!r} cannot be used: {error}.", mend=MEND) from error
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font  # a static font has one weight only
    font.set_variation_by_axes(
        [weight if axis["name"] == b"Weight" else axis["default"] or 0 for axis in axes]
    )
    return font


@lru_cache(maxsize=8192)
def _has_glyph(path: str, letter: str) -> bool:
    font = _load(path, 40, BOLD)
    return bytes(font.getmask(letter)) != _missing(path) or letter.isspace()


@lru_cache(maxsize=8)
def _missing(path: str) -> bytes:
    # U+10FFFF is no character and never will be: every font draws its "missing" box for it.
    return bytes(_load(path, 40, BOLD).getmask("\U0010ffff"))
