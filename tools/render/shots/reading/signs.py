"""Tell a figure's sign: "–$5", "−5 %", "minus 5 °C", "零下7℃", and what merely looks like one."""  # noqa: RUF002

import re
from dataclasses import dataclass
from functools import cache

from tools.render.shots.reading.lexicon import Lexicon, lexicon

MINUSES = "-\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
"""Everything that is written for a minus, a hyphen and a short dash among them."""
DASHES = MINUSES + "\u2014\u2015"
_MINUS = "\u2212"  # means nothing else: it may stand apart from its figure
_DIRECTIONS = "\u200e\u200f\u061c"
_OPENINGS = "([{\u00ab\u201e\u201c\u2018\"'\uff08\u300c\u300e\uff1a:"
_RANGE = re.compile(r"\d[%\uff05\u066a\u2030]?[^\W\d]{0,4}\s?$")
"""A figure right before a dash: "3 -5" and "5\u4e07-8\u4e07" are ranges."""
_UNKNOWN_MONEY = re.compile(rf"(?:^|[\s(])[{DASHES}][^\W\d_]{{1,4}}[.$]?\s?$")
_OTHER = re.compile(
    r"(?:\d\S{0,3}(?:\s[%€]|\s°\w?)?|\b(?:plus|más|più|mais|плюс|συν)\b\W*\w{0,4}|プラス|플러스)[\s/,・-]*$",  # noqa: RUF001
    re.IGNORECASE,
)
"""Before a spelled minus that is no sign: "10 minus 5", "plus or minus 3 percent"."""
_PERCENT_FIRST = "%\u066a\uff05"
MOST_BEFORE_CHARS, MOST_UNDER_CHARS = 60, 60
MONEY = "$€£¥₹₽₪฿₩₺₴"


@dataclass(frozen=True, slots=True)
class Sign:
    """Where a figure starts with its sign; `spelled` says that it is a word ("minus")."""

    start: int
    minus: bool = False
    spelled: bool = False


def sign_of(text: str, start: int, words: Lexicon) -> Sign:
    """Return the sign that surely belongs to the figure at `start`; there may be none."""
    near = max(0, start - MOST_BEFORE_CHARS)
    before = text[near:start].rstrip(_DIRECTIONS)
    if before.rstrip().endswith(_MINUS):
        before = before.rstrip()
    if before.endswith(tuple(MINUSES)):
        at = len(before) - 1
        return (
            Sign(near + at, minus=True) if _free(before[:at].rstrip(_DIRECTIONS)) else Sign(start)
        )
    spelled = _spelled(words.code).search(before)
    if spelled is None or _OTHER.search(before[: spelled.start()]):
        return Sign(start)
    return Sign(near + spelled.start(), minus=True, spelled=True)


def unsure(text: str, start: int, end: int, words: Lexicon) -> bool:
    """Tell whether a figure without a sign of its own may be below zero all the same.

    Its dash stands apart, its minus is a word that also means "less", it is in brackets, its
    currency is unknown ("-SEK 5"), or the words behind it say so ("5 degrees below zero").
    """
    before = (
        text[max(0, start - MOST_BEFORE_CHARS) : start]
        .rstrip()
        .rstrip(_DIRECTIONS + _PERCENT_FIRST)
    )
    if before.endswith((*DASHES, "±", "~")):
        hebrew = "\u0590" <= before[-2:-1] <= "\u05ff"  # a prefix: "כ-30"
        return not hebrew
    if before.endswith(("(", "\uff08")) and text[end:].lstrip().startswith((")", "\uff09")):
        return True
    if _UNKNOWN_MONEY.search(before) or under(text, end, words) > end:
        return True
    if not words.spaced:
        return before.endswith(tuple(words.minus))
    if before.lower().endswith(tuple(lead for lead in words.leads if " " in lead)):
        return False  # "au moins 300"
    last = re.search(r"[^\W\d_]+$", before)
    if last is not None and words.code == "he":
        return last[0].endswith(tuple(words.minus))  # with a prefix: "למינוס"
    return last is not None and last[0].lower() in words.minus


def under(text: str, end: int, words: Lexicon) -> int:
    """Return where the words end that put the figure before `end` below zero, else `end`."""
    found = _under(words.code).match(text[end : end + MOST_UNDER_CHARS])
    return end + found.end() if found else end


def begins_figure(text: str, words: Lexicon) -> bool:
    """Tell whether a text begins with a figure: a digit, a currency's sign, a number word."""
    first = text[:1]
    if first and (first.isdigit() or first in MONEY + _PERCENT_FIRST):
        return True
    word = re.match(r"[^\W\d_]+", text)
    money = re.match(r"[A-Z]{1,3}[$ ]?\d", text)
    return money is not None or (word is not None and word[0].lower() in words.numerals)


def _free(before: str) -> bool:
    """Tell whether a minus may follow on `before`: it is no hyphen, no dash and no range there."""
    if _RANGE.search(before):
        return False
    last = before[-1:]
    unspaced = "\u0e00" <= last <= "\u0e7f" or last >= "\u2e80"
    return not last or last.isspace() or last in _OPENINGS or unspaced


@cache
def _spelled(code: str) -> re.Pattern[str]:
    words = lexicon(code)
    either = _either(words.signs)
    edge = r"(?<![\w-])" if words.spaced else ""
    return re.compile(rf"{edge}(?:{either})\s?$", re.IGNORECASE)


@cache
def _under(code: str) -> re.Pattern[str]:
    words = lexicon(code)
    return re.compile(rf"\s*(?:[^\s\d,.;:!?]+\s+){{0,2}}(?:{_either(words.unders)})", re.IGNORECASE)


def _either(texts: tuple[str, ...]) -> str:
    return "|".join(re.escape(text) for text in texts) or r"(?!)"
