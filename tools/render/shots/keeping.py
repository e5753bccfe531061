"""Keep only cards whose words, read alone, say of a figure what the sentence says of it."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from bookai.film.shots import Candidate, PhraseShot, Shot
from tools.render.shots.reading.signs import begins_figure, sign_of, under, unsure
from tools.render.shots.reading.tokens import EDGES
from tools.render.shots.told import Told

LOWEST = 0.1
MOST_CHARS = 44
MOST_PLACES = 20
_FIGURED = re.compile(r"[\d%٪$€£¥₹₽₪฿₩₺₴]+")


def keep(told: Told, found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that keep the sense; where none does, words without a figure."""
    if not told.figures and not any(letter.isdigit() for letter in told.text):
        return tuple(found)
    kept = tuple(one for one in found if all(_keeps(told, text) for text in _texts(one.shot)))
    return kept or (_plain(told),)


def _texts(shot: Shot) -> Iterator[str]:
    """Yield the words that a shot took out of its sentence; figures' own cards have their sign."""
    match shot.kind:
        case "phrase" | "quote":
            yield shot.text
        case "definition":
            yield from (shot.term, shot.meaning)
        case "place":
            yield from (shot.place, shot.detail)
        case "list":
            yield from (item.text for item in shot.items)
        case "timeline":
            yield from (event.what for event in shot.events)
        case _:
            return


def _keeps(told: Told, shown: str) -> bool:
    """Tell whether words keep the signs of their figures, and no figure stands for its opposite."""
    text, words = told.text, told.words
    figured = begins_figure(shown, words)
    places = islice(re.finditer(re.escape(shown), text), MOST_PLACES) if shown else ()
    for at, end in (place.span() for place in places):
        if figured and (sign_of(text, at, words).minus or unsure(text, at, end, words)):
            return False
        held = [one for one in told.figures if one.start < end and at < one.end]
        if any(under(text, one.end, words) > end for one in held):
            return False
        if any(change.past in held and change.result not in held for change in told.changes):
            return False
    return True


def _plain(told: Told) -> Candidate:
    """Return the longest words of a sentence that hold no figure."""
    pieces = [piece.strip(EDGES) for piece in _FIGURED.split(told.text)]
    longest = max(pieces, key=len)
    if len(longest) > MOST_CHARS:
        cut = longest[: MOST_CHARS + 1].rpartition(" ")[0] if told.words.spaced else ""
        longest = cut or longest[:MOST_CHARS]
    shown = longest or told.text.strip()[:MOST_CHARS] or told.title[:MOST_CHARS]
    return Candidate(
        shot=PhraseShot(text=shown), score=LOWEST, why=f"words without a figure: {shown}"
    )
