"""Numbers as English words, the way a presenter says them."""

import re

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = (
    *("zero", "ten", "twenty", "thirty", "forty"),
    *("fifty", "sixty", "seventy", "eighty", "ninety"),
)
_SCALES = (
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (10**3, "thousand"),
    (100, "hundred"),
)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"


def cardinal(n: int) -> str:
    """Return 0 <= n < 10**15 in words: 1234 is "one thousand two hundred thirty four"."""
    if n < 20:
        return _SMALL[n]
    if n < 100:
        tens, ones = divmod(n, 10)
        return _TENS[tens] + (f" {_SMALL[ones]}" if ones else "")
    for size, name in _SCALES:
        if n >= size:
            many, rest = divmod(n, size)
            return f"{cardinal(many)} {name}" + (f" {cardinal(rest)}" if rest else "")
    raise AssertionError(n)


def ordinal(n: int) -> str:
    """Return n in words as a rank: 27 is "twenty seventh"."""
    *before, last = cardinal(n).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last += "th"
    return " ".join([*before, last])


def year(n: int) -> str:
    """Return a year: 1998 is "nineteen ninety eight", 2005 "two thousand five"."""
    century, rest = divmod(n, 100)
    if not 11 <= century <= 20 or 2000 <= n < 2010:
        return cardinal(n)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def plural(words: str) -> str:
    """Return the last word in the plural: "nineteen eighty" becomes "nineteen eighties"."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


def digits(text: str) -> str:
    """Return one word a digit."""
    return " ".join(_SMALL[int(digit)] for digit in text)


def number(text: str) -> str:
    """Return what `NUMBER` matched: "1,234.5" is "one thousand two hundred thirty four point five".

    A leading zero, or more digits than anyone says, is read digit by digit.
    """
    whole, _, part = text.replace(",", "").partition(".")
    said = digits(whole) if re.match("0[0-9]", whole) or len(whole) > 15 else cardinal(int(whole))
    return f"{said} point {digits(part)}" if part else said
