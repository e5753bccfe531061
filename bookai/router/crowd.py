"""The scan over many candidates, in numpy: the same score as in `bookai.router.table`."""

from collections.abc import Mapping, Set
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bookai.router.table import Luck, Table

SURE = 0.999
HOPELESS = 0.02
# numpy compares an array with another of its size in a fifth of the time that a number takes, and
# a few numbers soonest with an array of no dimension.
FEW = 256
# However much a candidate is favoured, its price stays above nothing.
LEAST_S = 1e-3
# A ring of normal numbers, as in `bookai.router.table.Luck`, is at least this long.
RING = 1 << 15

Floats = NDArray[np.float32]


class Crowd:
    """A table's columns as numpy sees them: the same memory. It lives until the table changes."""

    def __init__(self, table: "Table") -> None:
        count = len(table)
        self._table = table
        self._columns = tuple(
            np.frombuffer(column, np.float32)  # type: ignore[call-overload]  # arrays by now
            for column in (table.price, table.mean, table.spread)
        )
        self._score: Floats = np.empty(count, np.float32)
        self._sure, self._hopeless = _bound(SURE, count), _bound(HOPELESS, count)
        self._ring = _ring(table.luck, 2 * count)

    def best(self, without: Set[int], off_s: Mapping[int, float]) -> int | None:
        """Return the row with the least (W + C)/p; see `Table.best`."""
        price, mean, spread = self._columns
        score, ring, table = self._score, self._ring, self._table
        count = len(score)
        table.drawn = start = int(table.luck.rng.random() * (len(ring) - count))
        np.multiply(spread, ring[start : start + count], out=score)
        np.add(score, mean, out=score)
        np.minimum(score, self._sure, out=score)
        np.maximum(score, self._hopeless, out=score)
        for row, seconds in off_s.items():
            # p is scaled instead of the price, which others share; who is out has no price.
            if price[row] < inf:
                score[row] *= price[row] / max(LEAST_S, float(price[row]) - seconds)
        np.divide(price, score, out=score)
        for row in without:
            score[row] = inf
        best = int(score.argmin())
        return best if score[best] < inf else None

    def luck_of(self, row: int) -> float:
        """Return the normal number that the last choice drew for a row."""
        return float(self._ring[self._table.drawn + row])


def _bound(value: float, count: int) -> Floats:
    return np.array(value, np.float32) if count <= FEW else np.full(count, value, np.float32)


def _ring(luck: "Luck", least: int) -> Floats:
    ring = luck.long_ring
    if ring is None or len(ring) < least:
        seeded = np.random.default_rng(luck.rng.getrandbits(64))
        ring = luck.long_ring = seeded.standard_normal(max(RING, least), np.float32)
    return ring
