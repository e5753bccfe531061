"""A small chart: three or more figures of one unit that the source gives for years or months."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from bookai.film.shots import Candidate, ChartShot, Point
from tools.render.shots.finders.numbers import noun_behind
from tools.render.shots.finders.phrases import cut_bare
from tools.render.shots.reading.dates import When, find_dates
from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.figures import find_figures
from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.reading.senses import denies, signed, turns
from tools.render.shots.told import Told

LEAST_POINTS, MOST_POINTS = 3, 12
SPOKEN, NEARBY = 0.9, 0.76
LEAST_SHARED_WORDS = 2
_MOST_GAP = 40
_BREAKS = ",;.\n，。；、،؛।"  # noqa: RUF001
_ENDING = re.compile(r"[.!?](?=\s)|[。！？।\n]")  # noqa: RUF001
_OPENING = re.compile(r"(?<=\s)[.!?]|[。！？।\n]")  # noqa: RUF001
Pair = tuple[Figure, When]


def find_charts(told: Told) -> Iterator[Candidate]:
    """Yield a chart of the sentence's own series, or of one that stands around it."""
    for text in dict.fromkeys((told.text, told.around)):
        for unit, pairs in _series(text, told.words):
            score = _fit(told, text, pairs)
            if not score:
                continue
            points = tuple(
                Point(
                    label=text[when.start : when.end],
                    value=figure.amount,
                    shown=text[figure.start : figure.end],
                )
                for figure, when in pairs
            )
            shot = ChartShot(points=points, unit=unit, title=_title(text, pairs, told.words))
            first, last = points[0], points[-1]
            why = f"{len(points)} figures of one unit, {first.label} to {last.label}"
            yield Candidate(shot=shot, score=score, why=why)
            return


def unit_of(figure: Figure, text: str, words: Lexicon) -> str:
    """Return what a figure may be compared by: its sign, else the noun behind it with its scale."""
    nouns = noun_behind(text, figure, words).lower().split()
    noun = next((one.rstrip("s") for one in nouns if one not in words.of), "")
    if figure.scale and not figure.unit:
        return f"{figure.scale} {noun}"  # millions of what
    return figure.unit or noun


def _series(text: str, words: Lexicon) -> Iterator[tuple[str, tuple[Pair, ...]]]:
    """Yield (unit as shown, figures with their dates in the order of time), the longest first."""
    pairs = _paired(text, words)

    def unit(pair: Pair) -> str:
        return unit_of(pair[0], text, words)

    runs = []
    for key, group in groupby(sorted(pairs, key=unit), key=unit):
        run = sorted(group, key=lambda pair: pair[1].key)
        keys = [when.key for _, when in run]
        alike = len({tuple(bool(part) for part in when) for when in keys}) == 1
        enough = len(run) >= LEAST_POINTS + (not key)
        if enough and alike and len(set(keys)) == len(keys) and _straight(text, run, words):
            runs.append((_shown_unit(run, key), tuple(run[-MOST_POINTS:])))
    yield from sorted(runs, key=lambda run: -len(run[1]))


def _straight(text: str, run: Sequence[Pair], words: Lexicon) -> bool:
    """Tell whether all figures go one way, above zero, and none is denied in its sentences."""
    start = min(figure.start for figure, _ in run)
    end = max(max(figure.end, when.end) for figure, when in run)
    opening = _OPENING.search(text[:start][::-1])
    behind = _ENDING.search(text, end)
    said = text[start - opening.start() if opening else 0 : behind.end() if behind else len(text)]
    if turns(said, words) or denies(said, words):
        return False
    return not any(signed(text, one, words) for one, _ in run)


def _paired(text: str, words: Lexicon) -> list[Pair]:
    """Return every figure with the date beside it that stands nearest, each once."""
    dates = find_dates(text, words)
    if len(dates) < LEAST_POINTS:
        return []
    figures = [
        figure
        for figure in find_figures(text, words)
        if not figure.year and not any(one.start <= figure.start < one.end for one in dates)
    ]
    row: list[Figure | When] = sorted([*figures, *dates], key=lambda one: one.start)
    # "65 in 2024, 64 in 2025 and 96 in 2026": in turn, though 2025 stands nearer to 96.
    step = 2 if _in_turn(row) else 1
    near = sorted(
        (_gap(text, one, other), one.start, one, other)
        for one, other in list(pairwise(row))[::step]
        if isinstance(one, Figure) != isinstance(other, Figure)
    )
    taken: set[int] = set()
    pairs: list[Pair] = []
    for gap, _, one, other in near:
        if gap >= _MOST_GAP or one.start in taken or other.start in taken:
            continue
        taken |= {one.start, other.start}
        if isinstance(one, Figure) and isinstance(other, When):
            pairs.append((one, other))
        elif isinstance(one, When) and isinstance(other, Figure):
            pairs.append((other, one))
    return pairs


def _in_turn(row: Sequence[Figure | When]) -> bool:
    """Tell whether figures and dates take turns from the first one to the last one."""
    turns = all(isinstance(a, Figure) != isinstance(b, Figure) for a, b in pairwise(row))
    return turns and not len(row) % 2


def _gap(text: str, one: Figure | When, other: Figure | When) -> int:
    """Return how far two stand apart; a clause's end between them counts much."""
    between = text[one.end : other.start]
    return len(between) + _MOST_GAP // 2 * any(mark in between for mark in _BREAKS)


def _fit(told: Told, text: str, pairs: Sequence[Pair]) -> float:
    """Return how well a series of `text` fits the sentence, 0 where it is about something else."""
    if text == told.text:
        return SPOKEN + 0.01 * min(4, len(pairs))
    said = {figure.amount for figure in told.figures if not figure.year}
    if any(figure.amount in said for figure, _ in pairs):
        return SPOKEN
    start, end = min(one.start for one, _ in pairs), max(one.end for one, _ in pairs)
    shared = set(cut_bare(told.text, told.words)) & set(cut_bare(text[start:end], told.words))
    return NEARBY if len(shared) >= LEAST_SHARED_WORDS else 0.0


def _shown_unit(run: Sequence[Pair], key: str) -> str:
    """Return the unit that all figures share as it is written, or ""."""
    scales = {figure.scale for figure, _ in run}
    return scales.pop() if len(scales) == 1 else key if key == "%" else ""


def _title(text: str, pairs: Sequence[Pair], words: Lexicon) -> str:
    """Return the noun behind the figures, the first that there is."""
    return next((noun for one, _ in pairs if (noun := noun_behind(text, one, words))), "")
