"""Find what went from one figure to another: "from 71 % to 52 %", "von 71 auf 52 Prozent"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.lexicon import Lexicon, lexicon
from tools.render.shots.reading.senses import has_any
from tools.render.shots.reading.tokens import CLAUSE_MARKS

MOST_BETWEEN = 60
NEAR_WORDS = 3
"""Among so many words before "from 71 to 52" stands the one that says that it moved."""
_BEHIND = frozenset({"de", "ja", "ko"})
"""Languages whose verb may stand behind both figures."""
_AMID = frozenset({"hi", "th", "zh"})
"""Languages whose verb may stand between the figures, but not behind them in a change."""
_CLAUSE_END = re.compile(rf"[{re.escape(CLAUSE_MARKS)}](?!\d)")


@dataclass(frozen=True, slots=True)
class Change:
    """Two figures of a text, in its order, of which one became the other.

    `start` is where the words before the first one begin that belong to it ("from"). `moves` says
    that its clause speaks of rising or falling: else it may be a span ("prices from 5 to 7 euros").
    `backwards` says that the first one is the result: "to 52 % from 71 %".
    """

    start: int
    first: Figure
    last: Figure
    moves: bool = True
    backwards: bool = False

    @property
    def figures(self) -> tuple[Figure, Figure]:
        """Both figures."""
        return self.first, self.last

    @property
    def past(self) -> Figure:
        """The figure that was; alone it would say the opposite of the news."""
        return self.last if self.backwards else self.first

    @property
    def result(self) -> Figure:
        """The figure that is."""
        return self.first if self.backwards else self.last


def find_changes(text: str, figures: Sequence[Figure], words: Lexicon) -> tuple[Change, ...]:
    """Return the changes that a text tells of; a range ("5 to 7 people") is none."""
    counted = [figure for figure in figures if figure.plain and not figure.year]
    return tuple(_changes(text, counted, words)) if len(counted) > 1 else ()


def _changes(text: str, figures: Sequence[Figure], words: Lexicon) -> Iterator[Change]:
    for first, last in pairwise(figures):
        between = text[first.end : last.start]
        alike = first.unit == last.unit
        if not (alike or not (first.unit or first.scale)) or len(between) > MOST_BETWEEN:
            continue
        change = _change(text, first, last, words)
        # "from 45 % to 60 %" may be shown whole even where nothing moved.
        if change and (change.moves or (alike and first.unit and not change.backwards)):
            yield change


def _change(text: str, first: Figure, last: Figure, words: Lexicon) -> Change | None:
    """Return what two figures tell of, with whether they move; None where no words join them."""
    patterns = _patterns(words.code)
    between = text[first.end : last.start]
    near = max(0, first.start - MOST_BETWEEN)
    before = text[near : first.start]
    if (at := patterns.of.search(before)) and patterns.to.search(between):
        start = near + at.start()
        return Change(start, first, last, _moves(text, start, last, words))
    if patterns.since.fullmatch(between):
        became = not words.intos or text[last.end :].lstrip().startswith(words.intos)
        moves = became and _moves(text, first.start, last, words)
        return Change(first.start, first, last) if moves else None
    if (at := patterns.to.search(before)) and patterns.of.search(between):
        start = near + at.start()
        return Change(start, first, last, _moves(text, start, last, words), backwards=True)
    return None


def _moves(text: str, start: int, last: Figure, words: Lexicon) -> bool:
    """Tell whether the clause of "from 71 to 52", which begins at `start`, says that it moved."""
    clause = _CLAUSE_END.split(text[max(0, start - MOST_BETWEEN) : start])[-1]
    if words.code in _BEHIND:
        after = _CLAUSE_END.split(text[last.end : last.end + MOST_BETWEEN], maxsplit=1)[0]
        clause += text[start : last.start] + after
    elif words.code in _AMID:
        clause += text[start : last.start]
    else:
        clause = " ".join(clause.split()[-NEAR_WORDS:])
    return has_any(clause, (words.rises | words.falls) - words.states, words)


def spans(text: str, one: Figure, other: Figure, words: Lexicon) -> bool:
    """Tell whether two figures are the ends of a range: "5 to 7", "from 5 up to 7"."""
    between = text[one.end : other.start]
    if between.strip().lower() in words.tos:
        return True
    patterns = _patterns(words.code)
    before = text[max(0, one.start - MOST_BETWEEN) : one.start]
    return bool(patterns.of.search(before) and patterns.to.fullmatch(between.lstrip()))


def told_whole(change: Change, text: str, most: int) -> bool:
    """Tell whether all the words of a change fit `most` characters and are of one clause."""
    said = text[change.start : change.last.start]
    between = text[change.first.end : change.last.start]
    return len(said.strip()) <= most and not any(mark in CLAUSE_MARKS for mark in between)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What stands right before the figure that was, right before the result, and right behind."""

    of: re.Pattern[str]
    to: re.Pattern[str]
    since: re.Pattern[str]


@cache
def _patterns(code: str) -> _Patterns:
    words = lexicon(code)
    edge = r"(?<!\w)" if words.spaced else ""
    small = _either((*words.articles, *words.leads))
    # "from about 71 % to just 52 %"
    aside = rf"(?:\s+(?:{small})){{0,2}}" if words.spaced else rf"(?:{small})?"

    def ending(texts: tuple[str, ...]) -> re.Pattern[str]:
        return re.compile(rf"{edge}(?:{_either(texts)}){aside}\s*$", re.IGNORECASE)

    since = re.compile(rf"\s*(?:{_either(words.sinces)})\s*(?:[^\s\d]{{1,10}}\s*)?")
    return _Patterns(ending(words.froms), ending(words.intos), since)


def _either(texts: Sequence[str]) -> str:
    longest = sorted(texts, key=len, reverse=True)
    return "|".join(re.escape(text) for text in longest) or r"(?!)"
