"""The first sentence a viewer hears: at most 13 words, all of them the source's own."""

import re
from dataclasses import dataclass, replace

from bookai.llm.extract.select import Material
from bookai.text.readability import repeated
from bookai.text.sentences import tidy
from bookai.text.words import content_words

MAX_WORDS = 13
MAX_TITLE_WORDS = 14
MAX_TITLE_CHARS = 80

_STRONG = re.compile(
    r"\b(?!(?:19|20)\d\d\b)\d|\b(?:first|largest|biggest|record|worst|best|oldest|youngest|only|never|most|highest|"
    r"lowest|deadliest|longest|fastest|last|ever|end|ends|million|billion)\b",
    re.IGNORECASE,
)
_SLOW_START = re.compile(r"(?:In|On|Since|At|By|After|Before|During|For|From)\b")
# "Looking at the ways to test content": the name of a text, nothing to say aloud.
_LIMP = re.compile(r"(?:[A-Z]\w+ing|Introducing|Announcing|On|About|Towards?)\b (?!\w+s\b)")
_SITE = re.compile(r"\s+(?:[|\u2013—]|-)\s+[^|\u2013—]{2,40}$")
_COUNTED = re.compile(
    r"(?<!\w)(?P<number>[$£€]?\d[\d,]*(?:\.\d+)?)(?P<scale> ?%| percent| million| billion)? "
    r"(?P<noun>people|cases|deaths|users|votes|students|children|workers|homes|countries|miles|"
    r"hours|dollars|soldiers|patients|companies|arrests|euros|pounds|jobs|women|men|victims|"
    r"passengers|species|books|records|seconds|times)\b"
)


@dataclass(frozen=True, slots=True)
class Hook:
    """What is said, and which piece supports it; `repeats` when the piece is used up by it."""

    text: str
    at: int
    repeats: bool


def make_hook(material: Material, lead: int) -> Hook | None:
    """Return the best hook the source offers, or None when it has no short one.

    A short strong sentence about the title's matter comes first, then the title, then a number.
    """
    sentence = _short_sentence(material, lead)
    if sentence is not None:
        return Hook(material.pieces[sentence].spoken, sentence, repeats=True)
    title = headline(material.title)
    fits = 3 <= len(title.split()) <= MAX_TITLE_WORDS and not _LIMP.match(title)
    if fits and not repeated((title, material.pieces[lead].spoken)):
        return Hook(title if title.endswith(("?", "!")) else f"{title}.", lead, repeats=False)
    return _number(material, lead)


def headline(title: str) -> str:
    """Return a title as it is said: no site name behind it, no full stop."""
    plain = tidy(title)
    without = _SITE.sub("", plain)
    return (without if len(without.split()) >= 3 else plain).rstrip(" .")


def short_title(title: str) -> str:
    """Return a title of at most 80 characters, cut between words."""
    plain = headline(title)
    if len(plain) <= MAX_TITLE_CHARS:
        return plain
    for mark in (": ", ", ", "; "):
        head = plain[: MAX_TITLE_CHARS + 1].rpartition(mark)[0]
        if len(head.split()) >= 4:
            return head
    return plain[: MAX_TITLE_CHARS - 1].rpartition(" ")[0].rstrip(",;:") + "…"


def _short_sentence(material: Material, lead: int) -> int | None:
    about = content_words(material.title)
    best: tuple[float, int] | None = None
    for at, piece in enumerate(material.pieces):
        if (
            at == lead
            or piece.flaw
            or re.search('[";]', piece.spoken)
            or not 4 <= piece.length <= MAX_WORDS
        ):
            continue
        strong = _STRONG.search(piece.spoken) is not None
        if not strong or len(about & content_words(piece.spoken)) < 2:
            continue
        if not replace(material, title="").understood(at, ()):
            continue
        # An opening that begins with a date is heard as a lecture.
        value = float(material.scores.value[at]) - 0.6 * bool(_SLOW_START.match(piece.spoken))
        if best is None or value > best[0]:
            best = (value, at)
    return best[1] if best else None


def _number(material: Material, lead: int) -> Hook | None:
    match = _COUNTED.search(material.pieces[lead].spoken)
    if match is None:
        return None
    said = f"{match['number']}{match['scale'] or ''} {match['noun']}."
    return Hook(f"{said} Here is what is behind that number.", lead, repeats=False)
