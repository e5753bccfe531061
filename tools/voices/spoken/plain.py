"""What is said for a token in any language: the token itself, without what has no sound."""

# ruff: noqa: RUF001 (these are the characters that people type)

import re
import unicodedata
from collections.abc import Sequence

# Nobody listens to a word of 10,000 letters; it is shown in full and said in part.
LONGEST_WORD = 40

STOPS = ",.;:!?…،؛؟।。、，！？；："
_MARKUP = "<>[]{}*_|\\"
_DEGREES = str.maketrans({"℃": "°C", "℉": "°F"})
# A dash that stands where a number's sign does, behind what may open a token.
_SIGN = re.compile(r"([\"'(\[{“‘«‹„¿¡*_「『（《]*)[–−‒﹣－](?=\d)")
_SILENT_CATEGORIES = frozenset({"So", "Sk", "Cc", "Cs", "Co", "Cn"})


def clip(token: str) -> str:
    """Return the part of a token that is spoken: its end, with its stop, is kept when too long."""
    if len(token) <= LONGEST_WORD:
        return token
    stop = re.search(f"[{re.escape(STOPS)}]$", token)
    return token[:LONGEST_WORD] + (stop[0] if stop else "")


def plain_figures(token: str, before: str = "") -> str:
    """Return a token with its sign and its degrees as everyone writes them: -5°C.

    Behind a figure, which `before` ends with, a dash is no sign: it is of "2019 to 2021".
    """
    token = token.translate(_DEGREES)
    sign = None if before[-1:].isdigit() else _SIGN.match(token)
    return f"{sign[1]}-{token[sign.end() :]}" if sign else token


def plain_tokens(tokens: Sequence[str]) -> list[str]:
    """Return what is said for each token; "" for one that is only shown."""
    return [sounding(clip(token)) for token in tokens]


def sounding(token: str) -> str:
    """Return the token without the letters that no engine says, or reads as commands."""
    kept = " ".join("".join(_heard(letter) for letter in token).split())
    if any(letter.isalnum() for letter in kept):
        return kept
    return "," if token in ("—", "–") else ""


def _heard(letter: str) -> str:
    """Return a letter, or a space for what has no sound: it parts words all the same."""
    if "\U0001d400" <= letter <= "\U0001d7ff":
        return unicodedata.normalize("NFKC", letter)  # mathematical letters are worn as fashion
    silent = unicodedata.category(letter) in _SILENT_CATEGORIES or letter in _MARKUP
    return " " if silent else letter
