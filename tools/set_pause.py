from typing import Annotated

from pydantic import Field

from bookai.models import Record
from tools.base import PauseRow, Tool, ToolContext


class Pauses(Record):
    """What is paused now."""

    pauses: tuple[PauseRow, ...]


async def set_pause(
    ctx: ToolContext,
    paused: Annotated[bool, Field(description="True pauses, false lets the work go on.")],
    channel: Annotated[
        str | None,
        Field(max_length=100, description="Only this channel; null for the whole studio."),
    ] = None,
    reason: Annotated[
        str,
        Field(max_length=500, description="Why; asked for when pausing, and kept."),
    ] = "",
) -> Pauses:
    """Pause or resume the studio, or one channel; it is remembered over restarts.

    Use it when the operator says so. While paused no job begins its next stretch of work, nothing
    is published and no source is polled; a running step is finished. What is queued or approved
    meanwhile waits for the resume. Do not use it for one job (use change_job).
    """
    return Pauses(pauses=await ctx.desk.set_pause(paused, channel, reason, ctx.principal))


TOOL = Tool(run=set_pause, title="Pause or resume", scope="operate", timeout_s=15)
