"""Records that travel. All are frozen: a step returns a new one.

One `VideoJob` grows on its way from source to publication; each step fills in its own field and
touches nothing else. Times are aware UTC, money is integer minor units plus an ISO 4217 code.
"""

import hashlib
import json
from datetime import datetime
from typing import Literal

from pydantic import Field

from bookai.film.shots import ShotKind, ShotReport
from bookai.records import Record as Record
from bookai.records import is_false, is_none

Capability = Literal[
    "scout", "write", "edit", "match_offers", "render", "check", "package", "publish", "report"
]
Queue = Literal["graph", "render", "publish"]
"""Kinds of work: workers name those that they serve."""


class Fallback(Record):
    """Something less than wanted was used; shown to the operator and kept in the audit log."""

    what: str
    wanted: str
    used: str
    why: str


class Finding(Record):
    """The outcome of one check; `detail` holds the measured value and the limit."""

    check: str
    ok: bool
    detail: str = ""


class FeedItem(Record):
    """One entry of a feed. `engagement` is points, votes or views where the feed has them."""

    title: str
    url: str
    summary: str = ""
    published_at: datetime | None = None
    engagement: int | None = None


class Feed(Record):
    """A feed as read: newest first where it has dates."""

    title: str
    url: str
    items: tuple[FeedItem, ...]


class MadeVideo(Record):
    """Something this channel already made: for novelty."""

    title: str
    url: str
    created_at: datetime


class MadeList(Record):
    """What a channel made, newest first."""

    videos: tuple[MadeVideo, ...]


class TopicMatch(Record):
    """An item of `feed` that fits a topic; `match` is 0 to 1, or None when no topic was given."""

    item: FeedItem
    feed: str
    match: float | None


class TopicMatches(Record):
    """What feeds have on a topic, best first; without a topic, what one feed has, newest first.

    `read` items were looked at in `feeds` feeds; `failed` names those that could not be read.
    """

    topic: str | None
    matches: tuple[TopicMatch, ...]
    feeds: int
    read: int
    failed: tuple[Finding, ...] = ()


class Trend(Record):
    """What the scout chose, from how many, and why."""

    title: str
    url: str
    score: float
    reasons: tuple[str, ...]
    considered: int = 1
    published_at: datetime | None = None


class Article(Record):
    """The source material. `text` is plain paragraphs joined by blank lines.

    Every span in a script is a pair of character offsets into `text`.
    `sha256` is that of `text` in UTF-8; `language` is an ISO 639-1 code.
    """

    url: str
    title: str
    publisher: str
    text: str
    language: str
    sha256: str
    fetched_at: datetime
    published_at: datetime | None = None
    author: str | None = None
    licence: str | None = None


class Span(Record):
    """Characters `start` to `end` (exclusive) of the article's text."""

    start: int = Field(ge=0)
    end: int = Field(gt=0)


class Line(Record):
    """One spoken sentence; all but a `cta` or a `disclosure` have the span that supports them."""

    text: str
    kind: Literal["hook", "beat", "quote", "cta", "disclosure"]
    span: Span | None = None


class Script(Record):
    """What is said, in order. `draft_kind` tells a model's draft from the built-in extraction.

    `brand_voice` is the version of the channel's voice that was in force when it was written.
    """

    title: str
    lines: tuple[Line, ...]
    language: str
    draft_kind: Literal["extractive", "model"]
    writer: str
    seconds_est: float
    brand_voice: int | None = Field(default=None, exclude_if=is_none)

    @property
    def text(self) -> str:
        """All lines as one text, a space between them."""
        return " ".join(line.text for line in self.lines)


class Review(Record):
    """The editor's word on a script."""

    verdict: Literal["accept", "send_back", "refuse"]
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is wrong, one sentence each; empty when accepted."""
        return tuple(f"{f.check}: {f.detail}" for f in self.findings if not f.ok)


class Offer(Record):
    """A product with its commission link."""

    product_id: int
    name: str
    network: str
    url: str
    price_minor: int
    currency: str
    category: str
    terms: tuple[str, ...]


class OfferList(Record):
    """The active products of the catalogue."""

    offers: tuple[Offer, ...]


class OfferChoice(Record):
    """The matched offer, or none; `reason` says why either way, `disclosure` goes with it."""

    offer: Offer | None
    reason: str
    disclosure: str = ""


class Word(Record):
    """A spoken word as it is shown: its line's index and its times in the voice track, seconds."""

    text: str
    line: int
    start_s: float
    end_s: float


class Voiceover(Record):
    """The narration: a WAV file and the engine's own word times.

    `voice` is who spoke; `fallback` says why that is not the wanted one. `music` is what lies under
    the voice and by which right; '' for nothing.
    """

    path: str
    words: tuple[Word, ...]
    duration_s: float
    voice: str
    fallback: Fallback | None = None
    language: str
    sample_rate: int
    music: str = ""


class Origin(Record):
    """The text that a video was made from, as the video's own credentials name it."""

    source_url: str = ""
    article_sha256: str = ""


class Variant(Record):
    """The same film in another format, or without what some platforms forbid to lay over it."""

    name: str
    video_path: str
    sha256: str
    width: int
    height: int
    clean: bool = False


class Render(Record):
    """The finished video. Paths are absolute; `captions_path` is a WebVTT file.

    `marks` are the pixel boxes (x, y, width, height) in which text must be found by the check:
    `captions` on every spoken frame, `disclosure` where an offer is announced. `credentials` says
    who signed the file's Content Credentials, or why nobody did. `shots` is the shot report.
    """

    video_path: str
    thumbnail_path: str
    captions_path: str
    sha256: str
    thumbnail_sha256: str
    captions_sha256: str
    size_bytes: int
    duration_s: float
    width: int
    height: int
    fps: int
    encoder: str
    encoder_reason: str
    marks: dict[str, tuple[int, int, int, int]] = Field(default_factory=dict)
    credentials: str = ""
    shots: ShotReport = ()
    others: tuple[Variant, ...] = ()


class CheckReport(Record):
    """What was measured in the final file; `ok` gates the approval."""

    ok: bool
    findings: tuple[Finding, ...]


Visibility = Literal["private", "unlisted", "public"]
"""Who may see a post."""


class Flags(Record):
    """What the platform and the viewer are told; computed from facts, never set by a model."""

    ai_made: bool = True
    paid_promotion: bool = False


class Post(Record):
    """Everything that would be published. An approval is bound to `digest()` of exactly this.

    `visibility` and `made_for_kids` are None where the channel says nothing: then the platform's
    default holds, and a post without them has the digest that it always had.
    """

    platform: str
    account: str
    title: str
    caption: str
    hashtags: tuple[str, ...]
    flags: Flags
    source_url: str
    source_credit: str
    language: str
    video_sha256: str
    thumbnail_sha256: str
    captions_sha256: str
    transcript: str
    offer_name: str | None = None
    offer_url: str | None = None
    disclosure: str = ""
    visibility: Visibility | None = Field(default=None, exclude_if=is_none)
    made_for_kids: bool | None = Field(default=None, exclude_if=is_none)

    def digest(self) -> str:
        """Return the SHA-256 over the canonical JSON of every field."""
        text = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(text.encode()).hexdigest()


class PostEdit(Record):
    """What an operator changes in a post before the yes; what is None stays."""

    title: str | None = None
    caption: str | None = None
    hashtags: tuple[str, ...] | None = None


class Publication(Record):
    """The receipt of a post that is out."""

    post_id: int
    platform: str
    url: str
    external_id: str
    published_at: datetime


class NotPosted(Record):
    """Why certainly nothing went out, and when trying again may help.

    `later` is not before `after_s` seconds, the platform's own answer; `never` is a dead letter.
    """

    reason: str
    again: Literal["at_once", "later", "never"] = "at_once"
    after_s: float = 0.0


class Report(Record):
    """What came home about a publication. `views` is None where the platform counts nothing."""

    views: int | None
    note: str


class VideoJob(Record):
    """One video on its way; each step fills in one field.

    `simulated` is set by the database of a rehearsal, and by nobody else.
    """

    job_id: int
    source: str
    channel: str = "default"
    requested_by: str
    skipped: tuple[str, ...] = ()
    edits: int = 0
    trend: Trend | None = None
    article: Article | None = None
    script: Script | None = None
    review: Review | None = None
    offer: OfferChoice | None = None
    voiceover: Voiceover | None = None
    swaps: dict[int, ShotKind] = Field(default_factory=dict)
    render: Render | None = None
    check: CheckReport | None = None
    post: Post | None = None
    approval_id: int | None = None
    publication: Publication | None = None
    report: Report | None = None
    fallbacks: tuple[Fallback, ...] = ()
    simulated: bool = Field(default=False, exclude_if=is_false)


class Change(Record):
    """Word that something changed; who wants to know more reads it, with his own rights.

    `number` is the job's, the approval's or the post's own. `content`: a job's script or files are
    new, not only its state.
    """

    what: Literal["job", "approval", "post"]
    number: int
    job_id: int
    content: bool = False
