"""A sentence as the finders see it: its words, its figures, and what the source says around it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from bookai.film.material import Material
from bookai.film.shots import Candidate
from bookai.models import Line, Script
from bookai.text.grounding import locate
from tools.render.shots.reading.changes import Change, find_changes
from tools.render.shots.reading.figure import Figure
from tools.render.shots.reading.figures import find_figures
from tools.render.shots.reading.lexicon import Lexicon, lexicon
from tools.render.shots.reading.tokens import Token, cut

_GAP = re.compile(r"\n[ \t\r]*\n")
MOST_READ_CHARS = 1200
"""A sentence is read this far: what stands behind comes too late for its picture."""
MOST_AROUND_CHARS = 4000


@dataclass(frozen=True)
class Told:
    """One line of the script. `around` is the source's paragraph that it comes from, or ""."""

    text: str
    kind: Literal["hook", "beat", "quote", "cta", "disclosure"]
    number: int
    count: int
    title: str
    words: Lexicon
    around: str
    material: Material = field(repr=False)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """The sentence's figures."""
        return find_figures(self.text, self.words)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What the sentence says to have gone from one figure to another."""
        return find_changes(self.text, self.figures, self.words)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The sentence's words."""
        return cut(self.text, self.words)


Finder = Callable[[Told], Iterable[Candidate]]


def read(script: Script, material: Material) -> tuple[Told, ...]:
    """Return every line of a script as the finders see it."""
    words = lexicon(script.language)
    return tuple(
        Told(
            text=line.text[:MOST_READ_CHARS],
            kind=line.kind,
            number=number,
            count=len(script.lines),
            title=script.title,
            words=words,
            around=_around(line, material.source),
            material=material,
        )
        for number, line in enumerate(script.lines)
    )


def _around(line: Line, source: str) -> str:
    """Return the paragraph of the source that a line comes from, with the one after it."""
    if not source:
        return ""
    if line.span is not None and line.span.end <= len(source):
        at = line.span.start
    else:
        place = locate(line.text, source)
        if place is None:
            return ""
        at = place[0]
    before = [match.end() for match in _GAP.finditer(source, max(0, at - MOST_AROUND_CHARS), at)]
    start = before[-1] if before else max(0, at - MOST_AROUND_CHARS)
    behind = [match.start() for match in _GAP.finditer(source, at, at + MOST_AROUND_CHARS)]
    end = behind[1] if len(behind) > 1 else at + MOST_AROUND_CHARS
    return source[start:end]
