"""A definition: a term and what it means, where the sentence says just that."""

import re
from collections.abc import Iterator

from bookai.film.shots import Candidate, DefinitionShot
from bookai.text.verbs import has_finite_verb
from tools.render.shots.reading.lexicon import month_numbers
from tools.render.shots.reading.tokens import CLAUSE_MARKS, bare
from tools.render.shots.told import Told

MOST_TERM_WORDS, MOST_TERM_CHARS, MOST_UNSPACED_CHARS = 4, 32, 12
LEAST_MEANING_CHARS, MOST_MEANING_CHARS = 8, 110
SCORE, ROLE = 0.7, 0.58
MOST_ROLE_WORDS = 9
QUOTES = "“”„«»「」"  # "he is a liar" is what somebody says, not what he is
_FURTHER = re.compile(rf"[{re.escape(CLAUSE_MARKS)}]\s")


def find_definitions(told: Told) -> Iterator[Candidate]:
    """Yield term and meaning of a sentence such as "A leap second is a second added ..."."""
    if told.kind == "quote" or any(mark in told.text for mark in QUOTES):
        yield from _appositions(told)
        return
    for defines in told.words.defines:
        between = re.compile(rf"\s{re.escape(defines)}\s" if told.words.spaced else defines)
        match = between.search(told.text)
        if match is None:
            continue
        term, meaning = _term(told, told.text[: match.start()]), _meaning(told, match.end())
        if term and meaning:
            yield Candidate(
                shot=DefinitionShot(term=term, meaning=meaning),
                score=SCORE,
                why=f"it says what {term!r} is",
            )
            return
    yield from _appositions(told)


def _appositions(told: Told) -> Iterator[Candidate]:
    """Yield who a name is: "Jasim Uddin, a spokesperson for the fire service, said"."""
    tokens, words = told.tokens, told.words
    for at in range(1, len(tokens) - 2):
        article = tokens[at].text.lower() in words.articles
        if not (article and tokens[at - 1].text.endswith(",") and words.cased):
            continue
        name = _name_before(told, at)
        stop = next((end for end in range(at + 1, len(tokens)) if tokens[end].closes), 0)
        if not name or not tokens[stop].text.endswith((",", ".")):
            continue
        meaning = told.text[tokens[at + 1].bare_start : tokens[stop].bare_end]
        short = stop - at <= MOST_ROLE_WORDS and len(meaning) <= MOST_MEANING_CHARS
        if (
            short
            and _is_role(told, at, name, meaning)
            and stop > at + 1
            and tokens[at + 1].bare[:1].islower()
        ):
            yield Candidate(
                shot=DefinitionShot(term=name, meaning=meaning),
                score=ROLE,
                why=f"it says who or what {name!r} is",
            )
            return


def _is_role(told: Told, at: int, name: str, meaning: str) -> bool:
    """Tell whether words behind a comma say who a name is, and don't begin a clause.

    Elsewhere than in English only a sentence that opens with the name is sure enough.
    """
    start = told.text.find(name)
    if told.words.code != "en":
        return start == 0
    before = told.text[:start].split()
    part = bool(before) and (before[-1].lower() in told.words.joins or before[-1] == "&")
    led_up = bool(before) and before[0].lower() in told.words.stop | told.words.within
    definite = told.tokens[at].text not in ("a", "an")
    held = bool(before) and before[-1].lower() in told.words.within
    return not (part or has_finite_verb(meaning) or (definite and (led_up or held)))


def _name_before(told: Told, at: int) -> str:
    """Return the capitalised words right before the token at `at`."""
    start = at
    while start > 0 and told.tokens[start - 1].bare[:1].isupper():
        one = told.tokens[start - 1]
        small = one.bare.lower() in told.words.stop or one.bare in told.words.days
        if small or (start < at and one.closes):
            break
        start -= 1
    dated = any(told.tokens[n].bare in month_numbers(told.words.code) for n in range(start, at))
    if start == at or dated or at - start > MOST_TERM_WORDS + 1:
        return ""
    return told.text[told.tokens[start].bare_start : told.tokens[at - 1].bare_end]


def _term(told: Told, before: str) -> str:
    """Return the term: all that stands before the verb, without its article; no pronoun.

    "The man is a ..." defines nothing: behind a definite article only a name is a term.
    """
    if any(mark in before for mark in CLAUSE_MARKS):
        return ""
    pieces = before.split()
    if pieces and pieces[0].lower() in told.words.stop and len(pieces) > 1:
        one = any(defines.endswith(f" {pieces[0].lower()}") for defines in told.words.defines)
        if told.words.cased and not one and not pieces[1][:1].isupper():
            return ""
        pieces = pieces[1:]
    if any(piece.lower() in told.words.stop - told.words.joins for piece in pieces):
        return ""
    term = bare(" ".join(pieces))
    most = MOST_TERM_CHARS if told.words.spaced else MOST_UNSPACED_CHARS
    fits = 1 < len(term) <= most and len(pieces) <= MOST_TERM_WORDS
    return term if fits and term in before else ""


def _meaning(told: Told, at: int) -> str:
    """Return what the term means: up to the end of the clause that says it."""
    rest = told.text[at:]
    if rest.startswith("of "):  # "is one of the ..." says what it belongs to
        return ""
    further = _FURTHER.search(rest)
    meaning = bare(rest[: further.start()] if further else rest)
    least = LEAST_MEANING_CHARS if told.words.spaced else LEAST_MEANING_CHARS // 3
    return meaning if least <= len(meaning) <= MOST_MEANING_CHARS else ""
