"""The words of a language that the finders look for, from `languages/<code>.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from bookai.records import Record

_FOLDER = Path(__file__).resolve().parent.parent / "languages"
UNSPACED = frozenset({"zh", "ja", "th"})
CASELESS = frozenset({"ar", "he", "hi", "th", "zh", "ja", "ko"})


def _split(value: object) -> object:
    return frozenset(value.split()) if isinstance(value, str) else value


def _longest_first(value: object) -> object:
    return sorted(value, key=len, reverse=True) if isinstance(value, list) else value


WordSet = Annotated[frozenset[str], BeforeValidator(_split)]
Phrases = Annotated[tuple[str, ...], BeforeValidator(_longest_first)]


class Lexicon(Record):
    """What one language says in a few closed classes; a language without a file has none of it.

    `stop` are words that carry no meaning of their own, `joins` those that may stand inside a
    name but for `splits`, which no speaker's name has, `articles` those before a noun, `nots` those
    that turn the sense round, `denies` those that deny or doubt it, `minus` stand before a figure
    below zero and `unders` behind it; `signs` are those of `minus` that mean nothing else where a
    unit follows, such as `degrees`. `rises` and `falls` tell a figure's way; `states` are those of
    them that tell of no move ("more", "profit"). `froms` stand before what it was, `sinces` behind
    that, `intos` before what it became, or behind it where `sinces` stand behind what it was.
    `shares` stand inside "1 in 5", `of` are those between a figure and whose
    it is, `links` those before the last entry of a list, `tos` those between the ends of a range.
    `leads` change what a number means ("more than"), `scales` multiply
    it, `numerals` are numbers in words; `numbered` are nouns that a number merely names ("chapter
    3"), `spans` those of stretches of time, `after` words that never end the noun behind a number.
    `money` gives each currency its sign. `months` has twelve entries, each with its spellings.
    `says` stand before a speaker, `says_after` behind one, `reporting` between a quotation and its
    speaker; `defines` between a term and its meaning, `places` are nouns of places, `within` the
    prepositions before one. `particles` end a word without belonging to it, `counters` follow a
    number directly. `topics` end words that lead up to a list, `copulas` close its last entry, and
    `verbal` endings are those of no noun.
    """

    code: str
    decimal_comma: bool = False
    stop: WordSet = frozenset()
    joins: WordSet = frozenset()
    articles: WordSet = frozenset()
    nots: WordSet = frozenset()
    denies: WordSet = frozenset()
    minus: WordSet = frozenset()
    signs: Phrases = ()
    degrees: Phrases = ()
    unders: Phrases = ()
    froms: Phrases = ()
    intos: Phrases = ()
    sinces: Phrases = ()
    rises: WordSet = frozenset()
    falls: WordSet = frozenset()
    states: WordSet = frozenset()
    shares: Phrases = ()
    splits: WordSet = frozenset()
    links: WordSet = frozenset()
    of: WordSet = frozenset()
    numbered: WordSet = frozenset()
    spans: WordSet = frozenset()
    after: WordSet = frozenset()
    leads: Phrases = ()
    numerals: dict[str, float] = Field(default_factory=dict)
    tos: WordSet = frozenset()
    scales: dict[str, float] = Field(default_factory=dict)
    percents: Phrases = ()
    money: dict[str, str] = Field(default_factory=dict)
    months: tuple[str, ...] = ()
    days: WordSet = frozenset()
    says: Phrases = ()
    says_after: Phrases = ()
    reporting: WordSet = frozenset()
    defines: Phrases = ()
    places: WordSet = frozenset()
    within: WordSet = frozenset()
    particles: Phrases = ()
    counters: Phrases = ()
    topics: Phrases = ()
    copulas: Phrases = ()
    verbal: Phrases = ()

    @property
    def spaced(self) -> bool:
        """Whether words stand apart."""
        return self.code not in UNSPACED

    @property
    def cased(self) -> bool:
        """Whether names begin with a capital and other words don't: not in German."""
        return self.code not in CASELESS and self.code != "de"


@cache
def month_numbers(code: str) -> dict[str, int]:
    """Return every spelling of a month's name with its number, 1 to 12."""
    return {
        name: number
        for number, spellings in enumerate(lexicon(code).months, start=1)
        for name in spellings.split("|")
    }


@cache
def lexicon(language: str) -> Lexicon:
    """Return the words of a language ("en", "pt-BR"); of an unknown one there are none."""
    code = language.lower().replace("_", "-").partition("-")[0]
    path = _FOLDER / f"{code}.toml"
    if not code.isalpha() or not path.is_file():
        return Lexicon(code=code)
    return Lexicon(code=code, **tomllib.loads(path.read_text(encoding="utf-8")))
