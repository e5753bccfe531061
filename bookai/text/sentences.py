"""Paragraphs and sentences of a plain text, each with its place in that very text.

Offsets always count characters of the text that was given (an article's `text`), so that
`text[start:end]` is the raw sentence; `Sentence.text` is the same, tidied for reading aloud.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bookai.text.words import word_set

# One character becomes one character: offsets stay true.
_PLAIN = str.maketrans(
    {
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2019": "'",
        "\u2018": "'",
        "\u00a0": " ",
        "\u202f": " ",
        "\t": " ",
    }
)
_GAP = re.compile(r"\n[ \t\r]*\n\s*")
_END = re.compile(r"[.!?…][\"')\]]*(?:\[\d{1,3}\])*\s+(?=[\"'(\[]?[^\W_a-z])")
_LAST_WORD = re.compile(r"([A-Za-z.]+)\.[\"')\]]*(?:\[\d{1,3}\])*\s*$")
_FOOTNOTE = re.compile(r"\[(?:\d{1,3}|citation needed|note \d+)\]")

# After these a full stop never ends a sentence: a name or a number follows.
_TITLES = word_set(
    "mr mrs ms mx dr prof sen rep gov gen lt col sgt cpl capt cmdr adm maj st rev hon pres fr "
    "no nos fig figs vs eq sec ch vol pp approx jan feb mar apr jun jul aug sep sept oct nov dec "
    "e.g i.e cf"
)
# After these it may; the next word decides.
_SHORTENED = word_set("inc ltd co corp etc jr sr u.s u.k u.n a.m p.m ph.d d.c al est dept")
_STARTERS = word_set(
    "the a an in on at it he she they we i this that these those but and however as for when while "
    "after before if although there its his her their our according some many most since what "
    "officials police last two three four"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. `paragraph` and `index` count from 0, `index` within its paragraph."""

    text: str
    start: int
    end: int
    paragraph: int
    index: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Characters `start` to `end` (exclusive), without the blank lines around them."""

    text: str
    start: int
    end: int


def straighten(text: str) -> str:
    """Replace typographic quotes and hard spaces; the length stays the same."""
    return text.translate(_PLAIN)


def tidy(text: str) -> str:
    """Return `text` for reading aloud: straight quotes, no footnote marks, single spaces."""
    plain = _FOOTNOTE.sub("", straighten(text))
    return re.sub(r"\s+([,.;:!?])(?!\d)", r"\1", " ".join(plain.split()))


def paragraphs(text: str) -> tuple[Paragraph, ...]:
    """Return what stands between blank lines."""
    found = []
    at = 0
    for gap in [*_GAP.finditer(text), None]:
        end = gap.start() if gap else len(text)
        piece = text[at:end]
        lead = len(piece) - len(piece.lstrip())
        body = piece.strip()
        if body:
            found.append(Paragraph(body, at + lead, at + lead + len(body)))
        at = gap.end() if gap else end
    return tuple(found)


def sentences(text: str) -> tuple[Sentence, ...]:
    """Split `text` into sentences, in order; never inside a quotation or after "Mr."."""
    found = []
    for number, paragraph in enumerate(paragraphs(text)):
        for index, (start, end) in enumerate(_cut(paragraph.text)):
            first, last = paragraph.start + start, paragraph.start + end
            found.append(Sentence(tidy(text[first:last]), first, last, number, index))
    return tuple(found)


def _cut(text: str) -> Iterator[tuple[int, int]]:
    plain = straighten(text)
    begin = 0
    for match in _END.finditer(plain):
        piece = plain[begin : match.end()]
        if piece.count('"') % 2 or not _ends(piece, plain[match.end() :]):
            continue
        yield begin, begin + len(piece.rstrip())
        begin = match.end()
    if begin < len(plain):
        yield begin, len(plain)


def _ends(piece: str, after: str) -> bool:
    """Tell whether the full stop at the end of `piece` ends a sentence."""
    word = _LAST_WORD.search(piece)
    if word is None:
        return True
    last = word.group(1).lower()
    if last in _TITLES:
        return False
    initials = re.fullmatch(r"(?:[a-z]\.)*[a-z]", last) is not None
    if initials or last in _SHORTENED:
        following = re.match(r"[\"'(\[]*(\w+)", after)
        return following is not None and following.group(1).lower() in _STARTERS
    return True
