"""A number that counts up: the figure of the sentence that says most, with its noun."""

import re
from collections.abc import Iterator
from functools import cache

from bookai.film.shots import Candidate, NumberShot
from tools.render.shots.reading.changes import Change, told_whole
from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.lexicon import Lexicon, month_numbers
from tools.render.shots.reading.senses import denied, shared
from tools.render.shots.reading.signs import unsure
from tools.render.shots.reading.tokens import EDGES
from tools.render.shots.told import Told

MOST_LABEL_WORDS = 4
MOST_LABEL_CHARS = 30
MOST_VALUE_CHARS = 14  # a figure is shown whole or not at all
MOST_UNIT_CHARS = 24
MOST_LEAD_CHARS = 40
MOST_CHANGE_CHARS, MOST_UNSPACED_CHARS = 34, 16
MEASURED, COUNTED, YEAR = 0.8, 0.7, 0.42
CHANGED = 0.88
BARE_YEAR = 0.38  # less than any words that carry the sentence
_OWNS = ("'s", "\u2019s")
_WORD = re.compile(r"\S+")


def find_numbers(told: Told) -> Iterator[Candidate]:
    """Yield the sentence's figures, the most telling first; a bare one without a noun is none.

    What a figure was is shown only with what it became, and no end of a range alone.
    """
    whole = [change for change in told.changes if _tells(told, change)]
    yield from (_changed(told, change) for change in whole)
    shown = {figure.start for change in whole for figure in change.figures}
    halves = shared(told.text, told.figures, told.words)
    left_out = halves | shown | {change.past.start for change in told.changes}
    left_out |= {change.result.start for change in told.changes if not change.moves}
    found = []
    for order, figure in enumerate(told.figures):
        if figure.start in left_out or _turned(told, figure):
            continue
        label = noun_behind(told.text, figure, told.words)
        if not _shows(told, figure, label):
            continue
        lead = _lead(told.text[: figure.start], told.words, year=figure.year)
        if lead.lower() in told.words.froms and not figure.year:
            continue  # "down from 60 percent": what it was
        score = _score(figure, label, lead)
        # Of two years the later one is mostly the news, of two counts the first one.
        first = -order if figure.year else order
        shot = NumberShot(
            value=figure.value, unit=figure.scale, lead=lead, label=label, at=figure.start
        )
        found.append((-score, first, Candidate(shot=shot, score=score, why=_why(figure, shot))))
    for _, _, candidate in sorted(found, key=lambda entry: entry[:2])[:3]:
        yield candidate


def _turned(told: Told, figure: Figure) -> bool:
    """Tell whether a figure alone may say the opposite: "did not kill 40 people", "(5%)"."""
    sign = unsure(told.text, figure.start, figure.end, told.words)
    return sign or denied(told.text, figure.start, told.words)


def _tells(told: Told, change: Change) -> bool:
    """Tell whether a change can be shown in its sentence's own words."""
    most = MOST_CHANGE_CHARS if told.words.spaced else MOST_UNSPACED_CHARS
    fits = all(
        len(one.value) <= MOST_VALUE_CHARS and len(one.scale) <= MOST_UNIT_CHARS
        for one in change.figures
    )
    sure = not any(_turned(told, figure) for figure in change.figures)
    return fits and sure and told_whole(change, told.text, most)


def _changed(told: Told, change: Change) -> Candidate:
    """Return the card of a change: its result large, with the words that lead there from before."""
    text, result = told.text, change.result
    lead = text[change.start : result.start].strip()
    label = noun_behind(text, result, told.words)
    if change.backwards:
        label = text[result.end : change.last.end].strip()
    past = change.past
    alike = (
        change.moves and past.scale in ("", result.scale) and min(past.amount, result.amount) > 0
    )
    shot = NumberShot(
        value=result.value,
        unit=result.scale,
        lead=lead,
        label=label,
        at=result.start,
        since=past.value if alike else "",
    )
    return Candidate(shot=shot, score=CHANGED, why=f"a change: {_said(shot)}")


def noun_behind(text: str, figure: Figure, words: Lexicon) -> str:
    """Return the noun right after a figure: up to the first small word or punctuation mark."""
    if figure.year or not words.spaced:
        return ""
    after = text[figure.end : figure.end + 4 * MOST_LABEL_CHARS]
    if after[:1].isalpha():
        return ""  # an ending of the unit, as in Korean
    taken: list[str] = []
    most = MOST_LABEL_WORDS
    for match in _WORD.finditer(after):
        word = match[0]
        bare = word.strip(EDGES)
        opening = bool(figure.scale or figure.unit) and not taken and bare.lower() in words.of
        if not bare[:1].isalpha() or word[0] in EDGES:
            break
        if bare.lower() in words.stop and not opening:
            break
        if words.code == "de" and bare[0].islower() and taken and taken[-1][0].isupper():
            break
        most += opening
        taken.append(bare)
        if word[-1] in EDGES:
            break
        if len(taken) > most:
            return ""
    while taken and (len(" ".join(taken)) > MOST_LABEL_CHARS or _dangles(taken, words)):
        taken.pop()
    label = " ".join(taken)
    return label if label in after and not (len(taken) == 1 and label in words.of) else ""


def _dangles(taken: list[str], words: Lexicon) -> bool:
    """Tell whether the last word leaves the noun unfinished: "doctors treated", "years later"."""
    last = taken[-1].lower()
    verbal = words.code == "en" and (
        last.endswith("ed") or (len(taken) > 1 and last.endswith("ing"))
    )
    verbal = verbal or (len(taken) > 1 and last.endswith(words.verbal))
    owns = last.endswith(_OWNS)
    return verbal or owns or last in words.after or (last in words.of and len(taken) > 1)


def _shows(told: Told, figure: Figure, label: str) -> bool:
    """Tell whether a figure says something when it stands alone."""
    if len(figure.value) > MOST_VALUE_CHARS or len(figure.scale) > MOST_UNIT_CHARS:
        return False
    first = label.split(" ")[0] or next(iter(told.text[figure.end :].split()), "").strip(EDGES)
    if first in told.words.days or first in month_numbers(told.words.code):
        return False
    measured = bool(figure.scale or figure.unit)
    if not measured and _names_a_thing(told.text, figure.start, told.words):
        return False
    if measures_time(label, told.words) and _is_part(told, figure):
        return False
    return measured or bool(label)


def measures_time(noun: str, words: Lexicon) -> bool:
    """Tell whether a noun measures time: minutes are not compared with seconds."""
    return noun.partition(" ")[0].lower() in words.spans


def _is_part(told: Told, figure: Figure) -> bool:
    """Tell whether a time goes on beside a figure: "59 minutes and 40 seconds" is one."""
    at = [token for token in told.tokens if token.bare.lower() in told.words.spans]
    near = [one for one in at if -30 < one.bare_start - figure.end < 30]
    return len(near) > 1


def _names_a_thing(text: str, at: int, words: Lexicon) -> bool:
    """Tell whether a number belongs to the word before: "category 1", "Boeing 737 jets"."""
    before = text[:at].split()
    if not before or before[-1][-1] in ',.;:!?…”"':
        return False
    word = before[-1].strip(EDGES)
    named = word[:1].isupper() and len(before) > 1 and words.cased
    return word.lower() in words.numbered or named


def _lead(before: str, words: Lexicon, *, year: bool) -> str:
    """Return the words right before a number that change its meaning ("more than", "by")."""
    tail = before.rstrip()
    if not tail or tail[-1] in EDGES.replace(",", ""):
        return ""
    date = _date_before(words.code).search(tail[-MOST_LEAD_CHARS:])
    if date and year:
        return date[0].rstrip(",").strip()
    lower = tail.lower()
    for lead in words.leads:
        whole = not words.spaced or not lower[: -len(lead)][-1:].isalnum()
        if lower.endswith(lead) and whole:
            return tail[len(tail) - len(lead) :]
    return ""


@cache
def _date_before(code: str) -> re.Pattern[str]:
    """Return what finds "30 June" at the end of what stands before a year."""
    months = "|".join(re.escape(month) for month in month_numbers(code)) or r"(?!)"
    return re.compile(rf"(?:\b\d{{1,2}}\.?\s)?\b(?:{months})(?:\s\d{{1,2}},)?$")


def _score(figure: Figure, label: str, lead: str) -> float:
    if figure.year:
        return YEAR + 0.03 if lead else BARE_YEAR
    if not figure.plain:
        return YEAR
    digits = sum(char.isdigit() for char in figure.value)
    measured = bool(figure.scale or figure.unit)
    score = MEASURED if measured else COUNTED
    return round(
        score
        + 0.05 * (measured and bool(label))
        + 0.02 * (digits > 1)
        - 0.1 * (digits < 2 and not measured),
        2,
    )


def _why(figure: Figure, shot: NumberShot) -> str:
    return f"a year: {_said(shot)}" if figure.year else f"a figure with its noun: {_said(shot)}"


def _said(shot: NumberShot) -> str:
    return " ".join(part for part in (shot.lead, shot.value, shot.unit, shot.label) if part)
