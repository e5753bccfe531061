"""How a language writes its numbers, and how the engine wants to read them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# What the engine reads, or words.
Figure = str


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """`decimal` is the mark before a fraction; the other one of "." and "," groups thousands.

    `words` turns a number (digits with "." before a fraction) into what the engine reads, where
    digits alone would be read wrong. `slavic` counts one, few and many.
    """

    decimal: str
    words: Callable[[str], Figure] | None = None
    slavic: bool = False

    @property
    def pattern(self) -> str:
        """A regular expression for one number as it is written."""
        group = re.escape("," if self.decimal == "." else ".")
        mark = re.escape(self.decimal)
        # 1,234,567 is one number also where a comma stands before fractions.
        foreign = rf"\d{{1,3}}(?:{mark}\d{{3}}){{2,}}"
        grouped = rf"\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}(?:{mark}\d+)?"
        return rf"(?:{foreign}|{grouped}|\d+(?:[.,]\d+)?)"

    def plain(self, written: str) -> str:
        """Return the number with "." before its fraction and nothing else but digits."""
        group = "," if self.decimal == "." else "."
        if re.fullmatch(rf"\d+\{group}\d{{1,2}}", written):
            return written.replace(group, ".")  # 3.5 in a text that writes 3,5
        if written.count(self.decimal) > 1:
            return written.replace(self.decimal, "")
        return written.replace(group, "").replace(self.decimal, ".")

    def value(self, written: str) -> float:
        """Return the number itself."""
        return float(self.plain(written))

    def say(self, written: str) -> Figure:
        """Return what the engine reads for a number as it is written."""
        plain = self.plain(written)
        return self.words(plain) if self.words else plain.replace(".", self.decimal)

    def form(self, written: str, forms: tuple[str, ...]) -> str:
        """Return the form of a word that follows this number."""
        whole, _, part = self.plain(written).partition(".")
        if not whole.isdecimal() or len(forms) == 1:
            return forms[-1]
        if not self.slavic or len(forms) == 2:
            return forms[0] if int(whole) == 1 and not part else forms[-1]
        if part:
            return forms[1]
        return forms[_slavic(int(whole))]


def _slavic(count: int) -> int:
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else 2
