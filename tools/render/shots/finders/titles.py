"""The first line shows the title; the last one may show who speaks."""

from collections.abc import Iterator

from bookai.film.shots import Candidate, EndShot, TitleShot
from tools.render.shots.told import Told

OPENING = 0.9
CLOSING = 0.3
CALLING = 0.6  # a call to act or a disclosure has no picture of its own


def find_titles(told: Told) -> Iterator[Candidate]:
    """Yield the title for the first line, the end card for the last."""
    if told.number == 0:
        yield Candidate(
            shot=TitleShot(title=told.title), score=OPENING, why="the first sentence: the title"
        )
    if told.number == told.count - 1:
        calls = told.kind in ("cta", "disclosure")
        why = "the last sentence, and it speaks for the channel" if calls else "the last sentence"
        yield Candidate(shot=EndShot(), score=CALLING if calls else CLOSING, why=why)
