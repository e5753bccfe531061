from typing import Annotated, Literal

from pydantic import Field

from bookai.models import Record
from tools.base import JobRow, Tool, ToolContext
from tools.lists.paging import Cursor, NextCursor, cursor_at, page_of, place_of

Status = Literal["queued", "running", "waiting", "done", "refused", "failed", "cancelled"]


class JobPage(Record):
    """Jobs, newest first."""

    jobs: tuple[JobRow, ...]
    next_cursor: NextCursor = None


async def list_jobs(
    ctx: ToolContext,
    status: Annotated[
        Status | None,
        Field(description="Only jobs in this state; `waiting` means for an approval."),
    ] = None,
    channel: Annotated[
        str | None, Field(max_length=100, description="Only jobs of this channel.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 20,
    cursor: Cursor = None,
) -> JobPage:
    """List video jobs, newest first, with their stage and percent.

    Use it to find a job or to see what goes on. Do not use it for the script, the findings or the
    files of one job (use get_job), nor for what is already out (use list_publications).
    """
    before = place_of(cursor, "jobs")
    rows = await ctx.desk.list_jobs(status, limit + 1, channel=channel, before=before)
    page, more = page_of(rows, limit)
    return JobPage(jobs=page, next_cursor=cursor_at("jobs", page[-1].job_id) if more else None)


TOOL = Tool(run=list_jobs, title="List jobs", scope="read", timeout_s=10, read_only=True)
