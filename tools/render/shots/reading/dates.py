"""Find the dates of a text: years, months, days, as fifteen languages write them."""

import re
from dataclasses import dataclass
from functools import cache

from tools.render.shots.reading.lexicon import Lexicon, lexicon, month_numbers

_YEAR = r"(?:1[0-9]|20)\d\d"
_CJK = (
    rf"(?P<y2>{_YEAR})\s?[年년](?:\s?(?P<m2>\d{{1,2}})\s?[月월](?:\s?(?P<d2>\d{{1,2}})\s?[日일])?)?"
    r"|(?P<m3>\d{1,2})\s?[月월]\s?(?P<d3>\d{1,2})\s?[日일]"
)
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![\w.,:/\-$€£¥+#])", r"(?![\w%/\-–]|[.,:]\d|\s?[%€°])"  # noqa: RUF001
_BUDDHIST = r"(?:พ\.ศ\.|ค\.ศ\.)\s?(?P<y4>\d{4})"


@dataclass(frozen=True, slots=True)
class When:
    """A date between `start` and `end` of its text; `key` is (year, month, day), 0 for unsaid."""

    start: int
    end: int
    key: tuple[int, int, int]


def find_dates(text: str, words: Lexicon) -> tuple[When, ...]:
    """Return the dates of `text` in order; a month alone is one only behind a preposition."""
    found = []
    for match in _pattern(words.code).finditer(text):
        when = _when(match, words)
        if when.key[1] and not when.key[0] and not when.key[2]:
            before = text[: match.start()].split()
            if not before or before[-1].lower() not in words.within:
                continue
        found.append(when)
    return tuple(found)


@cache
def _pattern(code: str) -> re.Pattern[str]:
    words = lexicon(code)
    year = rf"{_EDGE_BEFORE}(?P<y0>{_YEAR}){_EDGE_AFTER}"
    if not words.months:
        return re.compile("|".join([_CJK, _BUDDHIST, year]))
    months = "|".join(
        re.escape(name) for name in sorted(month_numbers(code), key=len, reverse=True)
    )
    of = r"(?:\s|\sde\s|\sdel\s)"
    written = (
        rf"(?:(?<![\w.,])(?P<d0>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?{of})?"
        rf"(?<!\w)(?P<month>{months})(?!\w)\.?"
        rf"(?:\s(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:]|[.,]\d))?"
        rf"(?:,?{of}(?P<y1>{_YEAR})(?!\w))?"
    )
    return re.compile("|".join([_CJK, _BUDDHIST, written, year]))


def _when(match: re.Match[str], words: Lexicon) -> When:
    group = match.groupdict()

    def number(*names: str) -> int:
        return next((int(group[name]) for name in names if group.get(name)), 0)

    month = number("m2", "m3") or month_numbers(words.code).get(group.get("month") or "", 0)
    key = (number("y0", "y1", "y2", "y4"), month, number("d0", "d1", "d2", "d3"))
    return When(match.start(), match.end(), key)
