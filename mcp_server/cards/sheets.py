"""What a card shows of one approval. It goes to the card alone, never to the model."""

from datetime import datetime

from bookai.decisions import EditRow, VoteRow
from bookai.models import Fallback, Finding, Post, Record


class SupportSheet(Record):
    """The source's own words for a line, with what stands around them in their paragraph."""

    text: str
    before: str
    after: str


class LineSheet(Record):
    """A line of the script; `at_s` is where it is spoken, in seconds."""

    text: str
    kind: str
    at_s: float | None
    is_verbatim: bool
    support: SupportSheet | None


class SourceSheet(Record):
    """The article that the script was made from."""

    title: str
    url: str
    fetched_at: datetime


class LinkSheet(Record):
    """Where the card fetches its files, until `expires_at`."""

    video: str
    thumbnail: str
    captions: str
    expires_at: datetime


class CardSheet(Record):
    """One approval in full.

    `links` is None where what would be published cannot be shown; `problem` says why then, and the
    card offers no yes. `may_decide` is the caller's right, `has_voted` his own earlier yes.
    """

    approval_id: int
    job_id: int
    state: str
    channel: str
    digest: str
    expires_at: datetime
    requested_by: str
    decided_by: str | None
    note: str | None
    needed: int
    votes: tuple[VoteRow, ...]
    edits: tuple[EditRow, ...]
    post: Post
    lines: tuple[LineSheet, ...]
    source: SourceSheet | None
    findings: tuple[Finding, ...]
    fallbacks: tuple[Fallback, ...]
    links: LinkSheet | None
    problem: str
    may_decide: bool
    has_voted: bool
