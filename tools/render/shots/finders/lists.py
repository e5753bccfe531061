"""A list that builds up: three or more things that a sentence names one after the other."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bookai.film.shots import Candidate, Item, ListShot
from bookai.text.verbs import has_finite_verb
from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.reading.signs import MINUSES
from tools.render.shots.reading.tokens import Token, bare, cut
from tools.render.shots.told import Told

LEAST_ITEMS, MOST_ITEMS = 3, 6
MOST_ITEM_CHARS, MOST_UNSPACED_CHARS = 32, 14
MOST_ITEM_WORDS = 4
NAMES, THINGS = 0.83, 0.74
_COMMA = re.compile("[,;،、，；]")  # noqa: RUF001


def find_lists(told: Told) -> Iterator[Candidate]:
    """Yield the sentence's enumeration: items between commas, the last one behind "and"."""
    for items in _enumerations(told):
        texts = [item.text for item in items]
        if len({text.lower() for text in texts}) < len(texts):
            continue
        named = told.words.cased and all(text[:1].isupper() for text in texts)
        score = (NAMES if named else THINGS) + 0.01 * len(items)
        said = ", ".join(texts)
        yield Candidate(
            shot=ListShot(items=items), score=score, why=f"{len(items)} things named: {said}"
        )
        return


def _enumerations(told: Told) -> Iterator[tuple[Item, ...]]:
    text, words = told.text, told.words
    spans = _pieces(text, words)
    for last, (start, end, linked) in enumerate(spans):
        if not linked:
            continue
        middle: list[Item] = []
        at = last - 1
        while at > 0 and len(middle) < MOST_ITEMS - 2:
            item = _whole(text, spans[at][0], spans[at][1], words)
            if item is None or spans[at][2]:
                break
            middle.insert(0, item)
            at -= 1
        if at > 0 and len(middle) == MOST_ITEMS - 2:
            continue  # a part of a long list would be shown as if it were all of it
        most = max((len(item.text.split()) for item in middle), default=1)
        first = _tail(text, spans[at][0], spans[at][1], words, most)
        final = _head(text, start, end, words, most)
        items = [item for item in (first, *middle, final) if item is not None]
        complete = final is not None and len(items) >= LEAST_ITEMS and _alike(items, words)
        sure = "," in text[spans[last - 1][1] : start] or not words.spaced
        if complete and (sure or len(items) > LEAST_ITEMS or not _explains(told, spans[at], items)):
            yield tuple(items)


def _explains(told: Told, first_piece: tuple[int, int, bool], items: Sequence[Item]) -> bool:
    """Tell whether A and B may only explain what stands before: "Two senators, A and B"."""
    named = told.words.code == "en" and all(item.text[:1].isupper() for item in items)
    end = first_piece[1]
    first = told.tokens[0].bare.lower()
    opening = [token for token in told.tokens if token.start < end]
    led_up = len(opening) <= 3 and first in told.words.within | {"according", "after"}
    return named or led_up


def _pieces(text: str, words: Lexicon) -> list[tuple[int, int, bool]]:
    """Return what stands between commas and linking words: (start, end, behind a link)."""
    if not words.links:
        return []
    either = "|".join(re.escape(link) for link in sorted(words.links, key=len, reverse=True))
    link = rf"(?P<link>[,;،、，；]?\s(?:{either})\s)" if words.spaced else rf"(?P<link>{either})"  # noqa: RUF001
    pieces: list[tuple[int, int, bool]] = []
    at, linked = 0, False
    for match in re.finditer(rf"{link}|{_COMMA.pattern}", text):
        if match.group() == "," and text[match.end() : match.end() + 1].isdigit():
            continue
        pieces.append((at, match.start(), linked))
        at, linked = match.end(), match["link"] is not None
    return [*pieces, (at, len(text), linked)]


def _tokens(text: str, start: int, end: int, words: Lexicon) -> list[Token]:
    """Return the words of a piece, their places counted from its start.

    An unspaced script is cut as a whole: a piece alone can be cut wrong at its edges.
    """
    if words.spaced:
        return [one for one in cut(text[start:end], words) if one.bare]
    return [
        replace(
            one,
            start=one.start - start,
            bare_start=one.bare_start - start,
            bare_end=one.bare_end - start,
            closes=one.closes and one.bare_end < end,
        )
        for one in cut(text, words)
        if one.bare and start <= one.bare_start and one.bare_end <= end
    ]


def _whole(text: str, start: int, end: int, words: Lexicon) -> Item | None:
    """Return everything between two commas as an item, where it is short enough for one."""
    tokens = _without_article(_tokens(text, start, end, words), words)
    if not tokens or any(_breaks(token, words) for token in tokens):
        return None
    if words.code == "en" and (tokens[-1].bare.endswith("ed") or tokens[0].bare.endswith("ly")):
        return None
    return _item(text, start, tokens, words)


def _tail(text: str, start: int, end: int, words: Lexicon, most: int) -> Item | None:
    """Return the first item: the words right before the first comma, back to a small word."""
    tokens = _tokens(text, start, end, words)
    taken: list[Token] = []
    for token in reversed(tokens):
        capital = bool(taken) and token.bare[:1].isupper() and taken[0].bare[:1].isupper()
        capital = capital and words.cased and start + token.start > 0
        if _breaks(token, words) or token.closes or (len(taken) >= most and not capital):
            break
        if taken and token.bare.endswith(words.topics):
            break
        if taken and taken[0].bare[:1].isupper() and not token.bare[:1].isupper() and words.cased:
            break
        taken.insert(0, token)
        if token.opens:
            break
    at = tokens.index(taken[0]) if taken else 0
    counted = at > 0 and tokens[at - 1].bare.lower() in words.numerals
    # "Two senators, Ann Ek and Bo Ask": what is counted heads the list, it is no entry of it.
    return _item(text, start, taken, words) if taken and not counted else None


def _head(text: str, start: int, end: int, words: Lexicon, most: int) -> Item | None:
    """Return the last item: the words behind "and" up to a small word or a mark."""
    tokens = _without_article(_tokens(text, start, end, words), words)
    taken: list[Token] = []
    for token in tokens:
        acting = bool(taken) and token.bare.endswith("ing")
        if (_breaks(token, words) and not acting) or (token.opens and taken):
            break
        joins = token.bare in words.joins - words.stop - words.within
        lower = not (joins or token.bare[:1].isupper())
        if taken and taken[0].bare[:1].isupper() and lower and words.cased:
            break
        taken.append(token)
        if token.closes or len(taken) > max(most, MOST_ITEM_WORDS):
            break
    while words.code == "en" and len(taken) > 1 and taken[-1].bare.endswith("ed"):
        taken.pop()
    if taken and words.code == "en" and has_finite_verb(f"it {taken[0].bare}"):
        return None
    return _item(text, start, taken, words) if taken else None


def _without_article(tokens: Sequence[Token], words: Lexicon) -> list[Token]:
    if not tokens:
        return []
    first = tokens[0].bare.lower()
    small = first in (words.articles or words.stop)
    return list(tokens[1:] if small else tokens)


def _breaks(token: Token, words: Lexicon) -> bool:
    """Tell whether a word can't stand in an item: a small word, a figure, a day."""
    low = token.bare.lower()
    small = low in words.stop and token.bare not in words.joins
    figure = token.bare.lstrip(MINUSES)[:1].isdigit() or any(
        part in words.numerals for part in low.split("-")
    )
    acting = words.code == "en" and low.endswith("ing") and token.bare.islower()
    return small or figure or acting or token.bare in words.days


def _item(text: str, start: int, tokens: Sequence[Token], words: Lexicon) -> Item | None:
    tokens = list(tokens)
    while tokens and tokens[-1].bare in words.joins:
        tokens.pop()
    while tokens and tokens[0].bare in words.joins:
        tokens.pop(0)
    if not tokens or (words.spaced and len(tokens) > MOST_ITEM_WORDS):
        return None
    begin, end = start + tokens[0].bare_start, start + tokens[-1].bare_end
    shown = bare(text[begin:end])
    for copula in words.copulas:
        shown = shown.removesuffix(copula)
    most = MOST_ITEM_CHARS if words.spaced else MOST_UNSPACED_CHARS
    letters = any(char.isalpha() for char in shown)
    return Item(text=shown, at=begin) if letters and len(shown) <= most else None


def _alike(items: Sequence[Item], words: Lexicon) -> bool:
    """Tell whether items are of one kind: all names or none is, none far longer than another."""
    if words.cased:
        capitals = {item.text[:1].isupper() for item in items}
        if len(capitals) > 1:
            return False
    lengths = [len(item.text) for item in items]
    return max(lengths) <= 6 * min(lengths)
