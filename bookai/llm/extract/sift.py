"""Each sentence as it could be said, or why it can't: captions, "we", stray brackets, "Monday"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bookai.llm.extract.compress import compress
from bookai.llm.extract.gate import speaks_as_author
from bookai.text.dates import resolve
from bookai.text.grounding import in_order_share, unsupported
from bookai.text.safety import orders, unsafe
from bookai.text.sentences import Sentence
from bookai.text.verbs import has_finite_verb

MIN_WORDS = 5
MAX_WORDS = 27
MAX_QUOTED = 22
MIN_IN_ORDER = 0.9

_BOILERPLATE = re.compile(
    r"\b(?:click|subscribe|sign up|log in|cookies?|newsletter|read more|see also|learn more|"
    r"share this|follow us|table of contents|pull requests?|changelog|correction:|photo(?:graph)?:|"
    r"image:|pictured|file photo|courtesy of|advertisement|all rights reserved|terms of (?:use|"
    r"service)|(?:this|the following|our) (?:article|post|blog|page|story|report|section|chapter|"
    r"table|figure|list|image|video|photo\w*)|stay tuned|thanks? (?:to|you)|contact us|"
    r"correspondent|at press time|the pictures?|part \w+ (?:of|in) (?:a|the|our)|in (?:a|the|this) "
    r"series)\b",
    re.IGNORECASE,
)
_STRANGE = re.compile(
    r"[\[\]{}<>|*_#=\\@^~•]|https?:|www\.|\w/\w|\w{2,}\.[a-z]{2,4}\b(?!\.)|…|\.\."
)
_SPEECH = re.compile(
    r"\b(?:said|says|told|stated|wrote|added|explained|according to|announced|argued|warned|called|"
    r"noted|tweeted|commented|asked|described|claimed|insisted|replied|declared|observed|stating|"
    r"saying|adding|writes|explains|notes|remarked|named|titled|reads?)\b"
)
_SPEAKER = re.compile(
    r"\b[A-Z][\w'-]+ [A-Z][\w'-]+|\b[Tt]he [a-z]+ (?:minister|agency|department|company|team|"
    r"government|police|spokes\w+)|\b(?:Minister|President|Governor|Senator|Dr\.|Professor) [A-Z]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence and how it would be said; `flaw` says why it must not be, None when it may."""

    sentence: Sentence
    spoken: str
    flaw: str | None
    quoted: bool = False

    @property
    def length(self) -> int:
        """Words as they are written."""
        return len(self.spoken.split())


def sift(
    found: Sequence[Sentence], published: date | None, unwanted: Sequence[str] = ()
) -> tuple[Piece, ...]:
    """Turn every sentence into a piece; one that stands in `unwanted` gets a flaw."""
    return tuple(_piece(sentence, published, unwanted) for sentence in found)


def _piece(sentence: Sentence, published: date | None, unwanted: Sequence[str]) -> Piece:
    short = compress(sentence.text)
    spoken = resolve(short, published)
    if spoken is None:
        return Piece(sentence, short, "says when only for the day it was written")
    return Piece(
        sentence,
        spoken,
        flaw_of(sentence.text, spoken, unwanted) or _broken(sentence, spoken, published),
        quoted=_long_quotation(spoken) > 0,
    )


def flaw_of(raw: str, spoken: str, unwanted: Sequence[str] = ()) -> str | None:
    """Return why `spoken`, made from the sentence `raw`, must not be said, or None."""
    flaws = (
        (not re.match(r"[\"']?[A-Z0-9$£€]", spoken), "does not begin like a sentence"),
        (not re.search(r"[.!][\"']?$", spoken), "is no statement"),
        (len(spoken.split()) < MIN_WORDS, "is too short"),
        (not _balanced(spoken), "has an unclosed quotation or bracket"),
        (_STRANGE.search(raw) is not None, "has marks that are not for reading aloud"),
        (not has_finite_verb(spoken), "has no verb"),
        (_BOILERPLATE.search(raw) is not None, "speaks about the page"),
        (speaks_as_author(spoken), "speaks in the first person"),
        (unsafe(raw) is not None, f"names {unsafe(raw)}"),
        (orders(raw) is not None, "gives orders to a machine"),
        (not _attributed(spoken), "quotes nobody in particular"),
        (_objected(spoken, unwanted), "was objected to"),
    )
    return next((flaw for is_so, flaw in flaws if is_so), None)


def _objected(spoken: str, unwanted: Sequence[str]) -> bool:
    """Tell whether an objection repeats `spoken`; quoted there, an apostrophe may be escaped."""
    return any(spoken in line.replace("\\'", "'") for line in unwanted)


def _broken(sentence: Sentence, spoken: str, published: date | None) -> str | None:
    """Verify the shortened sentence against the whole one, as strictly as the editor will."""
    dates = resolve(sentence.text, published) or ""
    problems = unsupported(spoken, sentence.text, also=dates)
    if problems:
        return "says " + problems[0] + " that its source does not"
    if max(in_order_share(spoken, text) for text in (sentence.text, dates)) < MIN_IN_ORDER:
        return "lost its wording"
    return None


def _balanced(text: str) -> bool:
    pairs = text.count("(") == text.count(")")
    return pairs and text.count('"') % 2 == 0 and not re.search(r"^\)|\(\s*\)|—$|^—", text)


def _long_quotation(text: str) -> int:
    """Return the length in words of the longest quotation that is more than a term."""
    found = [quoted.split() for quoted in re.findall(r'"([^"]+)"', text)]
    # The name of a law or a book is quoted too, with capitals.
    said = [quoted for quoted in found if sum(word[0].islower() for word in quoted) > 2]
    return max((len(quoted) for quoted in said if len(quoted) > 3), default=0)


def _attributed(text: str) -> bool:
    length = _long_quotation(text)
    if not length:
        return True
    outside = re.sub(r'"[^"]*"', " ", text)
    named = _SPEAKER.search(outside) is not None and _SPEECH.search(outside) is not None
    return named and length <= MAX_QUOTED
