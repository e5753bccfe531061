import re
from typing import Annotated

from pydantic import Field

from tools.base import StudioStatus, Tool, ToolContext

_PATH = re.compile(r"(?<![\w:/])/(?:[^\s/,;:]+/)+([^\s/,;:]*)")


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
    # Paths of the machine are for those who sit at it: `bookai status`, `bookai doctor`.
    status = (await ctx.desk.status()).model_copy(update={"home": "$BOOKAI_HOME"})
    if not checks:
        return status
    found = tuple(
        row.model_copy(update={"found": _PATH.sub(r"…/\1", row.found)})
        for row in await ctx.desk.examine()
    )
    return status.model_copy(update={"checks": found})


TOOL = Tool(run=get_status, title="Show the status", scope="read", timeout_s=60, read_only=True)
