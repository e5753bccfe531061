"""Cut a sentence into captions of at most two lines, where a reader would breathe."""

from collections.abc import Sequence
from dataclasses import dataclass

_STOPS = ".!?;:…—–。！？；؟؛۔।॥"  # noqa: RUF001 (stops of several scripts)
_PAUSES = ",،)”»、，）」』"  # noqa: RUF001
# A line that ends with one of these reads as if it had been cut off.
_LEANING_TEXT = """
    a an the of to in on at by for from with and or but as is are was were be been that which who
    its their his her our your this these than not no will would can could has have had
    der die das dem den ein eine und im am le la les un une de du des et au aux en qui que el los
    las y o con por para del al il lo gli e di da che della dei do dos das os em um uma
    и в на с о у к по из за от что как не ο η το οι τα και του της των να σε με για από"""  # noqa: RUF001
_LEANING = frozenset(_LEANING_TEXT.split())
MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Phrase:
    """A caption: for each of its lines the word numbers `first` to `last` (exclusive)."""

    lines: tuple[tuple[int, int], ...]

    @property
    def first(self) -> int:
        """The number of its first word."""
        return self.lines[0][0]

    @property
    def last(self) -> int:
        """The number after its last word."""
        return self.lines[-1][1]


def cut(
    words: Sequence[str], widths: Sequence[float], gaps: Sequence[float], room: float
) -> list[Phrase]:
    """Return the best captions for one sentence.

    `widths` are those of the words, `gaps` the space before each (a line's first has none), `room`
    a line's width, all in pixels. No single word may be wider than `room`: break it first.
    """
    measure = _Measure(words, widths, gaps, room)
    tails = [0.0] * (len(words) + 1)
    chosen: list[Phrase | None] = [None] * len(words)
    for first in range(len(words) - 1, -1, -1):
        tails[first] = float("inf")
        for last in range(first + 1, min(first + MOST_WORDS, len(words)) + 1):
            laid = measure.lay(first, last)
            if laid is None:
                break
            if laid[0] + tails[last] < tails[first]:
                tails[first], chosen[first] = laid[0] + tails[last], laid[1]
    phrases: list[Phrase] = []
    while not phrases or phrases[-1].last < len(words):
        phrase = chosen[phrases[-1].last if phrases else 0]
        assert phrase is not None, "one word always fits a line"
        phrases.append(phrase)
    return phrases


@dataclass(frozen=True, slots=True)
class _Measure:
    """A sentence's words with their widths."""

    words: Sequence[str]
    widths: Sequence[float]
    gaps: Sequence[float]
    room: float

    def width(self, first: int, last: int) -> float:
        """Return how wide words are on one line."""
        return sum(self.widths[first:last]) + sum(self.gaps[first + 1 : last])

    def lay(self, first: int, last: int) -> tuple[float, Phrase] | None:
        """Return the cost and the lines of one caption, or None where it needs a third line."""
        total = self.width(first, last)
        cost = _cost(self.words, first, last, total / self.room)
        if total <= self.room:
            return cost, Phrase(((first, last),))
        splits = [
            (abs(above - below) / self.room + _bad_end(self.words[k - 1]), k)
            for k in range(first + 1, last)
            if (above := self.width(first, k)) <= self.room
            and (below := self.width(k, last)) <= self.room
        ]
        if not splits:
            return None
        clumsy, k = min(splits)
        return cost + 0.25 * clumsy, Phrase(((first, k), (k, last)))


def _cost(words: Sequence[str], first: int, last: int, fill: float) -> float:
    """Return how badly the words read as one caption; `fill` is the width in lines."""
    cost = 1.0 + 1.2 * (fill - 1.4) ** 2
    inner = words[first : last - 1]
    cost += 2.5 * sum(word[-1] in _STOPS for word in inner)
    cost += 0.7 * sum(word[-1] in _PAUSES for word in inner)
    if last < len(words):
        end = words[last - 1]
        if end[-1] in _STOPS or end[-1] in _PAUSES:
            cost -= 0.6
        cost += 0.9 * _leans(end)
        if last == len(words) - 1:
            cost += 0.8
    if last - first == 1:
        cost += 0.6
    return cost


def _bad_end(word: str) -> float:
    """Return how badly a line ends on a word; a comma there is worth a step in the lengths."""
    return 0.6 * _leans(word) - 0.5 * (word[-1] in _PAUSES or word[-1] in _STOPS)


def _leans(word: str) -> bool:
    return word.lower() in _LEANING
