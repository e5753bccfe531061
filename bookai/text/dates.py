"""Make "on Monday" absolute where that is safe: a video is watched weeks after the article."""

import re
from datetime import date, timedelta

from bookai.text.verbs import has_finite_verb, is_past

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = "|".join(_DAYS)
_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|"
    "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
_UNDATED = rf"(?!,? (?:the )?(?:{_MONTHS}|\d))"
_ALONE = rf"{_UNDATED}(?!['-])"
_PART = "morning|afternoon|evening|night"

# Each alternative is one way to say a day; what is not matched here stays relative.
_SAID_DAY = re.compile(
    rf"\b(?P<lead>(?:[Vv]ery )?(?:[Ee]arly|[Ll]ate) (?:on )?|[Oo]n |[Tt]his )?"
    rf"(?P<day>{_DAY}|[Yy]esterday|[Tt]oday)(?: (?P<part>{_PART}))?\b{_ALONE}"
    rf"|\b(?P<this>[Tt]his|[Ll]ast) (?P<part2>{_PART})\b{_ALONE}"
)
_KEPT = re.compile(rf"\b(?:[Ss]ince|[Aa]fter|[Bb]efore) (?P<day>{_DAY})\b{_ALONE}")
# "Sunday also saw an earthquake": the day is who did it, no date can stand there.
_DID = re.compile(
    r" (?:also |then )?(?:saw|was|is|were|brought|marked|marks|had|has|began|ended|will|became)\b"
)
# "as of Sunday", "from Monday to Tuesday": the preposition wants the day itself.
_HELD = re.compile(
    r"\b(?:of|from|to|by|until|till|through|throughout|between|for|than|and|or|the|a|that|this|"
    r"each|every|next|last|past|late|early|mid)[ -]$",
    re.IGNORECASE,
)
_SAID_YEAR = re.compile(r"\b(?P<which>this|last) year\b(?!')")
_RELATIVE = re.compile(
    rf"\b(?:(?:{_DAY})\b{_UNDATED}|yesterday|today|tomorrow|tonight|"
    r"(?:this|last|next|earlier this|later this|the past|recent) "
    r"(?:day|week|weekend|month|year|morning|afternoon|evening|night|summer|winter|spring|autumn|"
    rf"fall|season|quarter|decade|century|{_MONTHS})s?|(?:days?|weeks?|months?|years?) ago|so far|"
    r"recently|currently|right now|at present|at this time|to date|at press time|"
    r"as of this writing|overnight|that day|the (?:previous|following|same|next) day)\b",
    re.IGNORECASE,
)
_FUTURE = re.compile(
    r"\b(?:will|would|shall|next|upcoming|scheduled|expected|due|to be|plans?|planned|set to|"
    r"going to|until|till|by (?:the end|then)|tomorrow|is to|are to|were to|was to|pending|"
    r"deadline|forecast|may|might|could|ahead of)\b|'ll\b",
    re.IGNORECASE,
)
# "On Monday, she announced she will" is about Monday; "On Monday, it was due to" is not.
_PROMISED = re.compile(
    r"\b(?:was|were|is|are) (?:due|expected|scheduled|set|planned|to)\b", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"[,;:—\u2013]\s*|\b(?:that|which|who|whom|because|while|when|after|before|as|since)\b\s*|"
    r"\bto (?=(?-i:[a-z]))(?!the |a |an |his |her |their |its )",
    re.IGNORECASE,
)
# These grow stale without becoming false within the life of a short video.
_HARMLESS = re.compile(
    r"\b(?:so far|recently|to date|years? ago|the past \w+|recent (?:years|decades))\b", re.I
)


def resolve(text: str, published: date | None) -> str | None:
    """Return `text` with its relative days as dates, or None when that could be wrong.

    "on Monday" becomes a date only in a clause about the past, counted back from the day of
    publication. A text without relative times comes back as it is.
    """
    if not has_relative_time(text):
        return text
    if published is None:
        return None
    done = text
    for pattern in (_KEPT, _SAID_DAY, _SAID_YEAR):
        for match in reversed(list(pattern.finditer(done))):
            if _is_no_time(done, match) or not _is_about_the_past(done, match.start()):
                return None
            said = _absolute(match, published)
            done = done[: match.start()] + said + done[match.end() :]
    return None if has_relative_time(done) else done


def has_relative_time(text: str) -> bool:
    """Tell whether `text` says when only to someone who reads it on the day it was written."""
    return _RELATIVE.search(_HARMLESS.sub("", text)) is not None


def _is_no_time(text: str, match: re.Match[str]) -> bool:
    """Tell whether a day without "on" is something else than the time of its clause."""
    found = match.groupdict()
    if "day" not in found or found.get("lead") or match.re is _KEPT:
        return False
    return bool(_DID.match(text[match.end() :]) or _HELD.search(text[: match.start()]))


def _absolute(match: re.Match[str], published: date) -> str:
    found = match.groupdict()
    if "which" in found:
        return f"in {published.year - (found['which'] == 'last')}"
    if "lead" not in found:
        return f"{match.group().split()[0]} {_spoken(_back(found['day'], published))}"
    part = found["part"] or found["part2"]
    if found["this"]:
        day = published - timedelta(days=found["this"].lower() == "last")
    else:
        day = _back(found["day"], published)
    on = "On" if match.start() == 0 else "on"
    return f"{on} the {part} of {_spoken(day)}" if part else f"{on} {_spoken(day)}"


def _is_about_the_past(text: str, at: int) -> bool:
    """Tell whether the clause around offset `at` is in the past tense and looks at no future.

    An opening "On Monday," has no verb: the clauses behind it decide.
    """
    clauses = []
    begin = 0
    for boundary in [*_CLAUSE.finditer(text), None]:
        end = boundary.start() if boundary else len(text)
        if begin != end:
            before = text[:begin].rstrip().rpartition(" ")[2].lower()
            clauses.append((begin, end, before == "to"))
        begin = boundary.end() if boundary else end
    here = next((n for n, (_, end, _to) in enumerate(clauses) if at < end), len(clauses) - 1)
    if clauses[here][2]:
        return False
    opens = here == 0 and not has_finite_verb(text[: clauses[0][1]])
    future = _PROMISED if opens else _FUTURE
    for number in [*range(here, len(clauses)), *reversed(range(here))]:
        begin, end, infinitive = clauses[number]
        clause = text[begin:end]
        if number == here and _FUTURE.search(clause):
            return False
        if not infinitive and (is_past(clause) or has_finite_verb(f"it {clause}")):
            return is_past(clause) and not future.search(clause)
    return False


def _back(day: str, published: date) -> date:
    if day.lower() in {"today", "yesterday"}:
        return published - timedelta(days=day.lower() == "yesterday")
    return published - timedelta(days=(published.weekday() - _DAYS.index(day)) % 7)


def _spoken(day: date) -> str:
    return f"{day:%B} {day.day}"
