"""Choose the lead and the beats: what matters, said once, nothing that hangs in the air."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bookai.llm.extract.compress import split_lead
from bookai.llm.extract.score import Scores
from bookai.llm.extract.sift import MAX_WORDS, Piece, flaw_of
from bookai.text.references import dangling, introductions, strangers
from bookai.text.words import content_words, spoken_words

MAX_LEAD_WORDS = 32
MIN_BEATS = 3
MAX_BEATS = 5
_LEAD_WITHIN = 4
_MIN_VALUE = 0.45
_OVER = 4


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the choice is made from; `title` counts as heard, the hook says it."""

    title: str
    pieces: tuple[Piece, ...]
    scores: Scores

    def understood(self, at: int, picked: Collection[int]) -> bool:
        """Tell whether piece `at` can be followed by someone who heard only `picked`."""
        spoken = self.pieces[at].spoken
        before = [self.pieces[other].spoken for other in sorted(picked) if other < at]
        known = " ".join([self.title, *before])
        texts = [piece.sentence.text for piece in self.pieces]
        if strangers(spoken, at, introductions(texts), known):
            return False
        hanging = dangling(spoken, known)
        if hanging is None:
            return True
        follows = at - 1 in picked and self.pieces[at].sentence.index > 0
        return follows and _taken_up(hanging, self.pieces[at - 1].spoken)


def find_lead(material: Material) -> tuple[int, Piece] | None:
    """Return the sentence that says what the title says, cut in two when it is too long."""
    about = content_words(material.title)
    opening = [
        (at, piece)
        for at, piece in enumerate(material.pieces)
        if piece.length >= 6 and re.search(r"[.!?][\"']?$", piece.spoken)
    ]
    for tried, (at, piece) in enumerate(opening[:_LEAD_WITHIN]):
        # Only the very first sentence is trusted to be the news; a later one must say it all.
        needed = max(2, 0.6 * len(about)) if tried else min(2, len(about) / 2)
        if piece.flaw or len(about & content_words(piece.spoken)) < needed:
            continue
        fitted = _fitted(piece)
        if fitted and not fitted.quoted and material.understood(at, ()):
            return at, fitted
    return None


def choose(material: Material, lead: int, taken: Collection[int], budget: int) -> list[int]:
    """Return the indices of the beats, in the order of the source; the lead is the first.

    `budget` is the number of spoken words for all beats; `taken` are pieces that are said already.
    """
    picked = [lead]
    left = budget - spoken_words(material.pieces[lead].spoken)
    while len(picked) < MAX_BEATS:
        best = max(
            (
                at
                for at in range(lead + 1, len(material.pieces))
                if at not in picked and at not in taken and _fits(material, at, picked, left)
            ),
            key=lambda at: _worth(material, at, picked),
            default=None,
        )
        if best is None or _worth(material, best, picked) < _MIN_VALUE:
            break
        picked.append(best)
        left -= spoken_words(material.pieces[best].spoken)
    return sorted(picked)


def _fits(material: Material, at: int, picked: Sequence[int], left: int) -> bool:
    piece = material.pieces[at]
    if piece.flaw or piece.length > MAX_WORDS or spoken_words(piece.spoken) > left + _OVER:
        return False
    if piece.quoted and any(material.pieces[other].quoted for other in picked):
        return False
    return _belongs(material, piece, picked) and material.understood(at, picked)


def _belongs(material: Material, piece: Piece, picked: Sequence[int]) -> bool:
    """Tell whether a beat goes on with the story: "Fath Airport is owned by" comes from afar."""
    known = " ".join([material.title, *(material.pieces[at].spoken for at in picked)])
    return bool(content_words(known) & content_words(piece.spoken))


def _worth(material: Material, at: int, picked: Sequence[int]) -> float:
    alike = max(float(material.scores.alike[at, other]) for other in picked)
    after = 0.25 if at - 1 in picked else 0.0
    return 0.75 * float(material.scores.value[at]) - 1.2 * alike + after


def _taken_up(hanging: str, before: str) -> bool:
    """Tell whether the sentence right before offers what a pronoun needs."""
    if hanging.lower().split()[0] in {"he", "she", "his", "her", "him", "they", "their"}:
        return len([word for word in before.split()[1:] if word[:1].isupper()]) > 0
    return hanging.lower() in {"it", "its", "this", "these", "both", "that", "those"}


def _fitted(piece: Piece) -> Piece | None:
    if piece.length <= MAX_WORDS:
        return piece
    head = split_lead(piece.spoken, MAX_WORDS)
    if head and flaw_of(piece.sentence.text, head) is None:
        return replace(piece, spoken=head)
    return piece if piece.length <= MAX_LEAD_WORDS else None
