"""Read the feeds again and again, so that what rises is known before anybody asks."""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from bookai.market import TrendList
from bookai.settings import SourceSettings
from studio.desk import StudioDesk
from studio.market.desk import MarketDesk
from tools.base import Fetch
from tools.market.reading import no_feed, read_due
from tools.market.rising import rank, window_of
from tools.sources.intake.feeds import load_feed_at

# Growth cannot be seen in a feed that is read once a week; no feed likes to be asked each minute.
SELDOM_S, OFTEN_S = 3600, 300


async def ask_trends(
    desk: MarketDesk, feeds: Sequence[str], topic: str | None, hours: int, limit: int
) -> TrendList:
    """Return what rises in these feeds, from memory; raises `OperatorNeeded` without any feed."""
    if not feeds:
        raise no_feed(repr(topic) if topic else "trends")
    watched = await desk.seen_in_feeds(feeds, window_of(hours))
    return await asyncio.to_thread(rank, watched, topic, hours, limit)


def reading_s(source: SourceSettings) -> int:
    """Return how often, in seconds, a source is read to see what rises."""
    return min(max(source.every_s, OFTEN_S), SELDOM_S)


async def watch_source(
    desk: StudioDesk, url: str, channels: Collection[str], every_s: float, fetch: Fetch, home: Path
) -> str:
    """Read one feed for the channels that use it, each `every_s` seconds; say what came of it.

    It is not read while all of them are paused, nor when it was tried just before.
    """
    paused = {one.channel for one in await desk.list_pauses()}
    if None in paused or paused.issuperset(channels):
        return "paused"
    # Whoever is a little late this time must not be too early the next.
    due_s = int(every_s * 0.5)
    read = await read_due(desk, {url: due_s}, partial(load_feed_at, fetch=fetch, home=home))
    return "read" if read else "not read"
