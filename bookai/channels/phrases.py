"""Phrases that a channel never says, however they are typed."""

import re
import unicodedata
from collections.abc import Iterable

_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")
_SPACE = re.compile(r"\s+")


def banned_in(text: str, phrases: Iterable[str]) -> str | None:
    """Return the first of these phrases that a text holds, or None.

    Case, width of letters, kinds of quotes, dashes and space make no difference.
    """
    plain = _plain(text)
    for phrase in phrases:
        wanted = _plain(phrase)
        if wanted and wanted in plain:
            return phrase
    return None


def _plain(text: str) -> str:
    same = unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES)
    return _SPACE.sub(" ", _DASHES.sub("-", same)).strip()
