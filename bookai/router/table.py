"""The candidates for one capability as columns of numbers, and the scan that finds the best.

Prices and success are kept up to date when something happens, so a choice is one pass over three
columns. Up to `FEW` candidates plain lists are the quickest, for most prices alone tell that a row
cannot win; above it `bookai.router.crowd` scans arrays of 32-bit floats with numpy, which is loaded
when the first crowd comes together.
"""

from array import array
from collections.abc import Mapping, MutableSequence, Set
from importlib import import_module
from itertools import chain
from math import inf
from random import Random
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from bookai.router.crowd import Crowd, Floats
    from bookai.router.member import Member

FEW = 64
# Success is never taken for certain, nor for impossible.
SURE = 0.999
HOPELESS = 0.02
# However much a candidate is favoured, its price stays above nothing.
LEAST_S = 1e-3

Column = MutableSequence[float]


class Luck:
    """A ring of normal numbers: a choice takes as many in a row as it has candidates."""

    SIZE = 4096

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.ring = [rng.gauss(0.0, 1.0) for _ in range(self.SIZE)]
        self.long_ring: Floats | None = None  # for crowds, which make it

    def start(self, count: int) -> int:
        """Return where in the ring a choice among `count` begins."""
        return int(self.rng.random() * (self.SIZE - count))


class Table:
    """Rows of one capability. `price` is W + C in seconds, infinite for who may not be asked."""

    def __init__(self, luck: Luck) -> None:
        self.luck = luck
        self.members: list[Member] = []
        self.price: Column = []
        self.mean: Column = []
        self.spread: Column = []
        self.drawn = 0  # where in the ring the last choice began
        self.last = 0  # the row that won it: a good one to begin with
        # What is known of the members' latencies, for those of whom nothing is known.
        self.known_s = 0.0
        self.known = 0
        self._crowd: Crowd | None = None

    def __len__(self) -> int:
        """Return how many candidates there are."""
        return len(self.members)

    def typical_s(self, otherwise: float) -> float:
        """Return the mean latency of those who have one: what a newcomer is expected to take."""
        return self.known_s / self.known if self.known else otherwise

    def append(self, member: "Member") -> int:
        """Add a row that nobody can choose yet; return its place."""
        self._crowd = None  # an array cannot grow while numpy looks at its memory
        if len(self.members) == FEW and isinstance(self.price, list):
            self.price, self.mean, self.spread = (
                array("f", column) for column in (self.price, self.mean, self.spread)
            )
        self.members.append(member)
        self.price.append(inf)
        self.mean.append(0.5)
        self.spread.append(0.0)
        return len(self.members) - 1

    def pop(self, place: int) -> "Member | None":
        """Take a row out; return the member that has moved into its place, if one has."""
        self._crowd = None
        last = self.members.pop()
        numbers = self.price.pop(), self.mean.pop(), self.spread.pop()
        if place == len(self.members):
            return None
        self.members[place] = last
        self.price[place], self.mean[place], self.spread[place] = numbers
        return last

    def best(self, without: Set[int], off_s: Mapping[int, float]) -> int | None:
        """Return the row with the least (W + C)/p, p drawn from its posterior; None: no row.

        Rows in `without` are passed over; `off_s` takes seconds off a row's price.
        """
        count = len(self.members)
        if isinstance(self.price, array):
            return self.crowd().best(without, off_s)
        self.drawn = self.luck.start(count)
        price = self.price
        if without or off_s:
            price = list(price)
            for row, seconds in off_s.items():
                price[row] = max(LEAST_S, price[row] - seconds)
            for row in without:
                price[row] = inf
        best = self._cheapest(price, self.last if self.last < count else 0)
        if best is not None:
            self.last = best
        return best

    def _cheapest(self, price: Column, first: int) -> int | None:
        ring, drawn, mean, spread = self.luck.ring, self.drawn, self.mean, self.spread
        best, least = None, inf
        for row, cost in chain(((first, price[first]),), enumerate(price)):
            # Nobody succeeds for certain: a price is below every score that it can have.
            if cost >= least:
                continue
            p = mean[row] + spread[row] * ring[drawn + row]
            if p > SURE:
                p = SURE
            elif p < HOPELESS:
                p = HOPELESS
            score = cost / p
            if score < least:
                best, least = row, score
        return best

    def crowd(self) -> "Crowd":
        """Return the view on arrays of this table."""
        if self._crowd is None:
            module = import_module("bookai.router.crowd")
            self._crowd = cast("Crowd", module.Crowd(self))
        return self._crowd

    def best_drawn(self, draws: int, without: Set[int]) -> int | None:
        """Return the best of `draws` rows taken by lot; None: none of them may be asked."""
        rng, luck = self.luck.rng, self.luck
        self.drawn = luck.start(draws)
        best, least = None, inf
        for z in luck.ring[self.drawn : self.drawn + draws]:
            row = int(rng.random() * len(self.members))
            if row in without:
                continue
            p = min(SURE, max(HOPELESS, self.mean[row] + self.spread[row] * z))
            score = self.price[row] / p
            if score < least:
                best, least = row, score
        return best

    def luck_of(self, row: int) -> float:
        """Return the normal number that the last choice drew for a row."""
        if isinstance(self.price, array):
            return self.crowd().luck_of(row)
        return self.luck.ring[self.drawn + row]
