"""Read the figures of a text as each language writes them: 1,234.5, 1.234,5, 1 234,5, 3億."""

import re
from functools import cache
from itertools import pairwise

from tools.render.shots.reading.changes import find_changes, spans
from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.lexicon import Lexicon, lexicon
from tools.render.shots.reading.signs import MONEY, Sign, sign_of

MOST_FIGURES = 4000
_MARKS = rf"(?:(?:US|[ACR]|NZ|HK|CA|AU)\$|[{MONEY}]|(?:USD|EUR|GBP|CHF)\b)\s?|百分之"
_SUFFIXES = {"k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "B": 1e9, "bn": 1e9, "Bn": 1e9, "tn": 1e12}
_ORDINALS = ("st", "nd", "rd", "th")
_CJK_SCALES = {
    "千": 1e3,
    "万": 1e4,
    "萬": 1e4,
    "億": 1e8,
    "亿": 1e8,
    "兆": 1e12,
    "천": 1e3,
    "만": 1e4,
    "억": 1e8,
    "조": 1e12,
}
_FIRST_SPACELESS = 0x0590  # Hebrew and all scripts behind it join words to figures
_NO_BREAK = "\u00a0\u202f\u2009"
_YEAR_SIGNS = ("年", "년")


def find_figures(text: str, words: Lexicon) -> tuple[Figure, ...]:
    """Return the figures of `text` in order; ages, times, versions and ranges are none."""
    found: list[Figure] = []
    for match in _pattern(words.code).finditer(text):
        if len(found) == MOST_FIGURES:
            break
        sign = sign_of(text, match.start(), words)
        if not _stands_alone(text, sign.start, match.end()):
            continue
        figure = _figure(match, words, sign)
        # "-5" alone may be a number's name or an entry of a list, "negative 5 times" is no number.
        signed = (
            _measures(text, match, figure, words) if sign.spelled else figure.unit + figure.scale
        )
        if signed or not sign.minus:
            found.append(figure)
    return tuple(_without_ranges(text, found, words))


def _measures(text: str, match: re.Match[str], figure: Figure, words: Lexicon) -> bool:
    """Tell whether a figure may be below zero: degrees, percent, money, millions."""
    money = figure.unit in words.money.values() or bool(match["money"] or match["mark"])
    degrees = figure.unit.startswith(("°", "℃", "℉")) or figure.unit in words.degrees
    degrees = degrees or text[figure.end :].lstrip(" -" + _NO_BREAK).startswith(words.degrees)
    return figure.unit == "%" or money or degrees or _factor(match, words) > 1


def _without_ranges(text: str, found: list[Figure], words: Lexicon) -> list[Figure]:
    """Return figures without the ends of "between 36 and 40" and "300 to 400 million".

    Neither end says alone what is meant. "Fell from 71 to 52" is no range.
    """
    ends: set[int] = set()
    moved = {one.start for change in find_changes(text, found, words) for one in change.figures}
    for one, other in pairwise(found):
        joined = spans(text, one, other, words)
        fuller = other.scale.startswith((*words.scales, *_CJK_SCALES))
        less = not one.scale and (fuller or not (one.unit and other.unit))
        since = text[one.end : other.start].strip() in words.sinces  # "7歳から9歳"
        if ((joined and less) or since) and not (one.year or other.year):
            ends |= {one.start, other.start}
    return [figure for figure in found if figure.start not in ends - moved]


@cache
def _pattern(code: str) -> re.Pattern[str]:
    words = lexicon(code)
    if words.decimal_comma:
        group, decimal = rf"[.٬'’ {_NO_BREAK}]", r"(?:[,٫]\d+|\.\d{1,2}(?!\d))"  # noqa: RUF001
    else:
        group, decimal = rf"[,٬'’{_NO_BREAK}]", r"[.٫]\d+"  # noqa: RUF001
    grouped = rf"\d{{1,3}}(?P<group>{group})\d{{3}}(?:(?P=group)\d{{3}})*(?!\d)"
    indian = r"\d{1,2}(?:,\d\d)+,\d{3}(?!\d)"
    compound = r"\d[\d,]*(?:\.\d+)?[兆億亿万萬千조억만천]+(?:\s?\d[\d,]*[兆億亿万萬千조억만천]*)+"
    numeral = _either(list(words.numerals), spaced=True)
    ties = rf"(?i:(?<!\w)(?:{numeral})(?:[- ](?:{numeral}))?(?![\w-]))"
    one = rf"(?:{indian}|{grouped}|\d+)(?:{decimal})?"
    gap = rf"[ {_NO_BREAK}]?"
    scales = _either([*words.scales, *_CJK_SCALES], spaced=words.spaced)
    percent = "|".join(["[%٪‰\uff05]", _either(list(words.percents), spaced=words.spaced)])
    money = "|".join([f"[{MONEY}]", _either(list(words.money), spaced=words.spaced)])
    counters = _either([*words.counters, *_YEAR_SIGNS], spaced=False)
    return re.compile(
        rf"(?P<mark>{_MARKS})?(?P<digits>{compound}|{one}|{ties})"
        rf"(?P<suffix>(?:[kKMBm]|[bB]n|tn)(?![^\W\d_])|(?:st|nd|rd|th)\b|\s?(?:°[CF]?|[℃℉]))?"
        rf"(?P<tail>(?:{gap}(?P<scale>{scales}))?"
        rf"(?:{gap}(?:de\s|di\s|d['’])?(?:(?P<percent>{percent})|(?P<money>{money})))?"  # noqa: RUF001
        rf"(?:{gap}(?P<counter>{counters}))?)"
    )


def _either(texts: list[str], *, spaced: bool) -> str:
    """Return a pattern for any of `texts`, the longest first; one that never matches for none."""
    if not texts:
        return r"(?!)"
    longest = sorted(texts, key=len, reverse=True)
    parts = [
        re.escape(text) + (r"(?!\w)" if spaced and text not in _CJK_SCALES else "")
        for text in longest
    ]
    return "|".join(parts)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a figure is no part of a word, a time, a version, a date or a range."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before:
        last = before[-1]
        if last in "-־" and ("\u0590" <= before[0] <= "\u05ff") and len(before) == 2:
            last = " "
        joined = last.isdigit() or (last.isalpha() and ord(last) < _FIRST_SPACELESS)
        pointed = last in ".,:" and (before[0].isdigit() or last == ".")
        if joined or pointed or last in "/-+#_–−":  # noqa: RUF001
            return False
    if not after:
        return True
    first = after[0]
    joined = first.isdigit() or (first.isalpha() and ord(first) < _FIRST_SPACELESS)
    return not (
        joined
        or first in "_/-–−"  # noqa: RUF001
        or (first in ".,:\u066b\u066c" and after[1:].isdigit())
    )


def _figure(match: re.Match[str], words: Lexicon, sign: Sign) -> Figure:
    digits, tail = match["digits"], match["tail"]
    symbol = match["percent"] or match["money"] or ""
    in_value = bool(symbol) and not symbol[0].isalpha() and not match["scale"]
    stop = match.end() if in_value and not match["counter"] else match.start("tail")
    if in_value and match["counter"]:
        stop = match.end("percent") if match["percent"] else match.end("money")
    scale = match.string[stop : match.end()].strip()
    unit = _unit(match, words)
    if _is_year(match, unit, tail):
        unit = "year"
    amount = _amount(digits, words) * _factor(match, words)
    return Figure(
        sign.start,
        match.end(),
        match.string[sign.start : stop].strip(),
        scale,
        -amount if sign.minus else amount,
        unit,
        plain=(match["suffix"] or "") not in _ORDINALS,
    )


def _unit(match: re.Match[str], words: Lexicon) -> str:
    mark = (match["mark"] or "").strip()
    if match["percent"] or mark == "百分之":
        return "%"
    if mark:
        return mark
    if match["money"]:
        return words.money.get(match["money"], match["money"])
    suffix = (match["suffix"] or "").strip()
    if suffix.startswith(("°", "℃", "℉")):
        return suffix
    counter = match["counter"] or ""
    return words.money.get(counter, counter)


def _is_year(match: re.Match[str], unit: str, tail: str) -> bool:
    if unit in _YEAR_SIGNS:
        return len(match["digits"]) == 4
    plain = not (unit or tail.strip() or match["suffix"])
    return plain and re.fullmatch(r"(?:1[5-9]|20)\d\d", match["digits"]) is not None


def _factor(match: re.Match[str], words: Lexicon) -> float:
    scale = match["scale"] or ""
    known = words.scales.get(scale, _CJK_SCALES.get(scale, 1.0))
    return known * _SUFFIXES.get(match["suffix"] or "", 1.0)


def _amount(digits: str, words: Lexicon) -> float:
    """Return what written digits are worth."""
    if digits[0].isalpha():
        return sum(words.numerals.get(part.lower(), 0.0) for part in re.split("[- ]", digits))
    total, number = 0.0, ""
    if any(char in _CJK_SCALES for char in digits):
        for char in digits.replace(" ", ""):
            if char in _CJK_SCALES:
                total += float(number or "1") * _CJK_SCALES[char]
                number = ""
            elif char != ",":
                number += char
        return total + float(number or "0")
    point = re.search(r"[,\u066b](\d+)$" if words.decimal_comma else r"[.\u066b](\d+)$", digits)
    if words.decimal_comma and point is None:
        point = re.search(r"\.(\d{1,2})$", digits)
    whole = digits[: point.start()] if point else digits
    plain = re.sub(r"\D", "", whole)
    return float(f"{plain}.{point[1]}" if point else plain)
