"""A timeline: two to five dated moments of a sentence, in their order in time."""

import re
from collections.abc import Iterator, Sequence

from bookai.film.shots import Candidate, Event, TimelineShot
from tools.render.shots.reading.dates import When, find_dates
from tools.render.shots.reading.lexicon import CASELESS, Lexicon
from tools.render.shots.reading.tokens import CLAUSE_MARKS, bare, cut
from tools.render.shots.told import Told

LEAST_EVENTS, MOST_EVENTS = 2, 5
MOST_WHAT_CHARS, MOST_UNSPACED_CHARS, LEAST_WHAT_CHARS = 48, 20, 4
LEAST_LEFT_CHARS = 10
TWO, MORE = 0.72, 0.82


def find_timelines(told: Told) -> Iterator[Candidate]:
    """Yield the sentence's events where each one has a date and words of its own."""
    dates = [
        when
        for when in find_dates(told.text, told.words)
        if when.key[0] and (when.key[1] or _tells_when(told, when))
    ]
    if not LEAST_EVENTS <= len(dates) <= MOST_EVENTS:
        return
    if len({when.key for when in dates}) < len(dates):
        return
    events = []
    for number, when in enumerate(dates):
        start, end = _region(told.text, dates, number, told.words)
        what = _what(told.text, (start, when.start), (when.end, end), told.words)
        if len(what) < LEAST_WHAT_CHARS // (1 if told.words.spaced else 2):
            return
        shown = told.text[when.start : when.end]
        events.append((when.key, Event(when=shown, what=what, at=when.start)))
    if len({event.what for _, event in events}) < len(events):
        return
    ordered = tuple(event for _, event in sorted(events, key=lambda entry: entry[0]))
    score = MORE if len(events) > LEAST_EVENTS else TWO
    said = ", ".join(event.when for event in ordered)
    yield Candidate(
        shot=TimelineShot(events=ordered), score=score, why=f"{len(ordered)} dated events: {said}"
    )


def _tells_when(told: Told, when: When) -> bool:
    """Tell whether a year is a time and no part of a name: "in 2020", not "the 2020 census"."""
    if told.words.code in CASELESS | {"de"}:
        return True
    before = told.text[: when.start].lower().split()
    return bool(before) and before[-1] in {
        word for lead in (*told.words.leads, *told.words.within) for word in lead.split()[-1:]
    }


def _region(text: str, dates: Sequence[When], number: int, words: Lexicon) -> tuple[int, int]:
    """Return the part of the sentence that belongs to a date: up to the clause's end."""
    start = _border(text, dates[number - 1], dates[number], words) if number else 0
    last = number + 1 == len(dates)
    return start, len(text) if last else _border(text, dates[number], dates[number + 1], words)


def _border(text: str, one: When, other: When, words: Lexicon) -> int:
    """Return where one date's words end and the next one's begin."""
    between = text[one.end : other.start]
    marks = [at + 1 for at, char in enumerate(between) if char in CLAUSE_MARKS]
    if words.spaced and not marks:
        pattern = "|".join(re.escape(link) for link in sorted(words.links))
        marks = [m.start() for m in re.finditer(rf"\s(?:{pattern})\s", between)] if pattern else []
    if marks:
        return one.end + marks[-1]
    # No mark: the words after the first date are the first one's, unless it opens the sentence.
    return other.start


def _what(text: str, left: tuple[int, int], right: tuple[int, int], words: Lexicon) -> str:
    """Return what stands before a date, else behind it, without its small words."""
    sides = [_trimmed(text[slice(*side)], words) for side in (left, right)]
    return sides[0] if len(sides[0]) >= LEAST_LEFT_CHARS else max(sides, key=len)


def _trimmed(part: str, words: Lexicon) -> str:
    tokens = [token for token in cut(part, words) if token.bare]
    while tokens and tokens[0].bare.lower() in words.links | words.within | words.stop:
        tokens = tokens[1:]
    while tokens and _small(tokens[-1].bare, words):
        tokens = tokens[:-1]
    most = MOST_WHAT_CHARS if words.spaced else MOST_UNSPACED_CHARS
    while tokens and tokens[-1].bare_end - tokens[0].bare_start > most:
        tokens = tokens[:-1]
        while tokens and _small(tokens[-1].bare, words):
            tokens = tokens[:-1]
    return bare(part[tokens[0].bare_start : tokens[-1].bare_end]) if tokens else ""


def _small(bare: str, words: Lexicon) -> bool:
    return bare.lower() in words.links | words.within | words.stop | words.of
