"""Find what a sentence's card may show: its number, its quotation, its name or key phrase.

Only words that stand in the sentence are ever returned, in their order; nothing is invented.
"""

import re
from dataclasses import dataclass

from tools.render.text.stopwords import (
    CONNECTORS,
    DATE_WORDS,
    NO_LABELS,
    NUMBERED,
    QUALIFIERS,
    STOPWORDS,
    TEENS,
)

MOST_LABEL_WORDS = 3
MOST_LABEL_CHARS = 24
MOST_VALUE_CHARS = 14  # a figure is shown whole or not at all
MOST_PHRASE_CHARS = 44

_NUMBER = re.compile(
    r"(?<![\w.,:/\-+#])(?P<value>[$€£¥]?\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?:\.\d+)?%?"
    r"|[$€£¥]?\d+(?:\.\d+)?(?:%|°[CF]?|st|nd|rd|th|[kKMB]n?)?)"
    r"(?![\w/\-\u2013]|[.,:]\d)"
    r"(?:\s(?P<scale>million|billion|trillion|thousand|percent|per cent"
    r"|Millionen|Milliarden|Prozent)\b)?"
)
_OWNS = ("'s", "\u2019s")
_NO_NOUN = ("ly", "ed", "ing", *_OWNS)
_WORD = re.compile(r"[^\s]+")
_QUOTE = re.compile('[“"„«](?P<inner>[^“”"„«»]{12,})[”"“»]')
_SAID = re.compile(
    r"\b(?:said|says|told|wrote|writes|added|explained|according to)\b\s+(?P<who>[^,.;:“”\"]{2,40})"
)
_ENDINGS = ',.;:!?…”"'
_EDGES = " \t,.;:!?…“”\"'‘’()[]«»„–—-"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Number:
    """A prominent number: `lead` ("more than"), `value`, `unit` ("million"), `label` ("people").

    `at` is the offset of the value in the sentence.
    """

    value: str
    unit: str
    lead: str
    label: str
    at: int

    @property
    def weak(self) -> bool:
        """Whether it is a mere "in 1951": a name says more."""
        bare = not self.unit and not self.label
        return bare and self.value.isdigit() and self.lead.lower() in ("", "in", "from")


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation and, where the sentence names the speaker, who said it."""

    text: str
    who: str


def find_number(sentence: str) -> Number | None:
    """Return the number most worth a card, or None: a bare figure without a noun is none."""
    ranked = []
    for match in _NUMBER.finditer(sentence):
        value, unit = match["value"], match["scale"] or ""
        money = value[0] in "$€£¥" or value[-1] in "%°" or bool(unit)
        year = re.fullmatch(r"1[5-9]\d\d|20\d\d", value) is not None and not unit
        label = "" if year else _label(sentence[match.end() :], of=bool(unit) or value[-1] == "%")
        lead = _lead(sentence[: match.start()])
        if len(value) > MOST_VALUE_CHARS or not (money or year or label):
            continue
        if label.split(" ")[0] in NO_LABELS or (label and _names_a_thing(sentence, match.start())):
            continue
        score = 3 * money + 2 * bool(label) + 1 * year + (len(re.sub(r"\D", "", value)) > 1)
        # Of two years the later one is mostly the news, of two counts the first one.
        order = -match.start() if year else match.start()
        ranked.append((-score, order, Number(value, unit, lead, label, match.start())))
    return min(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def find_quote(sentence: str) -> Quote | None:
    """Return the quotation marked as such in the sentence."""
    match = _QUOTE.search(sentence)
    if match is None:
        return None
    rest = f"{sentence[: match.start()]} {sentence[match.end() :]}"
    said = _SAID.search(rest)
    return Quote(match["inner"].strip(" ,"), said["who"].strip() if said else "")


def find_phrase(sentence: str, language: str, seen: frozenset[str] = frozenset()) -> str:
    """Return two to five words that name what the sentence is about, or "" where nothing fits.

    `seen` are phrases used before, in lower case; a headline never comes twice.
    """
    names = sorted(_names(sentence), key=lambda name: -min(len(name), 24))
    for phrase in [*names, *(_runs(sentence) if language == "en" else [])]:
        if phrase.lower() not in seen and phrase in sentence:
            return phrase
    return ""


def _names_a_thing(sentence: str, at: int) -> bool:
    """Tell whether a number belongs to the word before: "category 1", "Boeing 737 jets"."""
    before = sentence[:at].split()
    if not before or before[-1][-1] in _ENDINGS:
        return False
    word = before[-1].strip(_EDGES)
    return word.lower() in NUMBERED or (word[:1].isupper() and len(before) > 1)


def _label(after: str, *, of: bool) -> str:
    """Return the noun right after a number: up to the first stop word or punctuation mark."""
    taken: list[str] = []
    for match in _WORD.finditer(after):
        word = match[0]
        bare = word.strip(_EDGES)
        opening = of and not taken and bare == "of"
        stopped = bare.lower() in STOPWORDS and not opening
        if not bare[:1].isalpha() or word[0] in _EDGES or stopped:
            break
        taken.append(bare)
        if word[-1] in _EDGES or len(taken) == MOST_LABEL_WORDS + (taken[0] == "of"):
            break
    while taken and (len(" ".join(taken)) > MOST_LABEL_CHARS or _verbal(taken[-1], len(taken))):
        taken.pop()
    label = " ".join(taken)
    return "" if label == "of" or label not in after else label


def _verbal(word: str, position: int) -> bool:
    return position > 1 and (word.endswith("ed") or word.lower() in TEENS)


def _lead(before: str) -> str:
    """Return the words right before a number that change its meaning ("more than", "by")."""
    tail = before.rstrip()
    if not tail or tail[-1] in _EDGES.replace(",", ""):
        return ""
    date = re.search(r"(?:\b\d{1,2}\s)?\b([A-Z][a-z]+)(?:\s\d{1,2},)?$", tail)
    if date and date[1] in DATE_WORDS:
        return date[0].rstrip(",").strip()
    lower = tail.lower()
    for lead in QUALIFIERS:
        if lower.endswith(lead) and not lower[: -len(lead)][-1:].isalnum():
            return tail[len(tail) - len(lead) :]
    return ""


def _names(sentence: str) -> list[str]:
    """Return runs of capitalised words, without the word that merely starts the sentence."""
    names: list[str] = []
    run: list[str] = []
    first = 0
    for number, word in enumerate([*sentence.split(), "."]):
        bare = word.strip(_EDGES)
        joins = bool(run) and word == bare and bare in CONNECTORS
        if word[0] in '([“"„«' and run:
            names += _closed(run, first == 0)
            run = []
        if _capital(bare) or joins or (run and _owned(run[-1], bare)):
            first = first if run else number
            run.append(word)
            if joins or word[-1] not in _ENDINGS:
                continue
        names += _closed(run, first == 0)
        run = []
    return names


def _capital(bare: str) -> bool:
    return bare[:1].isupper() and bare.lower() not in STOPWORDS and bare not in DATE_WORDS


def _owned(owner: str, bare: str) -> bool:
    """Tell whether `bare` completes a possessive: "Earth's" alone says nothing."""
    return owner.endswith(_OWNS) and bare.isalpha() and bare.lower() not in STOPWORDS


def _closed(run: list[str], opens: bool) -> list[str]:
    while run and run[-1] in CONNECTORS:
        run = run[:-1]
    name = " ".join(run).strip(_EDGES)
    if name.endswith(_OWNS):
        return []
    alone = len(run) == 1 and (opens or len(name) < 4) and not (name.isupper() and len(name) > 2)
    if not name or alone or len(run) > 7 or len(name) > MOST_PHRASE_CHARS:
        return []
    return [name]


def _plain(bare: str) -> bool:
    return bare.replace("-", "").replace("'", "").replace("\u2019", "").isalpha()


def _runs(sentence: str) -> list[str]:
    """Return runs of two to four content words, the longest first."""
    runs: list[list[str]] = [[]]
    for word in sentence.split():
        bare = word.strip(_EDGES)
        if bare.lower() in STOPWORDS or word[0] in _EDGES or not _plain(bare):
            runs.append([])
            continue
        runs[-1].append(bare)
        if word[-1] in _EDGES:
            runs.append([])
    phrases = [
        " ".join(run)
        for run in runs
        if 2 <= len(run) <= 4
        and not run[-1].endswith(_NO_NOUN)
        and not run[0].endswith(("ly", "ed"))
        and len(" ".join(run)) >= 8
    ]
    return sorted(
        (phrase for phrase in phrases if len(phrase) <= MOST_PHRASE_CHARS),
        key=lambda phrase: -len(phrase),
    )
