"""A place that the sentence is about, and what it is or belongs to."""

from collections.abc import Iterator

from bookai.film.shots import Candidate, PlaceShot
from tools.render.shots.reading.lexicon import CASELESS, month_numbers
from tools.render.shots.reading.tokens import EDGES, Token
from tools.render.shots.told import Told

MOST_PLACE_CHARS, MOST_DETAIL_CHARS, MOST_UNSPACED_CHARS = 28, 44, 10
TOLD, BELONGING, NAMED = 0.72, 0.64, 0.6
OPENING = 0.05  # more where the sentence begins with it


def find_places(told: Told) -> Iterator[Candidate]:
    """Yield places: "in Magnitogorsk, a city in the Ural region", "in Springfield, Illinois"."""
    found = _spaced(told) if told.words.spaced else _unspaced(told)
    yield from sorted(found, key=lambda candidate: -candidate.score)[:2]


def _spaced(told: Told) -> Iterator[Candidate]:
    tokens, words = told.tokens, told.words
    for at, token in enumerate(tokens):
        if token.bare.lower() in words.places:
            yield from _beside_noun(told, at)
        if token.bare.lower() in words.within - words.of and words.cased:
            name = _name(told, at + 1)
            if not name or not name[-1].text.endswith(","):
                continue
            after = _name(told, at + 1 + len(name))
            last = at + len(name) + len(after)
            if after and after[-1].closes and not after[0].opens and not _goes_on(told, last):
                detail = told.text[after[0].bare_start : after[-1].bare_end]
                yield from _candidate(told, name, detail, BELONGING)


def _goes_on(told: Told, last: int) -> bool:
    """Tell whether the token at `last` is followed by more of it: "France, Mexico, Canada"."""
    if not told.tokens[last].text.endswith(","):
        return False
    following = [one.bare for one in told.tokens[last + 1 : last + 3]]
    if following[1:] and following[0].islower() and following[1] in told.words.of:
        return True  # "In Peru, Ann Ek, sister of": that is a person
    listed = any(bare[:1].isupper() for bare in following[:1] + following[1:2])
    return listed or any(bare in told.words.links for bare in following[:1])


def _beside_noun(told: Told, at: int) -> Iterator[Candidate]:
    """Yield "the city of X" and "X, a city in Y"; in caseless scripts "city X"."""
    tokens, words = told.tokens, told.words
    kind = tokens[at]
    if words.code in CASELESS:
        if kind.closes or at + 1 >= len(tokens):
            return
        following = tokens[at + 1]
        if following.bare.lower() not in words.stop:
            yield from _candidate(told, [following], kind.bare, NAMED)
        return
    if words.code != "de" and not kind.bare.islower():
        return
    of = at + 1 < len(tokens) and tokens[at + 1].bare.lower() in words.of
    name = _name(told, at + 1 + of) if of or words.code == "de" else []
    if name:
        yield from _candidate(told, name, kind.bare, NAMED)
    article = at
    while article > max(0, at - 3) and not tokens[article - 1].text.endswith(","):
        article -= 1
    before = _name_back(told, article - 1)
    joined = tokens[article].bare.lower() in words.links
    if before and tokens[article - 1].text.endswith(",") and not joined:
        end = _detail_end(told, at)
        detail = told.text[kind_start(tokens, article, told) : end]
        yield from _candidate(told, before, detail, TOLD)


def kind_start(tokens: tuple[Token, ...], at: int, told: Told) -> int:
    """Return where the words for a place's kind begin, without an article."""
    small = tokens[at].bare.lower() in told.words.stop
    return tokens[at + small].bare_start if at + small < len(tokens) else tokens[at].bare_start


def _detail_end(told: Told, at: int) -> int:
    """Return where "city in the Ural region of Russia" ends: at a mark."""
    for token in told.tokens[at:]:
        if token.closes or token.bare_end - told.tokens[at].start > MOST_DETAIL_CHARS:
            return token.bare_end
    return len(told.text)


def _name(told: Told, at: int) -> list[Token]:
    """Return the run of capitalised words from `at` on."""
    taken: list[Token] = []
    for token in told.tokens[at : at + 5]:
        capital = token.bare[:1].isupper() and token.bare.lower() not in told.words.stop
        joins = bool(taken) and token.text in told.words.joins
        if not (capital or joins) or token.bare in told.words.days or (token.opens and taken):
            break
        taken.append(token)
        if token.closes:
            break
    while taken and taken[-1].text in told.words.joins:
        taken.pop()
    return taken


def _name_back(told: Told, at: int) -> list[Token]:
    """Return the run of capitalised words that ends at `at`."""
    taken: list[Token] = []
    for token in reversed(told.tokens[max(0, at - 4) : at + 1]):
        capital = token.bare[:1].isupper() and token.bare.lower() not in told.words.stop
        if not capital or (taken and token.closes) or token.bare in told.words.days:
            break
        taken.insert(0, token)
    return taken


def _candidate(told: Told, name: list[Token], detail: str, score: float) -> Iterator[Candidate]:
    place = told.text[name[0].bare_start : name[-1].bare_end]
    letters = sum(char.isalpha() for char in place)
    if place in month_numbers(told.words.code) or letters < 2 or place.endswith(("'s", "\u2019s")):
        return
    if len(place) > MOST_PLACE_CHARS or len(detail) > MOST_DETAIL_CHARS:
        return
    opens = name[0].start < len(told.text) // 4
    yield Candidate(
        shot=PlaceShot(place=place, detail=detail.strip(EDGES)),
        score=score + OPENING * opens,
        why=f"a place: {place}" + (f", {detail}" if detail else ""),
    )


def _unspaced(told: Told) -> Iterator[Candidate]:
    """Yield words that end (or in Thai begin) with a place's noun: 北京市, จังหวัดเชียงใหม่."""
    for token in told.tokens:
        bare = token.bare
        for particle in told.words.particles:
            bare = bare.removesuffix(particle)
        ends = bare.endswith(tuple(told.words.places)) or bare.startswith(
            tuple(place for place in told.words.places if len(place) > 1)
        )
        if ends and 2 < len(bare) <= MOST_UNSPACED_CHARS and bare in told.text:
            yield Candidate(shot=PlaceShot(place=bare), score=NAMED, why=f"a place: {bare}")
