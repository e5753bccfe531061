"""Which articles the built-in writer takes, and in plain words why it takes no others."""

import re
from collections.abc import Callable, Sequence

from bookai.models import Article
from bookai.text.safety import unsafe
from bookai.text.sentences import Paragraph, Sentence, paragraphs
from bookai.text.verbs import has_finite_verb

MIN_WORDS = 120
MAX_WORDS = 4000
MAX_CHARS = 60_000

_FIRST_PERSON = re.compile(r"\b(?:I(?![-.])|we|my|our|me|us|I'm|I've|we're|we've|We|Our|My)\b")
_BULLET = re.compile(r"^(?:[-*+•‣▪\u2013]|\(?\d{1,2}[.)]|[a-z]\))\s")
_SPEAKER = re.compile(
    r"^(?:Q|A|[A-Z]{2,3}|Question|Answer|[A-Z][\w.]+(?: [A-Z][\w.]+)?) ?[:\uff1a]\s"
)
_CHANGE = re.compile(
    r"^(?:[-*+•]\s*)?(?:added?|fix(?:e[sd])?|removed?|changed?|deprecated?|improved?|updated?|"
    r"bumped?|stabili[sz]ed?|security|breaking)\b|#\d{2,}|\bv?\d+\.\d+\.\d+\b",
    re.IGNORECASE,
)
_INTERVIEW_TITLE = re.compile(
    r"\binterview(?:s|ed|ing)?\b|\bq ?& ?a\b|\bin conversation with\b|\bask(?:ed)? me anything\b|"
    r"\bama\b",
    re.IGNORECASE,
)
_CHANGELOG_TITLE = re.compile(
    r"\bchange ?logs?\b|\brelease notes?\b|\bannouncing (?:\w+ )?v?\d|\bversion \d|"
    r"\b(?:released?|update|development update)\b.*\d|\bv?\d+\.\d+(?:\.\d+)?\b|\bupdates?$|"
    r"\b(?:monthly|weekly|quarterly|annual) (?:update|report|newsletter)\b|"
    r"\bthis (?:week|month) in\b|\bproject goals?\b|\bmeeting (?:notes|minutes)\b",
    re.IGNORECASE,
)
_VIOLENT_TITLE = re.compile(
    r"\b(?:stab\w*|shoot\w*|shot|gunm[ae]n|murder\w*|massacre\w*|killers?|assassin\w*|hostages?|"
    r"bomb(?:s|ing|ed|er|ers)?|terror\w*|execut(?:ed|ion|ions)|abus\w*|captivity|"
    r"kidnap\w*|sets? (?:him|her)self|knife\S*|genocide)\b",
    re.IGNORECASE,
)
_LIST_TITLE = re.compile(
    r"^(?:the )?(?:top )?(?:\d+|five|six|seven|eight|nine|ten|twelve) (?:\w+ ){0,3}"
    r"(?:ways|tips|things|reasons|tools|books|steps|lessons|rules|facts|questions|tricks|ideas)\b|"
    r"^(?:list of|selected|accepted) \w+|\bhow to\b",
    re.IGNORECASE,
)


def size_objection(article: Article) -> str | None:
    """Return why the language or the length rules an article out, before anybody reads it."""
    if article.language != "en":
        return (
            f"the article's language is {article.language!r}, and the built-in writer only knows "
            "English"
        )
    count = len(article.text.split())
    if count < MIN_WORDS:
        return f"the article is too short: {count} words, at least {MIN_WORDS} are needed"
    if count > MAX_WORDS or len(article.text) > MAX_CHARS:
        return (
            f"the article is too long: {count} words and {len(article.text)} characters; a few "
            f"sentences cannot stand for more than {MAX_WORDS} words"
        )
    return None


def objection(article: Article, found: Sequence[Sentence]) -> str | None:
    """Return why no script can be extracted from the sentences `found`, or None to try it."""
    blocks = paragraphs(article.text)
    for judge in _JUDGES:
        reason = judge(article, blocks, found)
        if reason:
            return reason
    return None


def _interview(article: Article, blocks: Sequence[Paragraph], _: Sequence[Sentence]) -> str | None:
    asked = sum(block.text.rstrip('"\u201d').endswith("?") for block in blocks) / len(blocks)
    spoken = sum(bool(_SPEAKER.match(block.text)) for block in blocks) / len(blocks)
    if _INTERVIEW_TITLE.search(article.title) or asked > 0.25 or spoken > 0.25:
        return "it is an interview: questions and answers make no sense when cut into single lines"
    return None


def _changelog(article: Article, blocks: Sequence[Paragraph], _: Sequence[Sentence]) -> str | None:
    lines = [line for block in blocks for line in block.text.splitlines() if line.strip()]
    changes = sum(bool(_CHANGE.search(line.strip())) for line in lines) / len(lines)
    if _CHANGELOG_TITLE.search(article.title) or (changes > 0.3 and len(lines) > 5):
        return "it is a changelog or release notes: a list of changes tells no story"
    return None


def _list(article: Article, blocks: Sequence[Paragraph], _: Sequence[Sentence]) -> str | None:
    lines = [line.strip() for block in blocks for line in block.text.splitlines() if line.strip()]
    items = sum(bool(_BULLET.match(line)) for line in lines) / len(lines)
    stubs = [block for block in blocks if len(block.text.split()) < 8]
    if _LIST_TITLE.search(article.title) or items > 0.3 or len(stubs) > 0.5 * len(blocks):
        return "it is a list or a guide: its points need their headings, which nobody would hear"
    return None


def _fiction(_: Article, blocks: Sequence[Paragraph], found: Sequence[Sentence]) -> str | None:
    dialogue = sum(block.text.lstrip().startswith(('"', "\u201c", "\u2018")) for block in blocks)
    dated = any(re.search(r"\b(?:19|20)\d\d\b", sentence.text) for sentence in found)
    if len(blocks) >= 6 and dialogue > 0.3 * len(blocks) and not dated:
        return "it is a story told in scenes: single sentences of a dialogue mean nothing alone"
    return None


def _first_person(
    article: Article, _: Sequence[Paragraph], found: Sequence[Sentence]
) -> str | None:
    mine = sum(speaks_as_author(sentence.text) for sentence in found)
    if mine > 0.25 * max(1, len(found)):
        return (
            f"it is told in the first person ({mine} of {len(found)} sentences): the video would "
            f"speak as if it were {article.publisher}"
        )
    return None


def _no_prose(_: Article, blocks: Sequence[Paragraph], found: Sequence[Sentence]) -> str | None:
    whole = sum(has_finite_verb(sentence.text) for sentence in found)
    if whole < 6 or len(blocks) < 3:
        return (
            f"it has too little running text: {whole} whole sentences in {len(blocks)} paragraphs, "
            "at least 6 in 3 are needed"
        )
    return None


def _unsafe_core(article: Article, _: Sequence[Paragraph], found: Sequence[Sentence]) -> str | None:
    what = "violence against people" if _VIOLENT_TITLE.search(article.title) else None
    what = what or unsafe(article.title)
    count = sum(unsafe(sentence.text) is not None for sentence in found)
    if what or count > 0.25 * len(found):
        what = what or next(filter(None, (unsafe(sentence.text) for sentence in found)))
        return f"the story is about what is not said in a short video ({what})"
    return None


def speaks_as_author(text: str) -> bool:
    """Tell whether `text` says "I" or "we" outside of quotation marks."""
    return _FIRST_PERSON.search(re.sub(r'"[^"]*"', "", text)) is not None


_Judge = Callable[[Article, Sequence[Paragraph], Sequence[Sentence]], str | None]
_JUDGES: tuple[_Judge, ...] = (
    _interview,
    _changelog,
    _list,
    _fiction,
    _first_person,
    _no_prose,
    _unsafe_core,
)
