import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from bookai.errors import Refused, TryLater
from bookai.models import Feed, Finding, TopicMatch, TopicMatches
from tools.base import Tool, ToolContext
from tools.market.reading import addresses, no_feed
from tools.sources.intake.feeds import load_feed
from tools.sources.intake.topics import MIN_MATCH, fit

MAX_MATCHES = 50
AT_ONCE = 6


async def search_sources(
    ctx: ToolContext,
    topic: Annotated[
        str | None,
        Field(min_length=2, max_length=200, description="A few words, such as coral reefs."),
    ] = None,
    feed: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=2000,
            description="Path or http(s) URL of one RSS or Atom feed to look through instead.",
        ),
    ] = None,
) -> TopicMatches:
    """Look for items on a topic in every configured feed, best match first; or read one feed.

    Use it for material on a topic. With feed alone it returns all its items, newest first: title,
    address, date, points or views.
    Do not use it for the text of one article (use read_article), nor to see what rises (use
    list_trends). A configured feed that cannot be read is named in the answer, not an error.
    """
    if feed is not None:
        return _found(topic, [await load_feed(ctx, feed)], {})
    if topic is None:
        raise Refused("neither a topic nor a feed is given. Give one of them, or both.")
    configured = addresses(ctx.config.get("sources", ()))
    if not configured:
        raise no_feed(repr(topic))
    return await _search(ctx, topic, configured)


async def _search(ctx: ToolContext, topic: str, configured: Sequence[str]) -> TopicMatches:
    feeds: list[Feed] = []
    failures: dict[str, Refused | TryLater] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(address: str) -> None:
        async with gate:
            try:
                feeds.append(await load_feed(ctx, address))
            except (Refused, TryLater) as error:
                failures[address] = error
        await ctx.progress((len(feeds) + len(failures)) / len(configured), "reading feeds")

    async with asyncio.TaskGroup() as group:
        for address in configured:
            group.create_task(read(address))
    if not feeds:
        raise _none_read(failures)
    return _found(topic, feeds, failures)


def _none_read(failures: Mapping[str, Refused | TryLater]) -> Refused | TryLater:
    told = "; ".join(str(error) for error in list(failures.values())[:3])
    message = f"none of the {len(failures)} configured feeds could be read: {told}"
    waits = [error.after_s for error in failures.values() if isinstance(error, TryLater)]
    return TryLater(message, after_s=min(waits)) if waits else Refused(message)


def _found(
    topic: str | None, feeds: Sequence[Feed], failures: Mapping[str, Exception]
) -> TopicMatches:
    found = [
        TopicMatch(item=item, feed=feed.title, match=match)
        for feed in feeds
        for item in feed.items
        if (match := fit(topic, item.title, item.summary) if topic else None) is None
        or match >= MIN_MATCH
    ]
    if topic:
        found.sort(key=lambda one: (-(one.match or 0.0), one.item.url))
    return TopicMatches(
        topic=topic,
        matches=tuple(found[:MAX_MATCHES] if topic else found),
        feeds=len(feeds),
        read=sum(len(feed.items) for feed in feeds),
        failed=tuple(
            Finding(check=_shown(address), ok=False, detail=str(error))
            for address, error in sorted(failures.items())
        ),
    )


def _shown(address: str) -> str:
    """Return a feed's address without what may be a secret: user, password and query."""
    scheme, found, rest = address.partition("://")
    if not found:
        return address
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


TOOL = Tool(
    run=search_sources,
    title="Search feeds, or read one",
    scope="agent",
    timeout_s=120,
    read_only=True,
    open_world=True,
)
