from typing import Annotated

from pydantic import Field

from tools.base import StudioStatus, Tool, ToolContext


async def get_status(
    ctx: ToolContext,
    checks: Annotated[
        bool, Field(description="Also look at everything the studio needs; takes some seconds.")
    ] = False,
) -> StudioStatus:
    """Show the studio at a glance: jobs by state, open approvals, posts, pauses, audit, writer.

    Use it first, to see whether anything needs the operator; with `checks` when something does not
    work, as `bookai doctor` does: each failure names its mend. Do not use it for the details of a
    job or an approval (use get_job, list_approvals).
    """
    status = await ctx.desk.status()
    if not checks:
        return status
    return status.model_copy(update={"checks": await ctx.desk.examine()})


TOOL = Tool(run=get_status, title="Show the status", scope="read", timeout_s=60, read_only=True)
