from typing import Annotated

from pydantic import Field

from tools.base import JobDetail, Tool, ToolContext


async def get_job(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job's number.")],
) -> JobDetail:
    """Show one job: script, shots, measured findings, what fell back, files and times.

    Use it before you speak about a job. Do not use it to search (use list_jobs) nor in a loop: a
    video takes minutes.
    """
    return await ctx.desk.get_job(job_id)


TOOL = Tool(run=get_job, title="Show a job", scope="read", timeout_s=10, read_only=True)
