"""The same story in several feeds: items whose titles say the same, or that lead to one page."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from bookai.market import SeenItem
from tools.sources.intake.topics import words

# Both must hold: spelling alike (on titles handed in twice, 56 % lets in 0.1 % of strangers; we ask
# for more), and two thirds of the words in common, so that a short title does not join every
# longer one about the same matter. Rather two stories too many than one too big.
ALIKE = 70.0
IN_COMMON = 2 / 3
# A word in more titles than this is no sign of a story, and comparing all of them would be slow.
RARE = 25


def group(items: Sequence[SeenItem]) -> list[list[SeenItem]]:
    """Return the items story by story; an item nobody else tells is a story by itself."""
    leads = list(range(len(items)))

    def lead(index: int) -> int:
        while leads[index] != index:
            leads[index] = leads[leads[index]]
            index = leads[index]
        return index

    for one, other in _pairs(items):
        first, second = sorted((lead(one), lead(other)))
        leads[second] = first
    stories: dict[int, list[SeenItem]] = defaultdict(list)
    for index, item in enumerate(items):
        stories[lead(index)].append(item)
    return list(stories.values())


def publisher(url: str) -> str:
    """Return who is behind an address: its host's last two names, or three as in `co.uk`.

    Two blogs of one big host count as one publisher: rather too few than too many.
    """
    names = (urlsplit(url).hostname or url).removeprefix("www.").split(".")
    country_code = len(names) > 2 and len(names[-1]) == 2 and len(names[-2]) <= 3
    return ".".join(names[-3:] if country_code else names[-2:])


def _pairs(items: Sequence[SeenItem]) -> Iterable[tuple[int, int]]:
    """Yield the pairs that are one story."""
    pages: dict[str, list[int]] = defaultdict(list)
    places: dict[str, list[int]] = defaultdict(list)
    said = [words(item.title) for item in items]
    for index, item in enumerate(items):
        pages[item.url].append(index)
        for word in said[index]:
            places[word].append(index)
    for same in pages.values():
        yield from ((same[0], other) for other in same[1:])
    close = {
        pair
        for where in places.values()
        if 1 < len(where) <= RARE
        for pair in combinations(where, 2)
    }
    for one, other in sorted(close):
        shared = len(said[one] & said[other])
        share = 2 * shared / (len(said[one]) + len(said[other]))
        if shared > 1 and share >= IN_COMMON and _alike(items[one], items[other]):
            yield one, other


def _alike(one: SeenItem, other: SeenItem) -> bool:
    return fuzz.token_set_ratio(one.title.casefold(), other.title.casefold()) >= ALIKE
