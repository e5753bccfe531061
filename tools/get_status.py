from tools.base import StudioStatus, Tool, ToolContext


async def get_status(ctx: ToolContext) -> StudioStatus:
    """Show the studio at a glance: jobs by state, approvals that wait, posts, audit, writer.

    Use it first, to see whether anything needs the operator. Do not use it for the details of a
    job or an approval (use get_job, list_approvals).
    """
    return await ctx.desk.status()


TOOL = Tool(run=get_status, title="Show the status", scope="read", timeout_s=10, read_only=True)
