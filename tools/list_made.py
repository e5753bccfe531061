from typing import Annotated

from pydantic import Field

from bookai.models import MadeList
from tools.base import Tool, ToolContext


async def list_made(
    ctx: ToolContext,
    channel: Annotated[
        str, Field(min_length=1, max_length=100, description="The channel's name, as in settings.")
    ],
    limit: Annotated[int, Field(ge=1, le=1000, description="How many at most.")] = 200,
) -> MadeList:
    """List what a channel already made, newest first: titles and source addresses.

    Use it before choosing a source, so that nothing is made twice. Do not use it for the state of
    jobs (use list_jobs), nor for what is out (use list_publications).
    """
    return MadeList(videos=await ctx.desk.list_made(channel, limit))


TOOL = Tool(run=list_made, title="List what was made", scope="agent", timeout_s=10, read_only=True)
