"""A comparison: two to five figures of one unit in a sentence, each with what it stands for."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from bookai.film.shots import Bar, BarsShot, Candidate
from tools.render.shots.finders.charts import unit_of
from tools.render.shots.finders.numbers import measures_time, noun_behind
from tools.render.shots.finders.phrases import names
from tools.render.shots.reading.dates import find_dates
from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.reading.senses import denied, has_any, shared, signed, turns
from tools.render.shots.reading.tokens import CLAUSE_MARKS, EDGES, Token, cut
from tools.render.shots.told import Told

_CLAUSE_END = re.compile(rf"[{re.escape(CLAUSE_MARKS.replace('.', ''))}]|\.(?=\s+[^\W\d_a-z]|\s*$)")
LEAST_BARS, MOST_BARS = 2, 5
MOST_RATIO = 60.0  # a bar of a sixtieth of another's length is not seen
MOST_LABEL_CHARS, MOST_LABEL_WORDS, MOST_UNSPACED_CHARS = 28, 4, 10
MEASURED, COUNTED = 0.9, 0.8


def find_bars(told: Told) -> Iterator[Candidate]:
    """Yield a comparison where every figure of a unit has a label of its own in the sentence."""

    def unit(figure: Figure) -> str:
        return unit_of(figure, told.text, told.words)

    if not _straight(told):
        return
    yield from _counts(told)
    plain = [figure for figure in told.figures if not figure.year and unit(figure)]
    for key, group in groupby(sorted(plain, key=unit), key=unit):
        figures = sorted(group, key=lambda figure: figure.start)
        if not (LEAST_BARS <= len(figures) <= MOST_BARS and _comparable(figures)):
            continue
        labels = _labels(told, figures)
        if not labels:
            continue
        bars = tuple(
            Bar(
                label=label,
                value=figure.amount,
                shown=told.text[figure.start : figure.end],
                at=figure.start,
            )
            for figure, label in zip(figures, labels, strict=True)
        )
        measured = any(figure.unit or figure.scale for figure in figures)
        said = ", ".join(bar.shown for bar in bars)
        yield Candidate(
            shot=BarsShot(bars=bars, unit=_shown(told, figures, labels)),
            score=(MEASURED if measured else COUNTED) + 0.01 * len(bars),
            why=f"{len(bars)} figures of one unit ({key.strip()}): {said}",
        )


def _straight(told: Told) -> bool:
    """Tell whether the sentence's figures may stand side by side.

    None is denied or below zero, half of a share or compared ("27% less than men"), and the
    sentence doesn't speak of a rise and of a fall.
    """
    text, words = told.text, told.words
    if not told.figures or turns(text, words) or shared(text, told.figures, words):
        return False
    ways = words.rises | words.falls
    return not any(
        signed(text, one, words)
        or denied(text, one.start, words)
        or has_any(" ".join(text[one.end : one.end + 40].split()[:1]), ways, words)
        for one in told.figures
    )


def _counts(told: Told) -> Iterator[Candidate]:
    """Yield two or three counts that follow each other: "235 Democrats and 199 Republicans"."""
    run: list[tuple[Figure, str]] = []
    for figure in told.figures:
        noun = noun_behind(told.text, figure, told.words)
        counted = noun and figure.plain and not measures_time(noun, told.words)
        if figure.year or figure.unit or figure.scale or not counted:
            run = []
            continue
        if run:
            before, its_noun = run[-1]
            between = told.text[before.end : figure.start].replace(its_noun, "", 1)
            linked = between.strip(" ,").lower() in told.words.links
            run = run if linked or between.strip() == "," else []
        run.append((figure, noun))
        figures = [one for one, _ in run]
        if len(run) in (2, 3) and _comparable(figures) and len({noun for _, noun in run}) > 1:
            bars = tuple(
                Bar(label=noun, value=one.amount, shown=one.value, at=one.start)
                for one, noun in run
            )
            said = ", ".join(f"{bar.shown} {bar.label}" for bar in bars)
            yield Candidate(
                shot=BarsShot(bars=bars),
                score=COUNTED + 0.01 * len(bars),
                why=f"{len(bars)} counts side by side: {said}",
            )


def _comparable(figures: Sequence[Figure]) -> bool:
    amounts = [figure.amount for figure in figures]
    return min(amounts) > 0 and len(set(amounts)) > 1 and max(amounts) / min(amounts) <= MOST_RATIO


def _shown(told: Told, figures: Sequence[Figure], labels: Sequence[str]) -> str:
    """Return what all figures count: their scale, else the noun that stands behind each."""
    scales = {figure.scale for figure in figures}
    if len(scales) > 1:
        return ""
    nouns = sorted({noun_behind(told.text, one, told.words) for one in figures}, key=len)
    bare = not any(figure.unit or figure.scale for figure in figures)
    return nouns[0] if bare and nouns[0] not in labels else scales.pop()


def _labels(told: Told, figures: Sequence[Figure]) -> tuple[str, ...]:
    """Return a label for every figure, all found the same way, or none."""
    # What stands before the figures of a change ("from", "to") names neither of them.
    changed = any(change.past in figures for change in told.changes)
    before = () if changed else (_by_name_before, _by_clause_before)
    for labeller in (_by_date, _by_noun_behind, _by_noun_beside, *before):
        labels = tuple(labeller(told, figures, number) for number in range(len(figures)))
        if labeller in (_by_noun_behind, _by_noun_beside):
            labels = (*labels[:-1], _as_short(labels[-1], labels[:-1]))
        sound = all(label and _names_only(label, told.words) for label in labels)
        if sound and len({label.lower() for label in labels}) == len(labels):
            return labels
    return ()


def _before(told: Told, figures: Sequence[Figure], number: int) -> tuple[int, int]:
    start = figures[number - 1].end if number else 0
    return start, figures[number].start


def _after(told: Told, figures: Sequence[Figure], number: int) -> tuple[int, int]:
    last = number + 1 == len(figures)
    return figures[number].end, len(told.text) if last else figures[number + 1].start


def _by_date(told: Told, figures: Sequence[Figure], number: int) -> str:
    """Return the date that stands in the same clause: "12 % in 2010"."""
    start, end = _clause(told.text, *_after(told, figures, number))
    for when in find_dates(told.text[start:end], told.words):
        return told.text[start + when.start : start + when.end]
    return ""


def _by_noun_behind(told: Told, figures: Sequence[Figure], number: int) -> str:
    """Return whose figure it is: "27 % of women", "41 million in Brazil"."""
    if not told.words.spaced:
        return ""
    start, end = _clause(told.text, *_after(told, figures, number))
    tokens = cut(told.text[start:end], told.words)
    at = 0
    of = told.words.of | told.words.within - told.words.tos
    while at < len(tokens) and tokens[at].bare.lower() not in of:
        if at == 2 or tokens[at].closes:
            return ""
        at += 1
    taken = _noun(tokens[at + 1 :], told.words)
    if not taken:
        return ""
    label = told.text[start + taken[0].bare_start : start + taken[-1].bare_end]
    return label if _fits(label) else ""


def _by_noun_beside(told: Told, figures: Sequence[Figure], number: int) -> str:
    """Return the noun right behind a share: "27 % женщин"."""
    figure = figures[number]
    return noun_behind(told.text, figure, told.words) if figure.unit == "%" else ""


def _as_short(label: str, others: Sequence[str]) -> str:
    """Return a label with no more words than the longest other: behind the last one stands more."""
    most = max((len(other.split()) for other in others), default=0)
    return " ".join(label.split()[:most])


def _noun(tokens: Sequence[Token], words: Lexicon) -> list[Token]:
    """Return the words of a label from its first one on, without articles."""
    taken: list[Token] = []
    for token in tokens:
        small = token.bare.lower() in words.stop and token.bare not in words.joins
        if small and (taken or token.bare.lower() in words.within):
            break
        if not small:
            taken.append(token)
        if token.closes or len(taken) == MOST_LABEL_WORDS:
            break
    while taken and taken[-1].bare.lower() in words.stop | words.joins:
        taken.pop()
    while taken and taken[0].bare.lower() in words.stop | words.joins:
        taken.pop(0)
    return taken


def _by_name_before(told: Told, figures: Sequence[Figure], number: int) -> str:
    """Return the name that a figure belongs to: "Germany has 83 million"."""
    start, end = _before(told, figures, number)
    region = _last_clause(told.text[start:end])
    tokens = cut(region, told.words)
    found = [token for token in tokens if token.bare[:1].isupper()]
    whole = names(cut("· " + region, told.words), "· " + region, told.words)
    if not found or not whole or not _fits(whole[-1]):
        return ""
    return whole[-1] if whole[-1] in region else ""


def _by_clause_before(told: Told, figures: Sequence[Figure], number: int) -> str:
    """Return what stands before a figure in its clause, where that is short: "男性は41"."""
    start, end = _before(told, figures, number)
    region = _last_clause(told.text[start:end].strip())
    if told.words.spaced:
        pieces = cut(region, told.words)
        heavy = [one.bare for one in pieces if one.bare.lower() not in told.words.stop and one.bare]
        short = heavy and len(pieces) <= MOST_LABEL_WORDS
        label = heavy[0] if short else ""
        for particle in told.words.particles:
            if label.endswith(particle) and len(label) > len(particle) + 1:
                label = label.removesuffix(particle)
                break
        return label if _fits(label) else ""
    label = region.strip(EDGES)
    for particle in (*told.words.leads, *told.words.particles):
        label = label.removesuffix(particle).strip()
    return label if 0 < len(label) <= MOST_UNSPACED_CHARS else ""


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span up to the first mark that ends a clause."""
    region = text[start:end]
    stop = _CLAUSE_END.search(region)
    return start, start + stop.start() if stop else end


def _last_clause(region: str) -> str:
    for mark in CLAUSE_MARKS + "([":
        region = region.rpartition(mark)[2]
    return region


def _names_only(label: str, words: Lexicon) -> bool:
    """Tell whether a label has no verb in it: "Germany and rose" has one."""
    if not words.spaced:
        return True
    pieces = label.split()
    if has_any(label, words.rises | words.falls | frozenset(words.says_after), words):
        return False
    linked = [pieces[k + 1 :] for k, piece in enumerate(pieces) if piece.lower() in words.links]
    return all(rest and rest[0][:1].isupper() for rest in linked)


def _fits(label: str) -> bool:
    letters = any(char.isalpha() for char in label)
    whole = not label.endswith(("'s", "\u2019s")) and "." not in label
    return letters and whole and len(label) <= MOST_LABEL_CHARS
