"""Records of the market: what the feeds showed over time, what rises, what was earned."""

from datetime import datetime
from typing import Literal

from bookai.models import Record

EarningsBy = Literal["day", "channel", "video", "product"]
ReportKind = Literal["clicks", "conversions"]


class FeedState(Record):
    """A configured feed: when it was last read, since when it is watched, what went wrong last."""

    feed: str
    read_at: datetime | None = None
    watched_since: datetime | None = None
    error: str | None = None


class SeenItem(Record):
    """An item of a feed as remembered.

    `then` is its first engagement in the window (points, votes or views), `engagement` its last;
    both are None where the feed tells none. `appeared_at` is its date, or when we first saw it.
    """

    url: str
    title: str
    summary: str
    feed: str
    dated: bool
    appeared_at: datetime
    then: int | None = None
    then_at: datetime | None = None
    engagement: int | None = None
    engagement_at: datetime | None = None


class Watched(Record):
    """What is remembered of the feeds at `now`; `whole` unless there were too many items."""

    now: datetime
    feeds: tuple[FeedState, ...]
    items: tuple[SeenItem, ...]
    whole: bool = True


class TrendSource(Record):
    """Where a story was seen."""

    title: str
    url: str
    feed: str
    appeared_at: datetime
    engagement: int | None = None


class RisingTrend(Record):
    """One story in one or more feeds. `score` orders the list, 0 to 1: it forecasts nothing.

    `reasons` are the parts of the score in words, each with its value and its weight.
    """

    title: str
    score: float
    publishers: int
    reasons: tuple[str, ...]
    sources: tuple[TrendSource, ...]


class TrendList(Record):
    """What rises, best first; `note` says what is not known, `pace` how the topic itself moves."""

    as_of: datetime
    trends: tuple[RisingTrend, ...]
    considered: int
    left_out: int
    pace: str
    note: str
    feeds: tuple[FeedState, ...]


class Money(Record):
    """Commissions in one currency, in its smallest unit, reversals deducted.

    `pending` may still be refused by the network; `confirmed` holds approved and paid, `paid` is
    the part of it that was paid out. `reversed` is what was taken back, zero or negative.
    """

    currency: str
    sales: int
    pending: int
    confirmed: int
    paid: int
    reversed: int


class EarningsRow(Record):
    """What one day, channel, video or product brought. `key` is None for what is no link of ours.

    `views` is known for videos only, as last read from the platform.
    """

    key: str | None
    label: str
    clicks: int
    money: tuple[Money, ...]
    views: int | None = None


class ReportState(Record):
    """How far a network's report of one kind was read; `complete` when to the range's end.

    `newest_at` is the newest row that any of its reports told.
    """

    network: str
    kind: ReportKind
    read_at: datetime | None
    complete: bool
    newest_at: datetime | None = None


class EarningsReport(Record):
    """Earnings from `since` until before `until`; totals count every row, the listed or not."""

    since: datetime
    until: datetime
    clicks: int
    money: tuple[Money, ...]
    rows: tuple[EarningsRow, ...]
    left_out: int
    reports: tuple[ReportState, ...]
    note: str


class ImportedReport(Record):
    """How an import of a network's report ended; `strange` rows carry a sub-id of none of ours."""

    kind: ReportKind
    rows: int
    new: int
    known: int
    strange: int
