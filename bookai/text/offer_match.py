"""Which product of a catalogue fits what a script speaks of, and whether any should.

Pure: a script's text and the offers in, the best fit and its reasons out. A product fits when the
script uses two of its terms, or one of several words, and they weigh enough together: a term that
many products share weighs little, one in the title or said again weighs more.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bookai.models import Offer
from bookai.text.words import FUNCTION_WORDS, stem, tokens

Stems = tuple[str, ...]

THRESHOLD = 1.85
"""A term of one product alone weighs 1, of several words 1.6. One that only passes by is too
little; one in the title, or said twice, is enough."""

_PHRASE_WEIGHT = 1.6
_TITLE_WEIGHT = 1.5
_AGAIN_WEIGHT = 1.3
_NAME_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class Fit:
    """How well an offer fits: its weight, and the terms that the script uses, best first."""

    offer: Offer
    score: float
    matched: tuple[str, ...]
    is_strong: bool


def best_fits(title: str, text: str, offers: Sequence[Offer]) -> tuple[Fit, ...]:
    """Return the offers that share at least one term with the script, the best first.

    Equal weights are ordered by product id, so that the same script always gets the same offer.
    """
    shares = Counter(term for offer in offers for term in _terms(offer))
    head, body = _sequence(title), _sequence(text)
    sizes = {len(term) for term in shares}
    in_title, in_text = _runs(head, sizes), _runs(body, sizes)
    weight = {
        term: _weight(
            term, _rarity(shares[term], len(offers)), in_text[term], is_in_title=term in in_title
        )
        for term in shares.keys() & (in_title.keys() | in_text.keys())
    }
    fits = [_fit(offer, weight, set(head + body)) for offer in offers]
    found = [fit for fit in fits if fit.matched]
    return tuple(sorted(found, key=lambda fit: (-fit.is_strong, -fit.score, fit.offer.product_id)))


def _fit(offer: Offer, weight: Mapping[Stems, float], said: set[str]) -> Fit:
    names = _terms(offer)
    hits = sorted((t for t in names if t in weight), key=lambda term: -weight[term])
    score = sum(weight[term] for term in hits)
    covered = {part for term in hits for part in term}
    name = {part for part in _sequence(offer.name) if part not in FUNCTION_WORDS} - covered
    score *= 1 + _NAME_WEIGHT * len(name & said)
    enough = len(hits) > 1 or any(len(term) > 1 for term in hits)
    is_strong = enough and score >= THRESHOLD
    return Fit(offer, round(score, 2), tuple(names[term] for term in hits), is_strong)


def _weight(term: Stems, rarity: float, times: int, *, is_in_title: bool) -> float:
    weight = rarity * (_PHRASE_WEIGHT if len(term) > 1 else 1)
    weight *= _TITLE_WEIGHT if is_in_title else 1
    return weight * (_AGAIN_WEIGHT if times > 1 else 1)


def _rarity(share: int, offers: int) -> float:
    """Return 1 for a term of one offer alone, the less the more share it, in any catalogue."""
    return math.log(1 + offers / share) / math.log(1 + offers)


def _terms(offer: Offer) -> dict[Stems, str]:
    """Return the offer's terms as they are compared, each with how it is written."""
    found: dict[Stems, str] = {}
    for term in offer.terms:
        if sequence := _sequence(term):
            found.setdefault(sequence, term)
    return found


def _sequence(text: str) -> Stems:
    return tuple(stem(word) for word in tokens(text.replace("-", " ")))


def _runs(said: Stems, sizes: Collection[int]) -> Counter[Stems]:
    """Count every run of words that is as long as some term."""
    return Counter(said[at : at + size] for size in sizes for at in range(len(said) - size + 1))
