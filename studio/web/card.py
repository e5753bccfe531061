"""What an operator looks at before he decides: the post, the film, and what supports each line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bookai.models import Line, VideoJob
from tools.base import ApprovalRow

_PARAGRAPH = "\n\n"
_MOST_AROUND = 600


@dataclass(frozen=True, slots=True)
class Support:
    """The source's own words for a line, with what stands before and after in the paragraph."""

    text: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the script; `at_s` is where it is spoken."""

    text: str
    kind: str
    at_s: float | None
    support: Support | None

    @property
    def is_verbatim(self) -> bool:
        """Whether the source says it in these very words."""
        return self.support is not None and self.text.split() == self.support.text.split()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and how: `by_link` is true for whoever came by a one-time link."""

    name: str
    form_token: str
    may_decide: bool
    by_link: bool = False
    link_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One approval in full. `media` is where its files are, relative to the page's folder.

    `problem` says why what would be published cannot be looked at: then there is no yes.
    """

    row: ApprovalRow
    job: VideoJob
    said: tuple[Said, ...]
    media: str
    problem: str = ""

    @property
    def is_open(self) -> bool:
        """Whether an answer is still wanted."""
        return self.row.state == "pending"

    def has_voted(self, name: str) -> bool:
        """Tell whether this person said yes already, where several must."""
        return any(vote.by == name for vote in self.row.votes)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form that was not accepted, so that nobody types it twice."""

    fields: Mapping[str, str]

    def get(self, name: str, otherwise: str) -> str:
        """Return what was typed into a field, else what stood there."""
        return self.fields.get(name, otherwise)


NOTHING_TYPED = Typed({})


def card_of(row: ApprovalRow, job: VideoJob, media: str, problem: str) -> Card:
    """Return the card of an approval, from its row and its job's record."""
    lines = job.script.lines if job.script else ()
    starts = _starts(job)
    said = tuple(
        Said(line.text, line.kind, starts.get(index), _support(line, job))
        for index, line in enumerate(lines)
    )
    return Card(row, job, said, media, problem)


def _support(line: Line, job: VideoJob) -> Support | None:
    if line.span is None or job.article is None:
        return None
    text, start, end = job.article.text, line.span.start, line.span.end
    if not text[start:end].strip():
        return None
    before = text[:start].rpartition(_PARAGRAPH)[2]
    after = text[end:].partition(_PARAGRAPH)[0]
    return Support(text[start:end], before[-_MOST_AROUND:], after[:_MOST_AROUND])


def _starts(job: VideoJob) -> dict[int, float]:
    """Return when each line's first word is spoken, in seconds."""
    starts: dict[int, float] = {}
    for word in job.voiceover.words if job.voiceover else ():
        starts[word.line] = min(word.start_s, starts.get(word.line, word.start_s))
    return starts
