"""Prometheus instruments whose series cannot grow without end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram, Summary, disable_created_metrics

from bookai.metrics.labels import OTHER, Label

# One series less for every counter, summary and histogram; nobody asks when counting began.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types

M = TypeVar("M", Counter, Gauge, Histogram, Summary)


@dataclass(frozen=True, slots=True)
class Family:
    """What the catalogue knows of one metric; `worst` is how many series it may ever have."""

    name: str
    kind: str
    help: str
    labels: tuple[Label, ...]
    most: int
    worst: int

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels, in order."""
        return tuple(label.name for label in self.labels)


CATALOGUE: dict[str, Family] = {}
"""Every metric of the studio, by the name that a query uses (counters with `_total`)."""


class Bounded(Generic[M]):
    """A metric with labels, used like the library's own: `X.labels("a", "b").inc()`.

    Each value is first made one that its label may carry. A child beyond the family's limit
    becomes the one that says `other` everywhere, so the limit holds whatever happens.
    """

    def __init__(self, metric: M, family: Family) -> None:
        self._metric: M = metric
        self.family = family
        self._children: dict[tuple[str, ...], M] = {}
        self._lock = Lock()

    def labels(self, *values: object) -> M:
        """Return the child for these values; keep it where it is asked for often."""
        key = tuple(map(str, values))
        known = tuple(
            label.admit(value) for label, value in zip(self.family.labels, key, strict=True)
        )
        child = self._children.get(known)
        if child is not None:
            return child
        with self._lock:
            if len(self._children) >= self.family.most - 1:
                known = (OTHER,) * len(known)
            return self._children.setdefault(known, self._metric.labels(*known))

    def remove(self, *values: object) -> None:
        """Forget one child: what it spoke of is gone."""
        with self._lock:
            if self._children.pop(tuple(map(str, values)), None) is not None:
                self._metric.remove(*values)


def counter(name: str, text: str, *labels: Label, most: int = 0) -> Bounded[Counter]:
    """Return a counter with labels; `name` ends in `_total`."""
    return Bounded(Counter(name, text, _names(labels)), enter(name, "counter", text, labels, most))


def gauge(name: str, text: str, *labels: Label, most: int = 0) -> Bounded[Gauge]:
    """Return a gauge with labels."""
    return Bounded(Gauge(name, text, _names(labels)), enter(name, "gauge", text, labels, most))


def summary(name: str, text: str, *labels: Label, most: int = 0) -> Bounded[Summary]:
    """Return a summary: a sum and a count for each child, which is a mean for two series."""
    family = enter(name, "summary", text, labels, most, each=2)
    return Bounded(Summary(name, text, _names(labels)), family)


def histogram(
    name: str, text: str, *labels: Label, buckets: Sequence[float], most: int = 0
) -> Bounded[Histogram]:
    """Return a histogram with labels; each child costs its buckets and three series more."""
    family = enter(name, "histogram", text, labels, most, each=len(buckets) + 3)
    return Bounded(Histogram(name, text, _names(labels), buckets=buckets), family)


def one_counter(name: str, text: str) -> Counter:
    """Return a counter without labels."""
    enter(name, "counter", text, (), 0)
    return Counter(name, text)


def one_gauge(name: str, text: str) -> Gauge:
    """Return a gauge without labels."""
    enter(name, "gauge", text, (), 0)
    return Gauge(name, text)


def one_histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
    """Return a histogram without labels."""
    enter(name, "histogram", text, (), 0, each=len(buckets) + 3)
    return Histogram(name, text, buckets=buckets)


def enter(
    name: str, kind: str, text: str, labels: tuple[Label, ...], most: int, *, each: int = 1
) -> Family:
    """Write a metric into the catalogue; `each` is how many series one child has."""
    product = math.prod(label.most for label in labels)
    children = min(product, most) if most else product
    family = Family(name, kind, text, labels, children, children * each)
    CATALOGUE[name] = family
    return family


def _names(labels: Sequence[Label]) -> tuple[str, ...]:
    return tuple(label.name for label in labels)
