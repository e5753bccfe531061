"""Open and parse one feed: what reading a feed and searching all feeds have in common."""

import asyncio
from pathlib import Path

from bookai.errors import Refused
from bookai.models import Feed
from tools.base import Fetch, ToolContext
from tools.sources.base import MIB
from tools.sources.intake.opening import open_source
from tools.sources.intake.syndication import parse_feed

ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"
MAX_BYTES = 5 * MIB
PARSING_S = 30.0


async def load_feed(ctx: ToolContext, source: str) -> Feed:
    """Return the feed at a path or URL, for a tool; raises as `load_feed_at` does."""
    return await load_feed_at(source, fetch=ctx.fetch, home=ctx.work_dir.parent)


async def load_feed_at(source: str, *, fetch: Fetch, home: Path) -> Feed:
    """Return the feed at a path or URL; relative paths begin at `home`.

    Raises:
        Refused: it cannot be read, or is no feed.
        TryLater: the network or the server does not answer now.
    """
    material = await open_source(
        source,
        fetch=fetch,
        home=home,
        accept=ACCEPT,
        limit_of=lambda clue: MAX_BYTES,
    )
    try:
        async with asyncio.timeout(PARSING_S):
            return await asyncio.to_thread(parse_feed, material)
    except TimeoutError as error:
        raise Refused(f"{material.where} took more than {PARSING_S:g} s to read.") from error
    except (ValueError, LookupError, RecursionError, AssertionError) as error:
        # The parser's own defects with odd documents, such as half a character in a title.
        kind = type(error).__name__
        raise Refused(f"{material.where} cannot be read as a feed ({kind}).") from error
