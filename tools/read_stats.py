from typing import Annotated

from pydantic import Field

from bookai.errors import ToolFailed
from bookai.models import Publication, Report
from tools.base import Tool, ToolContext
from tools.platforms.base import platforms


async def read_stats(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job that was published.")],
    publication: Annotated[Publication, Field(description="Its receipt.")],
) -> Report:
    """Read home what became of a publication: that it is still there, and how often it was seen.

    Use it after publishing. It never guesses: where a platform counts nothing, views is null.
    """
    platform = platforms().get(publication.platform)
    if platform is None:
        raise ToolFailed(f"the platform {publication.platform!r} is not installed any more")
    return await platform.report(publication, ctx)


TOOL = Tool(
    run=read_stats,
    title="Read statistics",
    scope="agent",
    timeout_s=60,
    read_only=True,
    open_world=True,
)
