"""What the feeds showed over time: items, and their points, votes or views at each reading."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bookai.db.pool import Pool
from bookai.market import FeedState, SeenItem
from bookai.models import Feed, FeedItem

MOST_ITEMS = 5000
KEPT = timedelta(days=45)
MARKS_KEPT = timedelta(days=2)
# Marks closer to each other tell nothing more.
MARK_EVERY = timedelta(minutes=10)
_LONGEST_URL, _LONGEST_TITLE, _LONGEST_SUMMARY, _LONGEST_ERROR = 2000, 500, 1000, 500
_BIGGEST = 2**62

ADD_FEEDS = """
INSERT INTO sources (url)
SELECT unnest($1::text[])
ON CONFLICT (url) DO NOTHING
"""
CLAIM_FEEDS = """
UPDATE sources AS s
   SET tried_at = $3::timestamptz
  FROM unnest($1::text[], $2::integer[]) AS due (url, every_s)
 WHERE s.url = due.url
   AND (s.tried_at IS NULL OR s.tried_at <= $3::timestamptz - make_interval(secs => due.every_s))
RETURNING s.url
"""
NOTE_READ = """
UPDATE sources
   SET title = $2, last_read_at = $3, last_error = NULL
 WHERE url = $1
RETURNING source_id
"""
NOTE_FAILED = "UPDATE sources SET last_error = $2 WHERE url = $1"
UPSERT_ITEMS = """
INSERT INTO trend_items
       (source_id, url, title, summary, published_at, appeared_at, first_seen_at, last_seen_at)
SELECT $1, url, title, summary, published_at, LEAST(published_at, $6::timestamptz), $6, $6
  FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
       AS shown (url, title, summary, published_at)
ON CONFLICT (source_id, url) DO UPDATE
   SET title = excluded.title, summary = excluded.summary,
       last_seen_at = GREATEST(trend_items.last_seen_at, excluded.last_seen_at)
"""
INSERT_MARKS = """
INSERT INTO trend_marks (item_id, seen_at, engagement)
SELECT i.item_id, $4, shown.engagement
  FROM unnest($2::text[], $3::bigint[]) AS shown (url, engagement)
  JOIN trend_items AS i ON i.source_id = $1 AND i.url = shown.url
 WHERE shown.engagement IS NOT NULL
   AND NOT EXISTS (SELECT FROM trend_marks AS m
                    WHERE m.item_id = i.item_id
                      AND m.seen_at > $4::timestamptz - $5::interval)
"""
SELECT_FEEDS = """
SELECT s.url, s.title, s.last_read_at, s.last_error,
       (SELECT min(i.first_seen_at) FROM trend_items AS i
         WHERE i.source_id = s.source_id) AS watched_since
  FROM sources AS s
 WHERE s.url = ANY ($1::text[])
"""
SELECT_ITEMS = """
SELECT i.url, i.title, i.summary, s.title AS feed_title, s.url AS feed_url,
       i.published_at IS NOT NULL AS dated, i.appeared_at,
       early.engagement AS then, early.seen_at AS then_at,
       late.engagement, late.seen_at AS engagement_at
  FROM trend_items AS i
  JOIN sources AS s ON s.source_id = i.source_id
  LEFT JOIN LATERAL (SELECT engagement, seen_at FROM trend_marks
                      WHERE item_id = i.item_id AND seen_at >= $4
                      ORDER BY seen_at LIMIT 1) AS early ON true
  LEFT JOIN LATERAL (SELECT engagement, seen_at FROM trend_marks
                      WHERE item_id = i.item_id AND seen_at >= $4
                      ORDER BY seen_at DESC LIMIT 1) AS late ON true
 WHERE s.url = ANY ($1::text[])
   AND i.appeared_at >= $2
 ORDER BY i.appeared_at DESC, i.item_id DESC
 LIMIT $3
"""
DELETE_OLD = "DELETE FROM trend_items WHERE last_seen_at < $1"
DELETE_MARKS = "DELETE FROM trend_marks WHERE seen_at < $1"


async def claim(pool: Pool, feeds: Mapping[str, int], now: datetime) -> tuple[str, ...]:
    """Return which feeds are due, and mark them as tried: `feeds` maps an address to seconds.

    Of two processes that ask at once, only one gets a feed.
    """
    urls = sorted(url for url in feeds if "\0" not in url and len(url.encode()) <= _LONGEST_URL)
    async with pool.acquire() as con, con.transaction():
        await con.execute(ADD_FEEDS, urls)
        rows = await con.fetch(CLAIM_FEEDS, urls, [feeds[url] for url in urls], now)
    return tuple(sorted(row["url"] for row in rows))


async def note(pool: Pool, url: str, feed: Feed, now: datetime) -> None:
    """Remember what a feed shows now, in one transaction."""
    # One statement may not touch a row twice, and two at once must go in the same order.
    items = {_plain(one.url): one for one in feed.items if _fits(one)}
    urls = sorted(items)
    shown = [items[one] for one in urls]
    titles = [_plain(one.title)[:_LONGEST_TITLE] for one in shown]
    summaries = [_plain(one.summary)[:_LONGEST_SUMMARY] for one in shown]
    counts = [
        None if one.engagement is None else min(max(one.engagement, 0), _BIGGEST) for one in shown
    ]
    async with pool.acquire() as con, con.transaction():
        title = _plain(feed.title)[:_LONGEST_TITLE] or None
        source_id = await con.fetchval(NOTE_READ, url, title, now)
        dates = [one.published_at for one in shown]
        await con.execute(UPSERT_ITEMS, source_id, urls, titles, summaries, dates, now)
        await con.execute(INSERT_MARKS, source_id, urls, counts, now, MARK_EVERY)


async def note_failure(pool: Pool, url: str, error: str) -> None:
    """Remember why a feed could not be read; what it showed before stays."""
    told = _plain(error).replace(url, shown_address(url))
    await pool.execute(NOTE_FAILED, url, told[:_LONGEST_ERROR])


async def feed_states(pool: Pool, urls: Sequence[str]) -> tuple[FeedState, ...]:
    """Return the state of every feed asked for, in that order, the never read ones too."""
    known = {row["url"]: row for row in await pool.fetch(SELECT_FEEDS, list(urls))}
    return tuple(_state(url, known.get(url)) for url in urls)


async def seen_since(
    pool: Pool, urls: Sequence[str], since: datetime, growing_since: datetime
) -> tuple[SeenItem, ...]:
    """Return what these feeds showed that appeared since then, newest first, at most 5000.

    The engagement of each is the first and the last after `growing_since`.
    """
    rows = await pool.fetch(SELECT_ITEMS, list(urls), since, MOST_ITEMS, growing_since)
    return tuple(
        SeenItem(**item, feed=title or shown_address(url))
        for row in rows
        for item in [dict(row)]
        for title, url in [(item.pop("feed_title"), item.pop("feed_url"))]
    )


async def forget_old(pool: Pool, now: datetime) -> None:
    """Forget items that no feed showed for 45 days, and counts that nobody compares any more."""
    await pool.execute(DELETE_OLD, now - KEPT)
    await pool.execute(DELETE_MARKS, now - MARKS_KEPT)


def shown_address(url: str) -> str:
    """Return a feed's address without what may be a secret: user, password and query."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def _state(url: str, row: Mapping[str, Any] | None) -> FeedState:
    where = shown_address(url)
    if row is None:
        return FeedState(feed=where)
    return FeedState(
        feed=row["title"] or where,
        read_at=row["last_read_at"],
        watched_since=row["watched_since"],
        error=row["last_error"],
    )


def _fits(item: FeedItem) -> bool:
    return bool(_plain(item.title)) and 0 < len(_plain(item.url).encode()) <= _LONGEST_URL


def _plain(text: str) -> str:
    """Return text as Postgres can keep it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()
