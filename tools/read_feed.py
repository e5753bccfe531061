from typing import Annotated

from pydantic import Field

from bookai.models import Feed
from tools.base import Tool, ToolContext
from tools.sources.intake.feeds import load_feed


async def read_feed(
    ctx: ToolContext,
    source: Annotated[
        str,
        Field(
            min_length=1, max_length=2000, description="Path or http(s) URL of an RSS or Atom feed."
        ),
    ],
) -> Feed:
    """Read a feed: title, address, date and, where it has them, points or views of each item.

    Use it to see what is new at one source. Do not use it for one article (use read_article), nor
    to look through all configured feeds for a topic (use search_sources).
    """
    return await load_feed(ctx, source)


TOOL = Tool(
    run=read_feed,
    title="Read a feed",
    scope="agent",
    timeout_s=60,
    read_only=True,
    open_world=True,
)
