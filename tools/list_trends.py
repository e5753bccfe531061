import asyncio
from functools import partial
from typing import Annotated

from pydantic import Field

from bookai.market import TrendList
from tools.base import Tool, ToolContext
from tools.market.reading import FRESH_S, addresses, no_feed, read_due
from tools.market.rising import rank, window_of
from tools.sources.intake.feeds import load_feed


async def list_trends(
    ctx: ToolContext,
    topic: Annotated[
        str | None,
        Field(min_length=2, max_length=200, description="A few words; without it, everything."),
    ] = None,
    hours: Annotated[
        int, Field(ge=1, le=720, description="Only what appeared within so many hours.")
    ] = 72,
    limit: Annotated[int, Field(ge=1, le=50, description="How many stories at most.")] = 10,
    refresh: Annotated[
        bool, Field(description="Read the feeds now; otherwise answer from what is remembered.")
    ] = False,
) -> TrendList:
    """List which stories rise in the operator's feeds: who tells them, and how fast they grow.

    Use it to choose what videos could be about.
    Each part of a score is explained and every source named; what is not known is said in note.
    Never read the score as a forecast. Do not use it to read one feed or find material for a job
    (use search_sources), nor for the studio's own videos (use list_publications).
    """
    feeds = addresses(ctx.config.get("sources", ()))
    if not feeds:
        raise no_feed(repr(topic) if topic else "trends")
    if refresh:
        due = dict.fromkeys(feeds, FRESH_S)
        await read_due(ctx.desk, due, partial(load_feed, ctx), ctx.progress)
    watched = await ctx.desk.seen_in_feeds(feeds, window_of(hours))
    return await asyncio.to_thread(rank, watched, topic, hours, limit)


TOOL = Tool(
    run=list_trends,
    title="List rising trends",
    scope="read",
    timeout_s=120,
    read_only=True,
    open_world=True,
)
