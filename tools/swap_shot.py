from typing import Annotated

from pydantic import Field

from bookai.records import Record
from tools.base import Tool, ToolContext


class Swapped(Record):
    """The job's status: its film is made anew."""

    status: str


async def swap_shot(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job's number.")],
    line: Annotated[int, Field(ge=0, le=199, description="As get_job counts.")],
    shot: Annotated[str, Field(max_length=20, description="Of the line's `others`.")],
) -> Swapped:
    """Show another picture with one sentence of a video that waits for approval.

    Use it when the operator asks. Do not use it for words.
    """
    await ctx.desk.swap_shot(job_id, line, shot, ctx.principal)
    return Swapped(status=(await ctx.desk.get_job(job_id)).job.status)


TOOL = Tool(run=swap_shot, title="Swap a shot", scope="operate", timeout_s=15)
