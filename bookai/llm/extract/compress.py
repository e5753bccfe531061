"""Make a sentence shorter without changing what it says.

Only whole parentheses, dashed asides, "which"/"who" clauses and tails after a semicolon are cut,
and none that holds a number or one of the words on which the meaning turns: cutting "with the
exception of Havana" once made a false sentence that passed every other check.
"""

import re

from bookai.text.grounding import TURNING_WORDS
from bookai.text.verbs import has_finite_verb

LONG = 22

_CONNECTIVE = re.compile(
    r"^(?:however|meanwhile|in addition|additionally|moreover|furthermore|also|but|and|yet|so|"
    r"for example|for instance|of course|in fact|indeed|nevertheless|nonetheless|separately|"
    r"still|similarly|finally)\s*,\s+|^(?:but|and|yet|so)\s+(?=[a-z])",
    re.IGNORECASE,
)
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
# The same amount again in another currency.
_CURRENCY = re.compile(
    r"\s*\((?:approximately |about |around |roughly )?(?:US|USD|GBP|EUR|[$\u00a3\u20ac])"
    r"[^()]*\d[^()]*\)"
)
# The same moment again in another time zone.
_ZONE = re.compile(r"\s*\((?:\d{4}|\d\d?:\d\d)\b[^()]*\b(?:UTC|GMT)\b[^()]*\)")
_ASIDE = re.compile(r"\s+[—\u2013]\s+[^—\u2013]{3,80}\s+[—\u2013]\s+")
_CLAUSE = re.compile(r",\s+(?:which|who|whose|where)\b[^,.;\"]{5,110}(?=,|[.;]$)")
_SUBORDINATE = re.compile(
    r"^(?:in|on|at|after|before|when|while|although|though|if|as|since|during|for|with|by|to|"
    r"because|despite|unless|until|whether)\b",
    re.IGNORECASE,
)


def compress(text: str) -> str:
    """Return `text` shortened by what nobody misses; the same text when nothing is safe to cut."""
    done = capitalise(_CONNECTIVE.sub("", text, count=1))
    done = _CURRENCY.sub("", _ZONE.sub("", done))
    done = _PARENTHESIS.sub(lambda match: _unless_needed(match.group(), ""), done)
    done = _ASIDE.sub(lambda match: _unless_needed(match.group(), " "), done)
    if _length(done) > LONG:
        done = _without_clause(done)
    if _length(done) > LONG:
        done = _before_semicolon(done)
    return _spaced(done)


def split_lead(text: str, limit: int) -> str | None:
    """Return the first half of a lead that is two sentences in one, or None.

    The cut is made only where a finite verb stands on both sides and the tail turns nothing.
    """
    if '"' in text or _SUBORDINATE.match(text):
        return None
    for match in reversed(list(re.finditer(r"; |, (?:and|while) (?!\w+ing\b)", text))):
        head, tail = text[: match.start()], text[match.end() :]
        whole = has_finite_verb(head) and has_finite_verb(" ".join(tail.split()[:6]))
        fits = 8 <= _length(head) <= limit
        if whole and fits and not TURNING_WORDS.search(tail):
            return _spaced(head.rstrip(",;") + ".")
    return None


def capitalise(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def _unless_needed(piece: str, otherwise: str) -> str:
    """Keep a piece with a number or a turning word; cut any other."""
    needed = re.search(r"\d", piece) or TURNING_WORDS.search(piece)
    return piece if needed else otherwise


def _without_clause(text: str) -> str:
    match = _CLAUSE.search(text)
    if match is None or re.search(r"\d", match.group()) or TURNING_WORDS.search(match.group()):
        return text
    after = text[match.end() :]
    if after.startswith(","):
        # Behind the clause the main verb must follow, else the comma began a list.
        follows = " ".join(after[1:].split()[:2])
        if not has_finite_verb(f"it {follows}") or follows.split()[0].lower() in {"and", "but"}:
            return text
        after = after[1:]
    return text[: match.start()] + after


def _before_semicolon(text: str) -> str:
    head, mark, tail = text.partition("; ")
    if not mark or '"' in text or _SUBORDINATE.match(head) or TURNING_WORDS.search(tail):
        return text
    if _length(head) < 8 or not has_finite_verb(head) or re.search(r"\d", tail):
        return text
    return head.rstrip(",") + "."


def _length(text: str) -> int:
    return len(text.split())


def _spaced(text: str) -> str:
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
