from typing import Annotated

from pydantic import Field

from tools.base import JobTicket, Tool, ToolContext
from tools.lists.short import ticket_of


async def make_video(
    ctx: ToolContext,
    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2000,
            description="Path or http(s) URL of an article or a feed, or a topic in plain words.",
        ),
    ],
    channel: Annotated[
        str,
        Field(min_length=1, max_length=64, description="The channel to make it for."),
    ] = "default",
) -> JobTicket:
    """Start one new video from a source and return its job at once; the work goes on behind it.

    Use it when the operator asks for a video. Do not use it to look at or to speed up a job that
    exists (use get_job), nor again because a job is slow: every call starts another video.
    Nothing is published before an operator approves.
    """
    return ticket_of(await ctx.desk.create_job(source, channel, ctx.principal))


TOOL = Tool(
    run=make_video,
    title="Make a video",
    scope="operate",
    timeout_s=15,
    idempotent=False,
)
