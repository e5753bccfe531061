"""What rises among the items that were seen: every part of a score is told, nothing is guessed."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bookai.market import RisingTrend, SeenItem, TrendList, TrendSource, Watched
from tools.market.stories import group, publisher
from tools.sources.intake.topics import MIN_MATCH, fit

HALF_LIFE_H = 24.0
# Two looks closer than this show the clock of the feed, not a growth.
LEAST_APART_H = 0.5
# With fewer items that have a growth, a place among them says nothing.
LEAST_PEERS = 3
# A pace needs so many days to be compared with.
LEAST_DAYS = 3.0
PACE_DAYS = 8
MOST_GROUPED = 1500
SHOWN_SOURCES = 6
_CUT = " There were too many items: only the newest were looked at."
_PUBLISHERS, _GROWTH, _FRESHNESS = 0.40, 0.35, 0.25

Rates = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a score. `value` is 0 to 1, or None where nothing is known of it."""

    value: float | None
    weight: float
    told: str

    def __str__(self) -> str:
        if self.value is None:
            return self.told
        return f"{self.told} ({self.value:.2f}, weight {self.weight:.2f})"


def window_of(hours: int) -> timedelta:
    """Return how far back must be asked for: a pace needs more than the hours asked for."""
    return max(timedelta(hours=hours), timedelta(days=PACE_DAYS))


def rank(watched: Watched, topic: str | None, hours: int, limit: int) -> TrendList:
    """Return the stories of the last `hours`, what rises most first."""
    fitting = [item for item in watched.items if _fits(topic, item)]
    since = watched.now - timedelta(hours=hours)
    all_recent = [item for item in fitting if item.appeared_at >= since]
    recent = all_recent[:MOST_GROUPED]
    cut = not watched.whole or len(all_recent) > len(recent)
    # A place among its peers is one among all that the feed showed, whatever the topic.
    rates = _rates(watched.items)
    ranked = [_trend(story, rates, watched.now) for story in group(recent)]
    ranked.sort(key=lambda one: (-one.score, -_newest(one).timestamp(), one.title))
    return TrendList(
        as_of=watched.now,
        trends=tuple(ranked[:limit]),
        considered=len(recent),
        left_out=max(0, len(ranked) - limit),
        pace=_pace(fitting, watched),
        note=_note(watched, topic, len(recent), hours) + (_CUT if cut else ""),
        feeds=watched.feeds,
    )


def _fits(topic: str | None, item: SeenItem) -> bool:
    return topic is None or fit(topic, item.title, item.summary) >= MIN_MATCH


def _newest(trend: RisingTrend) -> datetime:
    return max(source.appeared_at for source in trend.sources)


def _trend(story: Sequence[SeenItem], rates: Rates, now: datetime) -> RisingTrend:
    parts = (_publishers(story), _growth(story, rates), _freshness(story, now))
    known = [(one.value, one.weight) for one in parts if one.value is not None]
    score = sum(value * weight for value, weight in known) / sum(weight for _, weight in known)
    best = sorted(story, key=lambda item: (-(item.engagement or 0), item.appeared_at))
    return RisingTrend(
        title=best[0].title,
        score=round(score, 3),
        publishers=len({publisher(item.url) for item in story}),
        reasons=tuple(str(one) for one in parts),
        sources=tuple(
            TrendSource(
                title=item.title,
                url=item.url,
                feed=item.feed,
                appeared_at=item.appeared_at,
                engagement=item.engagement,
            )
            for item in best[:SHOWN_SOURCES]
        ),
    )


def _publishers(story: Sequence[SeenItem]) -> _Part:
    who = sorted({publisher(item.url) for item in story})
    feeds = len({item.feed for item in story})
    told = f"{len(who)} independent publishers in {feeds} feeds: {', '.join(who[:SHOWN_SOURCES])}"
    if len(who) == 1:
        told = f"one publisher only: {who[0]}"
    return _Part(value=round(1 - 1 / len(who), 3), weight=_PUBLISHERS, told=told)


def _rate(item: SeenItem) -> float | None:
    """Return points, votes or views an hour; None unless two looks are far enough apart."""
    if item.then is None or item.then_at is None:
        return None
    if item.engagement is None or item.engagement_at is None:
        return None
    apart_h = (item.engagement_at - item.then_at).total_seconds() / 3600
    return (item.engagement - item.then) / apart_h if apart_h >= LEAST_APART_H else None


def _rates(items: Sequence[SeenItem]) -> Rates:
    by_feed: dict[str, list[float]] = defaultdict(list)
    for item in items:
        if (rate := _rate(item)) is not None:
            by_feed[item.feed].append(rate)
    return by_feed


def _growth(story: Sequence[SeenItem], rates: Rates) -> _Part:
    """Place the story's fastest item among what its own feed shows."""
    told = "growth not known: no feed tells points or views at two moments"
    best: float | None = None
    for item in story:
        rate = _rate(item)
        if rate is None:
            continue
        peers = rates[item.feed]
        if len(peers) < LEAST_PEERS:
            told = f"growth not comparable: only {len(peers)} items of {item.feed!r} have one"
            continue
        value = round(sum(peer < rate for peer in peers) / (len(peers) - 1), 3)
        if best is None or value > best:
            best = value
            place = 1 + sum(peer > rate for peer in peers)
            told = f"{rate:+.1f} an hour, number {place} of {len(peers)} in {item.feed!r}"
    return _Part(value=best, weight=_GROWTH, told=told)


def _freshness(story: Sequence[SeenItem], now: datetime) -> _Part:
    newest = max(story, key=lambda item: item.appeared_at)
    age_h = max(0.0, (now - newest.appeared_at).total_seconds() / 3600)
    when = f"{age_h:.0f} h" if age_h < 48 else f"{age_h / 24:.0f} days"
    seen = "appeared" if newest.dated else "undated, first seen"
    value = round(math.exp(-math.log(2) * age_h / HALF_LIFE_H), 3)
    return _Part(value=value, weight=_FRESHNESS, told=f"{seen} {when} ago")


def _pace(items: Sequence[SeenItem], watched: Watched) -> str:
    """Compare the last day with the days before it; undated items would all count as today's."""
    starts = [feed.watched_since for feed in watched.feeds if feed.watched_since]
    if not starts:
        return "not known: no feed was read yet"
    days = min((watched.now - min(starts)).total_seconds() / 86400, PACE_DAYS)
    if days < LEAST_DAYS + 1:
        return f"not known yet: watched for {days:.1f} days, {LEAST_DAYS + 1:g} are needed"
    day_ago = watched.now - timedelta(days=1)
    dated = [
        item.appeared_at
        for item in items
        if item.dated and item.appeared_at >= watched.now - timedelta(days=days)
    ]
    today = sum(at >= day_ago for at in dated)
    before = (len(dated) - today) / (days - 1)
    return (
        f"{today} items in the last 24 h, {before:.1f} a day in the {days - 1:.0f} days before "
        f"(n = {len(dated)})"
    )


def _note(watched: Watched, topic: str | None, found: int, hours: int) -> str:
    """Say what is not known, in words that can be repeated to the operator."""
    unread = sum(feed.read_at is None for feed in watched.feeds)
    failing = sum(feed.error is not None for feed in watched.feeds)
    parts = []
    if unread == len(watched.feeds):
        parts.append("No feed was read yet, so nothing is known. Ask again with refresh.")
    elif not found:
        about = f" on {topic!r}" if topic else ""
        parts.append(f"Nothing{about} appeared in the feeds within {hours} h.")
    elif unread:
        parts.append(f"{unread} of {len(watched.feeds)} feeds were never read.")
    if failing:
        parts.append(f"{failing} of {len(watched.feeds)} feeds could not be read last time.")
    if found:
        parts.append("The score orders what was seen; it does not forecast.")
    return " ".join(parts)
