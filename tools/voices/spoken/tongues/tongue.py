"""What a language says for figures, units and money, and the one reader of them all.

The engine reads plain numbers right in every language, so only what it gets wrong is written out:
signs that come before the number, units, money, ranges, dates and abbreviations.
"""

# ruff: noqa: RUF001 (these are the characters that people type)

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tools.voices.spoken.tongues.numbers import Figure, NumberStyle

# One word; or one and many; or one, few and many as the Slavic languages have it.
Forms = tuple[str, ...]
_RANGE = "[-–—‑~〜～]"


@dataclass(frozen=True, slots=True)
class Place:
    """A token between its neighbours, without their stops; "" where there is none."""

    core: str
    before: str
    after: str


Special = Callable[[Place], str | None]


def _nothing_special(place: Place) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language. Keys of `words` are lower case; `pairs` are two tokens that abbreviate one.

    In `range_`, `percent`, `date` and `clock` the figures stand in braces.
    """

    numbers: NumberStyle
    units: Mapping[str, Forms]
    currencies: Mapping[str, Forms]
    months: tuple[str, ...]
    range_: str
    minus: str
    date: str
    clock: str
    percent: str
    scales: Mapping[str, Forms] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    # Money as "12 dollars" and not as one word after the other in unspaced writing.
    glue: str = " "
    # Between a million and its currency.
    of: str = ""
    special: Special = _nothing_special


def fold_digits(text: str) -> str:
    """Return the text with the digits and number signs of every script as ASCII ones."""
    return "".join(_FOLDED.get(letter) or _digit(letter) for letter in text)


_FOLDED = {"٫": ".", "٬": ",", "٪": "%", "％": "%", "．": ".", "＄": "$", "￥": "¥", "−": "-"}


def _digit(letter: str) -> str:
    if letter.isascii() or not letter.isdecimal():
        return letter
    return str(unicodedata.decimal(letter))


class Reader:
    """Reads tokens aloud in one language, one at a time."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        signs = "|".join(_longest_first(tongue.currencies))
        tails = "|".join(_longest_first([*tongue.units, *tongue.scales]))
        number = tongue.numbers.pattern
        self._money = re.compile(rf"({signs})({number})")
        self._figure = re.compile(
            r"(?<![\d.,])(?:"
            r"(?P<year>[12]\d{3})-(?P<month>0?[1-9]|1[0-2])-(?P<day>[0-3]?\d)(?!\d)"
            r"|(?P<dday>[0-3]?\d)[./](?P<dmonth>0?[1-9]|1[0-2])[./](?P<dyear>[12]\d{3})(?!\d)"
            r"|(?P<hour>[01]?\d|2[0-4])[:h](?P<minute>[0-5]\d)(?!\d)"
            rf"|(?P<before>{signs})\s?(?P<money>{number})\s?(?P<mscale>{tails})?"
            rf"|(?P<low>{number})\s?{_RANGE}\s?(?P<high>{number})\s?(?P<rtail>{tails}|{signs})?"
            rf"|(?P<sign>(?<!\w)[-+±~≈]\s?)?(?P<number>{number})"
            rf"(?:[\s-]?(?P<scale>{tails})(?![A-Za-z]))?(?:\s?(?P<after>{signs}))?"
            r")"
        )

    def read(self, place: Place) -> str:
        """Return what is said for a token without its stop."""
        tongue = self._tongue
        known = self.known(place)
        if known is not None:
            return known
        if place.before[-1:].isdigit():
            forms = self._tail(place.core)
            if forms:
                return tongue.numbers.form(place.before, forms)
        return self._figure.sub(self._say, place.core)

    def known(self, place: Place) -> str | None:
        """Return what is said for a token that stands in the tables, dot and all; else None."""
        said = self._tongue.words.get(place.core.lower())
        if said is None:
            said = self._tongue.special(place)
        if said is None and place.before[-1:].isdigit() and place.core.endswith("."):
            forms = self._tail(place.core)
            said = self._tongue.numbers.form(place.before, forms) if forms else None
        return said

    def pair(self, first: str, second: str) -> tuple[str, str] | None:
        """Return what is said for two tokens that are one abbreviation, such as "z. B."."""
        return self._tongue.pairs.get((first.lower(), second.lower()))

    @property
    def spaces(self) -> bool:
        """Whether spaces group the thousands of a number."""
        return self._tongue.numbers.decimal == ","

    def _tail(self, core: str) -> Forms | None:
        tongue = self._tongue
        for table in (tongue.units, tongue.scales, tongue.currencies):
            if core in table:
                return table[core]
        scale = tongue.scales.get(core[:-1])
        sign = tongue.currencies.get(core[-1:])
        return tuple(f"{form} {self._of(sign[-1])}" for form in scale) if scale and sign else None

    def _of(self, currency: str) -> str:
        """Return a currency as it follows a million: "de dólares"."""
        if self._tongue.of == "de" and currency.startswith("euros") and "Md" in self._tongue.scales:
            return f"d'{currency}"
        return f"{self._tongue.of} {currency}".strip()

    def split_money(self, core: str) -> tuple[str, str]:
        """Return sign and number of "$5"; two times "" for anything else."""
        found = self._money.fullmatch(core)
        return (found[1], found[2]) if found else ("", "")

    def follows_scale(self, core: str, before: str) -> str | None:
        """Return what is said for a currency's sign after a scale: "Mrd. $"."""
        forms = self._tongue.currencies.get(core)
        return self._of(forms[-1]) if forms and self.is_scale(before) else None

    def is_scale(self, core: str) -> bool:
        """Whether the token is a million, spelled or shortened."""
        scales = self._tongue.scales
        spelled = {form for forms in scales.values() for form in forms}
        return core in scales or f"{core}." in scales or core in spelled

    def is_sign(self, core: str) -> bool:
        """Whether the token is money's sign by itself."""
        return core in self._tongue.currencies

    def money(self, sign: str, number: str) -> str:
        """Return the currency's name as it follows `number`, or what `number` multiplies."""
        if self.is_scale(number):
            return self._of(self._tongue.currencies[sign][-1])
        return self._tongue.numbers.form(number, self._tongue.currencies[sign])

    def _say(self, found: re.Match[str]) -> str:
        tongue = self._tongue
        if found["year"]:
            return self._date(found["year"], found["month"], found["day"])
        if found["dday"]:
            return self._date(found["dyear"], found["dmonth"], found["dday"])
        if found["hour"]:
            minute = str(int(found["minute"])) if int(found["minute"]) else ""
            return tongue.clock.format(h=int(found["hour"]), m=minute).strip()
        if found["money"]:
            return self._amount("", found["money"], found["mscale"], found["before"])
        if found["low"]:
            low = tongue.numbers.say(found["low"])
            high = self._amount("", found["high"], found["rtail"], None)
            if tongue.numbers.value(found["low"]) >= tongue.numbers.value(found["high"]):
                return f"{low} {high}"  # a score, not a range
            return tongue.range_.format(a=low, b=high)
        return self._amount(found["sign"] or "", found["number"], found["scale"], found["after"])

    def _amount(self, sign: str, number: str, tail: str | None, currency: str | None) -> str:
        """Say a number with its scale or unit and its currency, in the order of speech."""
        tongue, glue = self._tongue, self._tongue.glue
        said: Figure = tongue.numbers.say(number)
        if tail == "%":
            said = tongue.percent.format(n=said)
        elif tail:
            forms = tongue.units.get(tail) or tongue.scales.get(tail) or tongue.currencies[tail]
            said = f"{said}{glue}{tongue.numbers.form(number, forms)}"
        if currency:
            many = tail is not None and tail in tongue.scales
            name = tongue.currencies[currency]
            named = self._of(name[-1]) if many else tongue.numbers.form(number, name)
            said = f"{said}{glue}{named}"
        return f"{tongue.minus} {said}" if sign.strip() == "-" else said

    def _date(self, year: str, month: str, day: str) -> str:
        tongue = self._tongue
        return tongue.date.format(d=int(day), m=tongue.months[int(month) - 1], y=year)


def _longest_first(keys: "Mapping[str, Forms] | list[str]") -> list[str]:
    return [re.escape(key) for key in sorted(keys, key=len, reverse=True)]
