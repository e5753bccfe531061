"""Which sentences matter: TF-IDF, PageRank over their likeness, the title, the place in the text.

Everything is plain numpy and the same for the same text, on every machine.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bookai.text.sentences import Sentence
from bookai.text.words import FUNCTION_WORDS, content_words, stem, tokens

Matrix = NDArray[np.float64]

_SUPERLATIVE = re.compile(
    r"\b(?:first|largest|biggest|record|worst|best|oldest|youngest|only|never|most|highest|lowest|"
    r"deadliest|longest|fastest|last|smallest)\b",
    re.IGNORECASE,
)
_EDGE = 0.05
_DAMPING = 0.85
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Scores:
    """`value` is the worth of each sentence, `alike` their likeness in pairs, 0 to 1."""

    value: Matrix
    alike: Matrix


def score(title: str, found: Sequence[Sentence], spoken: Sequence[str]) -> Scores:
    """Score `found`; `spoken` are the same sentences as they would be said."""
    vectors = _tf_idf([title, *(sentence.text for sentence in found)])
    alike = vectors[1:] @ vectors[1:].T
    np.fill_diagonal(alike, 0.0)
    to_title = vectors[1:] @ vectors[0]
    value = _page_rank(alike) + 0.9 * _scaled(to_title)
    for at, sentence in enumerate(found):
        value[at] += _bonus(sentence, spoken[at], content_words(title))
    return Scores(value, alike)


def _bonus(sentence: Sentence, spoken: str, about: set[str]) -> float:
    length = len(spoken.split())
    empty = length < 9 and not re.search(r"\d|(?<=[a-z,] )[A-Z]", spoken)
    names = len(re.findall(r"(?<=[a-z,] )[A-Z]\w+", spoken))
    bonus = 0.8 * math.exp(-sentence.paragraph / 3) + 0.25 * (sentence.index == 0)
    bonus += 0.3 * bool(re.search(r"\d", spoken)) + 0.2 * bool(_SUPERLATIVE.search(spoken))
    bonus += 0.03 * min(3, names)
    bonus += 0.5 * _defines(spoken, about) - 0.35 * empty
    bonus -= 0.3 * (length > 20) + 0.4 * (length > 26)
    # Commas slow a listener down; three in one sentence lose him.
    bonus -= 0.12 * max(0, spoken.count(",") - 1)
    return bonus


def _defines(spoken: str, about: set[str]) -> bool:
    """Tell whether a sentence explains what the title is about: "A leap second is ..."."""
    match = re.match(
        r"(?:An?|The) ((?:[\w-]+ ){1,3}?)(?:is|are|was|were) (?:an?|the|one)\b", spoken
    )
    return match is not None and content_words(match.group(1)) <= about


def _tf_idf(texts: Sequence[str]) -> Matrix:
    """Return one row of unit length a text: 1 + log of the count, times smoothed rarity."""
    bags = [_bag(text) for text in texts]
    column = {word: at for at, word in enumerate(sorted(set().union(*bags)))}
    matrix: Matrix = np.zeros((len(texts), max(1, len(column))))
    for row, bag in enumerate(bags):
        for word, count in bag.items():
            matrix[row, column[word]] = 1 + math.log(count)
    in_texts = np.count_nonzero(matrix, axis=0)
    matrix *= np.log((1 + len(texts)) / (1 + in_texts)) + 1
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Matrix = matrix / np.where(lengths > 0, lengths, 1)
    return unit


def _bag(text: str) -> Counter[str]:
    return Counter(stem(word) for word in tokens(text) if word not in FUNCTION_WORDS)


def _page_rank(alike: Matrix) -> Matrix:
    edges = np.where(alike >= _EDGE, alike, 0.0)
    out = edges.sum(axis=1, keepdims=True)
    steps = edges / np.where(out > 0, out, 1)
    count = len(edges)
    rank: Matrix = np.full(count, 1 / count)
    for _ in range(_ROUNDS):
        rank = (1 - _DAMPING) / count + _DAMPING * (steps.T @ rank)
    return _scaled(rank)


def _scaled(values: Matrix) -> Matrix:
    highest = float(values.max()) if values.size else 0.0
    scaled: Matrix = values / highest if highest > 0 else values
    return scaled
