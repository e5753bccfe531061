"""Read the feeds again and again, so that what rises is known before anybody asks."""

import asyncio
import logging
from collections.abc import Sequence
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

logger = logging.getLogger(__name__)

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


async def watch_feeds(
    desk: StudioDesk, sources: Sequence[SourceSettings], fetch: Fetch, home: Path
) -> None:
    """Read once what is due and not paused; among all processes each feed is read by one."""
    paused = {one.channel for one in await desk.list_pauses()}
    if None in paused:
        return
    every = {
        one.url: min(max(one.every_s, OFTEN_S), SELDOM_S)
        for one in sources
        if one.channel not in paused
    }
    if not every:
        return
    if read := await read_due(desk, every, partial(load_feed_at, fetch=fetch, home=home)):
        logger.info("Read %s feeds for trends", read, extra={"action": "feeds_watched"})
    await desk.forget_old_trends()
