"""A quotation marked as such, and who said it where the sentence says so."""

import re
from collections.abc import Iterator

from bookai.film.shots import Candidate, QuoteShot
from tools.render.shots.reading.lexicon import Lexicon, month_numbers
from tools.render.shots.reading.senses import denies
from tools.render.shots.reading.tokens import CLAUSE_MARKS, EDGES
from tools.render.shots.told import Told

MOST_QUOTE_CHARS = 210
LEAST_QUOTE_CHARS = 24
LEAST_WORDS = 4
MOST_WHO_CHARS = 48
MOST_WHO_WORDS = 5
MOST_BESIDE_CHARS = 160  # a speaker stands near the marks
ATTRIBUTED, ALONE, HALF = 0.92, 0.84, 0.6
_PAIRS = (
    ("“", "”"),
    ("„", "“"),
    ("„", "”"),
    ("«", "»"),
    ("»", "«"),
    ("「", "」"),
    ("『", "』"),
    ("״", "״"),
)
_MARKS = '”“„«»「」『』״"'
_QUOTE = re.compile(
    "|".join(
        [f"{opening}(?P<q{n}>[^{_MARKS}]+){closing}" for n, (opening, closing) in enumerate(_PAIRS)]
        + ['"(?P<q_straight>[^"]+)"']
    )
)

_SENTENCE_END = re.compile(r"[!?;。！？；]|\.(?=\s+[^\W\d_a-z])")  # noqa: RUF001
_NO_MARK = f"[^{CLAUSE_MARKS}{_MARKS}()]"


def find_quotes(told: Told) -> Iterator[Candidate]:
    """Yield the sentence's longest quotation; a word in quotation marks is none."""
    matches = list(_QUOTE.finditer(told.text))
    if not matches:
        if told.kind == "quote":
            yield from _whole(told)
        return
    match = max(matches, key=lambda one: len(one[0]))
    text = match[0][1:-1].strip(" ,\uff0c\u3001")
    if not _long_enough(text, told.words) or len(text) > MOST_QUOTE_CHARS:
        return
    before, after = _beside(told.text, match)
    if denies(f"{before} {after}", told.words):
        return
    who = _speaker(before, after, told.words)
    who = who if who in told.text else ""
    whole = len(text) > 0.5 * (len(told.text) - len(who))
    score = (ATTRIBUTED if who else ALONE) if whole else HALF + 0.15 * bool(who)
    why = f"a quotation by {who}" if who else "a quotation"
    yield Candidate(shot=QuoteShot(text=text, who=who), score=score, why=why)


def _beside(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Return what stands before and behind the marks in their sentence, its white space single."""
    before = " ".join(_SENTENCE_END.split(text[: match.start()])[-1].split())
    after = " ".join(_SENTENCE_END.split(text[match.end() :])[0].split())
    return before, after


def _whole(told: Told) -> Iterator[Candidate]:
    """Yield a line that the writer marked as a quotation, though it has no marks."""
    text = told.text.strip(EDGES.replace("!", "").replace("?", "").replace(".", ""))
    if 0 < len(text) <= MOST_QUOTE_CHARS:
        yield Candidate(shot=QuoteShot(text=text), score=ALONE, why="the writer's quotation")


def _long_enough(text: str, words: Lexicon) -> bool:
    if not words.spaced:
        return len(text) >= LEAST_QUOTE_CHARS // 3
    return len(text) >= LEAST_QUOTE_CHARS // 2 and len(text.split()) >= LEAST_WORDS


def _speaker(before: str, after: str, words: Lexicon) -> str:
    """Return who said it: the name beside a verb of saying, outside the marks.

    Of several readings only the sure ones count: a quotation under a wrong name is worse than one
    under none. "Ann Ek told Reuters" names Ann Ek, "The BBC said Ann Ek" nobody.
    """
    behind, ahead = after[:MOST_BESIDE_CHARS], before
    if len(ahead) > MOST_BESIDE_CHARS:
        ahead = ""  # how it begins isn't seen, so it names nobody
    opens = any(ahead.lower().startswith(says) for says in words.says) or _colon(ahead)
    led = opens and not _speaks(behind, words)
    for part in (behind, *([ahead] if led else [])):
        for says in words.says:
            edge = r"\b" if words.spaced else ""
            match = re.search(
                rf"{edge}{re.escape(says)}{edge}\s*(?P<who>{_NO_MARK}+)", part, re.IGNORECASE
            )
            who = _name(match["who"], words) if match else ""
            if who:
                return who
    for part in (behind, ahead):
        for says in words.says_after:
            edge = r"(?!\w)" if words.spaced else ""
            match = re.search(rf"(?P<who>{_NO_MARK}+?)\s*{re.escape(says)}{edge}", part)
            who = _name(match["who"], words, last=True) if match else ""
            if who:
                return who
    return _opener(ahead, words)


def _colon(text: str) -> bool:
    return text.rstrip().endswith((":", "\uff1a"))


def _speaks(text: str, words: Lexicon) -> bool:
    return any(re.search(rf"\b{re.escape(says)}\b", text) for says in words.says_after)


def _opener(before: str, words: Lexicon) -> str:
    """Return the name that a sentence opens with: "Anna Ek, a nurse, said", "Anna Ek wrote:".

    The verb stands alone behind the last comma: in "Anna Ek, critics said" it is another's.
    """
    clauses = [clause.strip() for clause in before.strip(" ,:").split(",")]
    spoken = clauses[-1] in words.says_after and not _speaks(",".join(clauses[:-1]), words)
    if not words.cased or not (spoken or (_colon(before) and not _speaks(before, words))):
        return ""
    who = _name(before, words)
    return who if who and before.startswith((f"{who},", f"{who}:")) else ""


def _name(text: str, words: Lexicon, *, last: bool = False) -> str:
    """Return the name at the beginning (or the end) of `text`; a pronoun is none.

    Where names have capitals the run of capitalised words with its titles is taken, elsewhere the
    whole clause, if it is short.
    """
    if not words.cased:
        return _short_clause(text, words)
    pieces = text.split()
    taken: list[str] = []
    for piece in reversed(pieces) if last else pieces:
        parts = piece.strip(EDGES).split("-")
        capital = any(part[:1].isupper() for part in parts) and piece.lower() not in words.stop
        if not capital and not (taken and piece in words.joins):
            # "An official from TfL said": the name is not who spoke, it doesn't begin the clause.
            if last and taken:
                return ""
            break
        taken.append(piece)
        if piece[-1] in CLAUSE_MARKS and not last:
            break
    if last:
        taken.reverse()
    while taken and taken[-1] in words.joins:
        taken.pop()
    if taken and taken[0] in words.joins:
        return ""
    inner = {piece.strip(EDGES) for piece in taken}
    owning = any(piece.endswith(("'s", "\u2019s")) for piece in inner)
    if owning or inner & (words.links | words.splits | words.days):
        return ""
    who = " ".join(taken).strip(EDGES)
    dated = who in words.days or who in month_numbers(words.code)
    return who if who in text and 2 < len(who) <= MOST_WHO_CHARS and not dated else ""


def _short_clause(text: str, words: Lexicon) -> str:
    """Return a clause as the speaker where names have no capitals: it must be short."""
    who = text.strip(EDGES)
    for between in words.reporting:
        who = who.removeprefix(between).strip()
    for particle in words.particles:
        if who.endswith(particle):
            who = who.removesuffix(particle).strip(EDGES)
            break
    few = len(who.split()) <= MOST_WHO_WORDS and 1 < len(who) <= MOST_WHO_CHARS
    return who if few and who.lower() not in words.stop else ""
