"""Tell what turns a figure or a quotation round: a denial, a minus, a share, a rise with a fall."""

import re
from collections.abc import Sequence
from itertools import pairwise

from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.reading.signs import unsure
from tools.render.shots.reading.tokens import EDGES

VERB_LAST = frozenset({"de", "hi", "ja", "ko", "th", "zh"})
"""Languages whose "not" may stand behind what it denies."""
_ONE_IN = re.compile(r"\b(?:one|half) (?:in|(?:out )?of)(?: every| the)? $", re.IGNORECASE)
_NOT_ENDINGS = ("n't", "n\u2019t")


def has_any(text: str, found: frozenset[str], words: Lexicon) -> bool:
    """Tell whether one of the words stands in `text`, by itself where words stand apart."""
    lower = text.lower()
    if not words.spaced or words.code == "ko":
        return any(word in lower for word in found)
    pieces = {piece for one in lower.split() for piece in _pieces(one)}
    return not pieces.isdisjoint(found)


def _pieces(word: str) -> tuple[str, ...]:
    bare = word.strip(EDGES)
    return (bare, bare.replace("\u2019", "'"), *re.split(r"['\u2019-]", bare))


def denies(text: str, words: Lexicon) -> bool:
    """Tell whether a word of `text` denies or doubts; "no more than" doesn't."""
    lower = text.lower()
    for lead in words.leads:
        if " " in lead:
            lower = lower.replace(lead, " ")
    if words.code == "en" and any(one in lower for one in _NOT_ENDINGS):
        return True
    return has_any(lower, words.nots | words.denies, words)


def denied(text: str, at: int, words: Lexicon) -> bool:
    """Tell whether what stands at `at` may be denied by its sentence."""
    return denies(text if words.code in VERB_LAST else text[:at], words)


def signed(text: str, figure: Figure, words: Lexicon) -> bool:
    """Tell whether a figure is below zero, or may be."""
    return figure.amount < 0 or unsure(text, figure.start, figure.end, words)


def shared(text: str, figures: Sequence[Figure], words: Lexicon) -> set[int]:
    """Return where the figures start that are half of a share: "1 in 5", "9 out of 10"."""
    halves: set[int] = set()
    for one, other in pairwise(figures):
        between = text[one.end : other.start].strip().lower()
        if between in words.shares and not (one.unit or other.year):
            halves |= {one.start, other.start}
    for figure in figures:
        if words.code == "en" and _ONE_IN.search(text[: figure.start]) and not figure.year:
            halves.add(figure.start)
    return halves


def turns(text: str, words: Lexicon) -> bool:
    """Tell whether a text speaks of rising and of falling (or of gain and of loss)."""
    return has_any(text, words.rises, words) and has_any(text, words.falls, words)
