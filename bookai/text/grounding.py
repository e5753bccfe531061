"""Does the source say it? Numbers, names, quotations and word order of a line, against a span."""

import re
from collections.abc import Iterable
from datetime import date

from bookai.text.dates import resolve
from bookai.text.sentences import straighten, tidy
from bookai.text.words import WORD, content_words, tokens, words

# Deleting or adding one of these changes what is true.
TURNING_WORDS = re.compile(
    r"\b(?:except\w*|exclud\w+|exempt\w*|unless|only|not|no|none|never|neither|nor|if|but|without|"
    r"until|till|all|every|each|at least|at most|up to|however|although|though|while|pending|"
    r"subject to|alleg\w+|reported(?:ly)?|claim\w*|den(?:y|ies|ied)|disput\w+|may|might|could|"
    r"would|possib\w+|probabl\w+|likely|suspected|about|around|nearly|almost|roughly|"
    r"approximately|estimated|more than|less than|fewer than|over|under|\w+n't)\b",
    re.IGNORECASE,
)
# What a paraphrase must not add or lose.
NEGATIONS = re.compile(
    r"\b(?:not|no|never|none|nor|neither|without|except\w*|unless|only|cannot|\w+n't)\b", re.I
)

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL.split())} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "hundred",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "dozen": "dozen",
}
_UNITS = {
    "%": "percent",
    "percent": "percent",
    "per": "percent",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "km": "km",
    "kilometre": "km",
    "kilometer": "km",
    "mile": "mile",
    "metre": "metre",
    "meter": "metre",
    "foot": "foot",
    "feet": "foot",
    "kg": "kg",
    "tonne": "tonne",
    "ton": "ton",
    "second": "second",
    "minute": "minute",
    "hour": "hour",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
    "people": "people",
    "dollar": "dollar",
    "euro": "euro",
    "pound": "pound",
}
_QUANTITY = re.compile(
    r"([$£€]?)(\d[\d,]*(?:\.\d+)?|[A-Za-z]+)(?:\s?(%)|[\s-]+([A-Za-z]+))?(?![\w])"
)
_AGENT_START = re.compile(r"^\W*([A-Z][\w-]+)(?='s |\s+(?:said|says|told|announced|wrote|argued))")
_QUOTATION = re.compile(r'"([^"]+)"')


def unsupported(line: str, source: str, *, also: str = "") -> tuple[str, ...]:
    """Return what `line` says and `source` does not: numbers with their units, names, quotations.

    `also` holds further words that may be said: title, publisher, resolved dates.
    """
    said, ground = tidy(line), tidy(f"{source} {also}")
    problems = [f"the number {number!r}" for number in _unknown_numbers(said, ground)]
    heard = {word.removesuffix("'s") for word in tokens(ground)}
    problems += [
        f"the name {name!r}" for name in _names(said) if not _pieces(name) <= _all_pieces(heard)
    ]
    flat = _flat(ground)
    problems += [
        f"the quotation {quoted!r}"
        for quoted in _QUOTATION.findall(said)
        if _flat(quoted).strip(" .,!?") not in flat
    ]
    return tuple(problems)


def turned(line: str, source: str) -> str | None:
    """Return the negation that `line` and `source` do not share, or None when the sense stands."""
    said = {match.lower() for match in NEGATIONS.findall(straighten(line))}
    given = {match.lower() for match in NEGATIONS.findall(straighten(source))}
    added = sorted(said - given)
    lost = sorted(given - said)
    if added and not given:
        return f"adds {added[0]!r}"
    if lost and not said:
        return f"drops {lost[0]!r}"
    return None


def in_order_share(line: str, source: str) -> float:
    """Return the share of the line's words that occur in `source` in the same order, 0 to 1."""
    said, given = tokens(tidy(line)), tokens(tidy(source))
    if not said:
        return 0.0
    row = [0] * (len(given) + 1)
    for word in said:
        diagonal = 0
        for at, other in enumerate(given, start=1):
            diagonal, row[at] = (
                row[at],
                (diagonal + 1 if word == other else max(row[at], row[at - 1])),
            )
    return row[-1] / len(said)


def shared_share(line: str, source: str) -> float:
    """Return the share of the line's content words that the source has too, 0 to 1."""
    said = content_words(line)
    return len(said & content_words(source)) / len(said) if said else 1.0


def sayable_dates(source: str, published: date | None) -> str:
    """Return the words that relative days in `source` may be replaced by."""
    return resolve(tidy(source), published) or ""


def without_attribution(line: str, publisher: str) -> str:
    """Return `line` without "Publisher reports:" in front."""
    head, colon, rest = line.partition(": ")
    if colon and publisher and head.lower().startswith(publisher.lower()) and len(head) < 80:
        return rest
    return line


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Return the offsets of `quote` in `text`: exact, else with any white space and quote marks."""
    wanted = quote.strip()
    if not wanted:
        return None
    at = text.find(wanted)
    if at >= 0:
        return at, at + len(wanted)
    pattern = r"\s+".join(re.escape(part) for part in straighten(wanted).split())
    match = re.search(pattern, straighten(text))
    return (match.start(), match.end()) if match else None


def _unknown_numbers(said: str, ground: str) -> Iterable[str]:
    known = set(_quantities(ground))
    values = {value for value, _ in known} | set(tokens(ground))
    for value, unit in dict.fromkeys(_quantities(said)):
        if value not in values or (unit and (value, unit) not in known):
            yield f"{value} {unit}".strip()


def _quantities(text: str) -> Iterable[tuple[str, str]]:
    """Yield each number as (value, unit): digits or number words, the unit word after it."""
    found = words_with_marks(text)
    for at, (mark, word, percent) in enumerate(found):
        lowered = word.lower()
        if word[0].isdigit():
            value = lowered.replace(",", "")
        elif lowered in _NUMBER_WORDS and lowered != "one":
            value = _NUMBER_WORDS[lowered]
        elif "-" in lowered and lowered.split("-")[0] in _NUMBER_WORDS:
            value = lowered
        else:
            continue
        after = found[at + 1][1].lower() if at + 1 < len(found) else ""
        unit = "percent" if percent else _UNITS.get(after, _UNITS.get(after.removesuffix("s"), ""))
        yield mark + value, unit


def words_with_marks(text: str) -> list[tuple[str, str, str]]:
    """Return (currency mark, word, percent sign) for every word of `text`."""
    found = re.findall(r"([$£€]?)([^\W_]+(?:[.,'\-][^\W_]+)*)(\s?%)?", text)
    return [(mark, word, percent.strip()) for mark, word, percent in found]


def _names(text: str) -> Iterable[str]:
    """Yield capitalised words that are names for sure: not the first word of a sentence."""
    start = _AGENT_START.match(text)
    if start:
        yield start.group(1)
    for match in WORD.finditer(text):
        before = text[: match.start()].rstrip("\"'( ")
        if match.group()[0].isupper() and before and before[-1] not in ".!?:":
            yield match.group().removesuffix("'s")


def _pieces(name: str) -> set[str]:
    return {piece.removesuffix("'s") for word in words(name) for piece in word.lower().split("-")}


def _all_pieces(heard: Iterable[str]) -> set[str]:
    return {piece for word in heard for piece in (word, *word.split("-"))}


def _flat(text: str) -> str:
    return " ".join(straighten(text).lower().split())
