"""What became of each post: the platform's word, when it was heard, and when to ask again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bookai.db import audit
from bookai.db.audit.body import clean
from bookai.db.pool import Con, Pool
from bookai.models import Publication, Report

State = Literal["unread", "there", "missing", "gone"]

ACTOR = "studio"
LONGEST = 500
READ_FOR = timedelta(days=30)
SURE_AFTER = 2
"""So many looks in a row must not find a post before it is called gone."""
LOOK_TWICE = timedelta(minutes=10)
# Young posts change by the hour, old ones by the week. Up to that age, so far apart.
_RHYTHM = (
    (timedelta(hours=6), timedelta(hours=1)),
    (timedelta(days=2), timedelta(hours=6)),
    (timedelta(days=7), timedelta(days=1)),
)
_SELDOM = timedelta(days=3)
STALE_AFTER = 2.0
"""A word is stale when it is older than so many of the distances at which it should be renewed."""

SELECT_DUE = """
SELECT r.post_id, p.job_id, p.platform, p.account, p.url, p.external_id, p.published_at,
       r.state, r.views, r.missed
  FROM post_results r
  JOIN social_posts p ON p.post_id = r.post_id
 WHERE r.channel = $1
   AND r.next_at <= $2
   AND p.state = 'posted'
 ORDER BY r.next_at
 LIMIT $3
"""
NOTE_THERE = """
UPDATE post_results
   SET state = 'there', views = $2, note = $3, missed = 0, error = NULL, gone_at = NULL,
       read_at = $4, tried_at = $4, next_at = $5
 WHERE post_id = $1
"""
INSERT_MARK = """
INSERT INTO post_marks (post_id, seen_at, views)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
NOTE_MISSED = """
UPDATE post_results
   SET state = $2, missed = missed + 1, error = $3, tried_at = $4, next_at = $5,
       gone_at = CASE WHEN $2 = 'gone' THEN coalesce(gone_at, $4) END
 WHERE post_id = $1
"""
NOTE_FAILED = "UPDATE post_results SET error = $2, tried_at = $3, next_at = $4 WHERE post_id = $1"
SELECT_GONE = """
SELECT r.post_id, p.job_id, p.url, r.gone_at, r.error
  FROM post_results r
  JOIN social_posts p ON p.post_id = r.post_id
 WHERE r.channel = $1
   AND r.state = 'gone'
   AND r.gone_at > $2
 ORDER BY r.gone_at
"""
SELECT_RESULTS = """
SELECT r.post_id, p.job_id, r.channel, p.platform, p.title, p.url, p.published_at, r.state,
       r.views, r.note, r.error, r.read_at, r.next_at
  FROM post_results r
  JOIN social_posts p ON p.post_id = r.post_id
 WHERE ($1::text IS NULL OR r.channel = $1)
 ORDER BY r.post_id DESC
 LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class DuePost:
    """A post that is to be asked after, and what was heard last."""

    job_id: int
    account: str
    publication: Publication
    state: State
    views: int | None
    missed: int


@dataclass(frozen=True, slots=True)
class GonePost:
    """A post that its platform shows no more."""

    post_id: int
    job_id: int
    url: str
    gone_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class PostResult:
    """What is known of a post. `views` is None where nothing is counted or was heard yet."""

    post_id: int
    job_id: int
    channel: str
    platform: str
    title: str
    url: str
    published_at: datetime
    state: State
    views: int | None
    note: str
    error: str | None
    read_at: datetime | None
    next_at: datetime | None

    def is_stale(self, at: datetime) -> bool:
        """Tell whether the word is older than it should be, or was never heard."""
        if self.next_at is None:
            return False  # too old to be asked after: what was heard last stands
        heard = self.read_at or self.published_at
        return at - heard > STALE_AFTER * distance(self.published_at, at)


def distance(published_at: datetime, at: datetime) -> timedelta:
    """Return how far apart a post of that age is asked after."""
    age = at - published_at
    return next((apart for limit, apart in _RHYTHM if age < limit), _SELDOM)


def next_look(published_at: datetime, at: datetime) -> datetime | None:
    """Return when to ask again; None when the post is too old by then."""
    again = at + distance(published_at, at)
    return again if again - published_at <= READ_FOR else None


async def due(pool: Pool, channel: str, at: datetime, limit: int) -> tuple[DuePost, ...]:
    """Return a channel's posts that are to be asked after now, the most overdue first."""
    return tuple(
        DuePost(
            job_id=row["job_id"],
            account=row["account"],
            publication=Publication(
                **{name: row[name] for name in Publication.model_fields},
            ),
            state=row["state"],
            views=row["views"],
            missed=row["missed"],
        )
        for row in await pool.fetch(SELECT_DUE, channel, at, limit)
    )


async def note_there(pool: Pool, post: DuePost, report: Report, at: datetime) -> None:
    """Keep what the platform said: what it counts, or that it counts nothing."""
    post_id = post.publication.post_id
    note = clean(report.note)[:LONGEST]
    again = next_look(post.publication.published_at, at)
    async with pool.acquire() as con, con.transaction():
        await con.execute(NOTE_THERE, post_id, report.views, note, at, again)
        if report.views is not None and report.views != post.views:
            await con.execute(INSERT_MARK, post_id, at, report.views)
        if post.state == "gone":
            await _tell(con, "post.back", post, report.note)


async def note_missed(pool: Pool, post: DuePost, why: str, at: datetime) -> bool:
    """Note that the platform does not find a post; return whether it is known as gone only now.

    One miss may be the platform's own hiccup: the second in a row, ten minutes later, is believed.
    """
    is_gone = post.missed + 1 >= SURE_AFTER
    is_news = is_gone and post.state != "gone"
    published_at = post.publication.published_at
    again = next_look(published_at, at) if is_gone else at + LOOK_TWICE
    told = clean(why)[:LONGEST]
    state = "gone" if is_gone else "missing"
    async with pool.acquire() as con, con.transaction():
        await con.execute(NOTE_MISSED, post.publication.post_id, state, told, at, again)
        if is_news:
            await _tell(con, "post.gone", post, why)
    return is_news


async def note_failed(pool: Pool, post: DuePost, why: str, at: datetime, again: datetime) -> None:
    """Note that the platform could not be asked; what was heard before stays, and grows old."""
    told = clean(why)[:LONGEST]
    await pool.execute(NOTE_FAILED, post.publication.post_id, told, at, again)


async def gone(db: Pool | Con, channel: str, since: datetime) -> tuple[GonePost, ...]:
    """Return a channel's posts that vanished from their platform after `since`, in that order."""
    return tuple(GonePost(**row) for row in await db.fetch(SELECT_GONE, channel, since))


async def list_(pool: Pool, channel: str | None, limit: int) -> tuple[PostResult, ...]:
    """Return what became of posts, the newest first."""
    return tuple(PostResult(**row) for row in await pool.fetch(SELECT_RESULTS, channel, limit))


async def _tell(con: Con, kind: str, post: DuePost, why: str) -> None:
    body = {
        "post_id": post.publication.post_id,
        "job_id": post.job_id,
        "platform": post.publication.platform,
        "account": post.account,
        "url": post.publication.url,
        "reason": why[:LONGEST],
    }
    await audit.append(con, kind, ACTOR, body)
