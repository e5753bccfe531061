"""The font files: which family sets which letters, and from which package it comes."""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from bookai.errors import OperatorNeeded

MEND = (
    "Set `font` in the [plugins.render_video] table of studio.toml to the path of a font file that"
    " has them and Latin letters, for example"
    ' font = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf".'
)


@dataclass(frozen=True, slots=True)
class Family:
    """A font of a package: `file` lies in the package's folder.

    `scale` sets it beside Latin capitals: scripts whose letters fill their square are set smaller,
    as are those whose marks would leave the line.
    """

    package: str
    file: str
    scale: float = 1.0


_RTL, _SOUTH = "justmytype-intl-rtl", "justmytype-intl-south-asia"
_SEA, _CJK = "justmytype-intl-sea", "justmytype-intl-cjk"
FAMILIES = {
    "Latin": Family("fontpkg-montserrat", "files/Montserrat[wght].ttf"),
    "Noto Sans": Family("fontpkg-noto-sans", "files/NotoSans[wdth,wght].ttf", 1.04),
    "Arabic": Family(_RTL, "fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf", 0.95),
    "Hebrew": Family(_RTL, "fonts/ofl/notosanshebrew/NotoSansHebrew[wdth,wght].ttf", 1.08),
    "Devanagari": Family(
        _SOUTH, "fonts/ofl/notosansdevanagari/NotoSansDevanagari[wdth,wght].ttf", 1.04
    ),
    "Bengali": Family(_SOUTH, "fonts/ofl/notosansbengali/NotoSansBengali[wdth,wght].ttf", 1.04),
    "Tamil": Family(_SOUTH, "fonts/ofl/notosanstamil/NotoSansTamil[wdth,wght].ttf", 0.92),
    "Telugu": Family(_SOUTH, "fonts/ofl/notosanstelugu/NotoSansTelugu[wdth,wght].ttf"),
    "Thai": Family(_SEA, "fonts/ofl/notosansthai/NotoSansThai[wdth,wght].ttf", 1.04),
    "Lao": Family(_SEA, "fonts/ofl/notosanslao/NotoSansLao[wdth,wght].ttf"),
    "Khmer": Family(_SEA, "fonts/ofl/notosanskhmer/NotoSansKhmer[wdth,wght].ttf", 0.86),
    "Myanmar": Family(_SEA, "fonts/ofl/notosansmyanmar/NotoSansMyanmar[wdth,wght].ttf", 0.9),
    "Japanese": Family(_CJK, "fonts/ofl/notosansjp/NotoSansJP[wght].ttf", 0.94),
    "Korean": Family(_CJK, "fonts/ofl/notosanskr/NotoSansKR[wght].ttf", 0.94),
    "Simplified Chinese": Family(_CJK, "fonts/ofl/notosanssc/NotoSansSC[wght].ttf", 0.94),
    "Traditional Chinese": Family(_CJK, "fonts/ofl/notosanstc/NotoSansTC[wght].ttf", 0.94),
}
SCRIPTS = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Telugu"),
    *("Thai", "Lao", "Khmer", "Myanmar", "Chinese", "Japanese", "Korean"),
)
"""What the shipped fonts set, for people to read."""
HAN = "Han"
CJK_FAMILIES = ("Simplified Chinese", "Japanese", "Traditional Chinese", "Korean")
# First and last code point of what a family's letters occupy; all else is "Latin" or of no script.
# Greek is none of Montserrat's, which has a few of its letters as mathematical signs.
_BLOCKS: tuple[tuple[int, int, str], ...] = (
    (0x0370, 0x03FF, "Noto Sans"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x0870, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x1000, 0x109F, "Myanmar"),
    (0x1100, 0x11FF, "Korean"),
    (0x1780, 0x17FF, "Khmer"),
    (0x19E0, 0x19FF, "Khmer"),
    (0x1CD0, 0x1CFF, "Devanagari"),
    (0x1F00, 0x1FFF, "Noto Sans"),
    (0x2E80, 0x303F, HAN),
    (0x3040, 0x30FF, "Japanese"),
    (0x3100, 0x312F, "Traditional Chinese"),
    (0x3130, 0x318F, "Korean"),
    (0x3190, 0x31EF, HAN),
    (0x31F0, 0x31FF, "Japanese"),
    (0x3200, 0x9FFF, HAN),
    (0xA8E0, 0xA8FF, "Devanagari"),
    (0xA960, 0xA97F, "Korean"),
    (0xA9E0, 0xA9FF, "Myanmar"),
    (0xAA60, 0xAA7F, "Myanmar"),
    (0xAC00, 0xD7FF, "Korean"),
    (0xF900, 0xFAFF, HAN),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE30, 0xFE4F, HAN),
    (0xFE70, 0xFEFC, "Arabic"),
    (0xFF00, 0xFFEF, HAN),
    (0x20000, 0x3FFFF, HAN),
)
_STARTS = tuple(first for first, _, _ in _BLOCKS)


def script(letter: str) -> str:
    """Return the family's name (or `HAN`) that a letter belongs to; "" for signs of all scripts.

    ASCII digits count as Latin: a number looks the same beside every script.
    """
    number = ord(letter)
    at = bisect_right(_STARTS, number) - 1
    if at >= 0 and number <= _BLOCKS[at][1]:
        return _BLOCKS[at][2]
    return "Latin" if unicodedata.category(letter)[0] in "LMN" else ""


def han_family(text: str, language: str) -> str:
    """Return which region's forms the Han letters of a text are set in."""
    tag = language.lower().replace("_", "-")
    if tag.startswith("zh"):
        far = ("hant", "tw", "hk", "mo")
        return CJK_FAMILIES[2 if any(part in far for part in tag.split("-")) else 0]
    if tag.startswith("ja"):
        return "Japanese"
    if tag.startswith("ko"):
        return "Korean"
    scripts = {script(letter) for letter in text}
    return next((name for name in ("Japanese", "Korean") if name in scripts), CJK_FAMILIES[0])


def candidates(name: str, han: str) -> tuple[str, ...]:
    """Return the families to try for letters of a script, best first; `han` is for Han letters."""
    if name == HAN:
        return (han, *(other for other in CJK_FAMILIES if other != han))
    if name in ("", "Latin"):
        return ("Latin", "Noto Sans", han) if name == "" else ("Latin", "Noto Sans")
    return (name, "Noto Sans") if name != "Noto Sans" else (name, "Latin")


@lru_cache(maxsize=32)
def path_of(name: str) -> str:
    """Return the path of a family's file.

    Raises:
        OperatorNeeded: its package is not installed whole.
    """
    return locate(name, FAMILIES[name])


def locate(name: str, family: Family) -> str:
    """Return the path of a family's file; `name` says whose letters it has.

    Raises:
        OperatorNeeded: its package is not installed whole.
    """
    found = find_spec(family.package.replace("-", "_"))
    folder = Path(found.origin).parent if found and found.origin else Path()
    if not (folder / family.file).is_file():
        raise OperatorNeeded(
            f"The font for {name} letters is missing: the package {family.package!r} is not"
            " installed.",
            mend=f"pip install {family.package}",
        )
    return str(folder / family.file)


def missing_families() -> dict[str, str]:
    """Return the families that cannot be used, each with the package that would bring it."""
    missing = {}
    for name, family in FAMILIES.items():
        try:
            path_of(name)
        except OperatorNeeded:
            missing[name] = family.package
    return missing


# A Chinese font takes more than a megabyte in every size that it is kept in.
@lru_cache(maxsize=48)
def load(path: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    """Return a font in a size (pixels) and weight.

    Raises:
        OperatorNeeded: the file is no font.
    """
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


@lru_cache(maxsize=16384)
def has_glyph(path: str, letter: str) -> bool:
    """Tell whether a font file has a glyph for a letter."""
    return letter.isspace() or bytes(_plain(path).getmask(letter)) != _missing(path)


@lru_cache(maxsize=32)
def _plain(path: str) -> ImageFont.FreeTypeFont:
    # Shaping would put a dotted circle under a lone mark, and so hide that the mark is missing.
    try:
        return ImageFont.truetype(path, 20, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise OperatorNeeded(f"The font {path!r} cannot be used: {error}.", mend=MEND) from error


@lru_cache(maxsize=32)
def _missing(path: str) -> bytes:
    # U+10FFFF is no character and never will be: every font draws its "missing" box for it.
    return bytes(_plain(path).getmask("\U0010ffff"))
