import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from rapidfuzz import fuzz

from agents.base import Agent, Context
from bookai.errors import Refused, ToolFailed, TryLater
from bookai.models import (
    Article,
    Capability,
    Fallback,
    FeedItem,
    MadeList,
    MadeVideo,
    TopicMatches,
    Trend,
    VideoJob,
)

HALF_LIFE_H = 24.0
MAX_READS = 3
MADE_LIMIT = 200
LONGEST_TOPIC = 200
# At and above this likeness of titles, in percent, an item counts as made already.
SAME_STORY = 85.0
_NEUTRAL = 0.5
_FRESHNESS, _ENGAGEMENT, _NOVELTY = 0.45, 0.30, 0.25
_MATCH = 0.4

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.I)
_FEED_NAME = re.compile(r"\.(?:xml|rss|atom|rdf)(?:$|\?)|/(?:feeds?|rss|atom)(?:$|[/?.])", re.I)
_FILE_NAME = re.compile(
    r"\.(?:txt|text|md|markdown|mdown|mkd|html?|xhtml|epub|xml|rss|atom|rdf|pdf|docx?|odt|rtf|csv|"
    r"json|jpe?g|png|gif|mp[34]|zip|gz)$",
    re.I,
)
_ROOTED = re.compile(r"^(?:/|\.{1,2}[/\\]|~|[A-Za-z]:[/\\])")


@dataclass(frozen=True, slots=True)
class _Item:
    """A feed's item and where it came from; `match` is how well it fits a topic, 0 to 1."""

    item: FeedItem
    feed: str
    match: float | None = None


@dataclass(frozen=True, slots=True)
class _Scored:
    item: FeedItem
    score: float
    reasons: tuple[str, ...]


class TrendScout(Agent):
    """Choose what a video is made of, say why, and bring the article."""

    name = "trend_scout"
    capabilities = frozenset[Capability]({"scout"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        await ctx.progress(0.05, "looking at the source")
        found = await _look(job.source.strip(), ctx)
        made = (
            await ctx.tools.call("list_made", MadeList, channel=job.channel, limit=MADE_LIMIT)
        ).videos
        if isinstance(found, Article):
            return job.model_copy(update={"article": found, "trend": _chosen(found, made)})
        fallbacks = job.fallbacks
        items = [_Item(one.item, one.feed, one.match) for one in found.matches]
        where = _where(found, job.source.strip())
        fallbacks += _unread_feeds(found)
        if not items:
            raise Refused(f"nothing was found in {where} ({found.read} items looked at).")
        ranked = rank_items(items, made, job.skipped, ctx.now)
        if not ranked:
            raise Refused(
                f"nothing new in {where}: each of {len(items)} items was made already or skipped."
            )
        await ctx.progress(0.4, f"ranked {len(items)} items")
        best, article, failures = await _read_best(ranked, job.skipped, ctx)
        trend = Trend(
            title=best.item.title,
            url=best.item.url,
            score=best.score,
            reasons=best.reasons + _left_out(len(items) - len(ranked)),
            considered=found.read,
            published_at=best.item.published_at,
        )
        fallbacks += tuple(
            Fallback(what="article", wanted=title, used=best.item.title, why=why)
            for title, why in failures
        )
        return job.model_copy(update={"trend": trend, "article": article, "fallbacks": fallbacks})


async def _look(source: str, ctx: Context) -> Article | TopicMatches:
    """Find out what a source is by asking the tools: an agent does not touch disk or network."""
    address = bool(_SCHEME.match(source))
    named = address or bool(_ROOTED.match(source) or _FILE_NAME.search(source))
    if not named and not re.search(r"[/\\]", source):
        return await _search(source, ctx)
    if _FEED_NAME.search(source):
        try:
            return await ctx.tools.call("search_sources", TopicMatches, feed=source)
        except Refused as error:
            if "is not a feed" not in str(error):
                raise
    try:
        return await ctx.tools.call("read_article", Article, source=source)
    except Refused as error:
        if "is a feed" in str(error):
            return await ctx.tools.call("search_sources", TopicMatches, feed=source)
        # "AC/DC" looks like a path until there is no such file.
        if named or "there is no file" not in str(error):
            raise
    return await _search(source, ctx)


async def _search(topic: str, ctx: Context) -> TopicMatches:
    topic = topic.strip("\"' ")
    if not 2 <= len(topic) <= LONGEST_TOPIC:
        raise Refused(
            f"a topic has 2 to {LONGEST_TOPIC} characters, this one {len(topic)}. "
            "To use a text as the source, save it as a file and give its path."
        )
    return await ctx.tools.call("search_sources", TopicMatches, topic=topic)


async def _read_best(
    ranked: Sequence[_Scored], skipped: Sequence[str], ctx: Context
) -> tuple[_Scored, Article, list[tuple[str, str]]]:
    """Return the first of the best three that can be read, and why those before it could not."""
    failures: list[tuple[str, str]] = []
    waits: list[float] = []
    for tried, one in enumerate(ranked[:MAX_READS]):
        await ctx.progress(0.5 + 0.15 * tried, f"reading {one.item.title[:80]}")
        try:
            article = await ctx.tools.call("read_article", Article, source=one.item.url)
            _check_fits(article, skipped, ctx.channel.language)
            return one, article, failures
        except (Refused, ToolFailed, TryLater) as error:
            failures.append((one.item.title, str(error)))
            if isinstance(error, TryLater):
                waits.append(error.after_s)
    told = "; ".join(f"{title!r}: {why}" for title, why in failures)
    message = f"none of the best {len(failures)} of {len(ranked)} items could be used: {told}"
    if waits:
        raise TryLater(message, after_s=min(waits))
    raise Refused(message)


def _check_fits(article: Article, skipped: Sequence[str], language: str) -> None:
    if _key(article.url) in {_key(url) for url in skipped}:
        raise Refused("it leads to a page that was skipped")
    if article.language != language:
        raise Refused(f"it is in {article.language!r}, and the channel speaks {language!r}")


def rank_items(
    items: Sequence[_Item], made: Sequence[MadeVideo], skipped: Sequence[str], now: datetime
) -> list[_Scored]:
    """Return what may be chosen, best first; made and skipped items are left out."""
    closed = {_key(url) for url in skipped} | {_key(video.url) for video in made}
    ranked = []
    for one in items:
        likeness, nearest = _nearest(one.item.title, made)
        if _key(one.item.url) in closed or likeness >= SAME_STORY:
            continue
        fresh, when = _freshness(one.item.published_at, now)
        peers = [
            peer.item.engagement
            for peer in items
            if peer.feed == one.feed and peer.item.engagement is not None
        ]
        liked, how_much = _engagement(one.item.engagement, peers)
        score = _FRESHNESS * fresh + _ENGAGEMENT * liked + _NOVELTY * (1 - likeness / 100)
        reasons = [when, how_much, _novelty_reason(likeness, nearest, len(made))]
        if one.match is not None:
            score = _MATCH * one.match + (1 - _MATCH) * score
            reasons.insert(0, f"fits the topic by {one.match:.0%}")
        told = tuple(reason for reason in reasons if reason)
        ranked.append(_Scored(one.item, round(score, 4), told))
    # Equal scores keep the feed's own order.
    return sorted(ranked, key=lambda scored: -scored.score)


def _freshness(published_at: datetime | None, now: datetime) -> tuple[float, str]:
    if published_at is None:
        return _NEUTRAL, "its date is not known"
    age_h = (now - published_at).total_seconds() / 3600
    if age_h < -HALF_LIFE_H:
        # A clock or a time zone is wrong, or the date is that of an event.
        return _NEUTRAL, "its date lies in the future"
    age_h = max(0.0, age_h)
    told = f"{age_h:.0f} h" if age_h < 48 else f"{age_h / 24:.0f} days"
    return math.exp(-math.log(2) * age_h / HALF_LIFE_H), f"published {told} ago"


def _engagement(value: int | None, peers: Sequence[int]) -> tuple[float, str]:
    if value is None or max(peers, default=0) <= 0:
        return _NEUTRAL, ""
    place = 1 + sum(peer > value for peer in peers)
    told = "the most" if place == 1 else f"number {place}"
    share = math.log1p(max(0, value)) / math.log1p(max(peers))
    return share, f"{value:,} points or views, {told} of {len(peers)}"


def _nearest(title: str, made: Sequence[MadeVideo]) -> tuple[float, str]:
    likenesses = ((_likeness(title, video.title), video.title) for video in made)
    return max(likenesses, default=(0.0, ""), key=lambda pair: pair[0])


def _likeness(one: str, other: str) -> float:
    """Return 0 to 100. A title of a word or two is part of many others and says nothing by that."""
    left, right = _normal(one), _normal(other)
    if min(len(left.split()), len(right.split())) < 3:
        return fuzz.ratio(left, right)
    return fuzz.token_set_ratio(left, right)


def _novelty_reason(likeness: float, nearest: str, made: int) -> str:
    if not made:
        return "nothing was made yet"
    if likeness < 60:
        return f"nothing like it among the last {made} videos"
    return f"nearest of the last {made} videos, {likeness:.0f} % alike: {nearest!r}"


def _chosen(article: Article, made: Sequence[MadeVideo]) -> Trend:
    """Return the trend of an article that an operator asked for: a wish is not refused."""
    reasons = ["you chose it"]
    for video in made:
        if _key(video.url) == _key(article.url) or _likeness(article.title, video.title) >= 95:
            reasons.append(f"made before, on {video.created_at:%Y-%m-%d}: {video.title!r}")
            break
    return Trend(
        title=article.title,
        url=article.url,
        score=1.0,
        reasons=tuple(reasons),
        published_at=article.published_at,
    )


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} left out: made already or skipped",) if count else ()


def _where(found: TopicMatches, source: str) -> str:
    if found.topic is not None:
        return f"the feeds on {found.topic!r}"
    return f"the feed {next((one.feed for one in found.matches), source)!r}"


def _unread_feeds(found: TopicMatches) -> tuple[Fallback, ...]:
    if not found.failed:
        return ()
    return (
        Fallback(
            what="feeds",
            wanted=f"{found.feeds + len(found.failed)} feeds",
            used=f"{found.feeds} feeds",
            why="; ".join(one.detail for one in found.failed[:3]),
        ),
    )


def _normal(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _key(url: str) -> str:
    """Return what stays the same when a page is linked with another scheme or a campaign's mark."""
    if not _SCHEME.match(url):
        return url
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query) if not pair[0].startswith("utm_")]
    host = (parts.netloc or "").lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}?{urlencode(sorted(query))}"


AGENT = TrendScout()
