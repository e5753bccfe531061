from typing import Annotated

from pydantic import Field

from bookai.errors import NotYet, ToolFailed
from bookai.models import Publication, Report
from tools.base import Tool, ToolContext
from tools.platforms.base import platforms, rest_if_told


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
    try:
        return await platform.report(publication, ctx)
    except NotYet as error:
        await rest_if_told(error, publication.post_id, ctx)
        raise


TOOL = Tool(
    run=read_stats,
    title="Read statistics",
    scope="agent",
    timeout_s=60,
    read_only=True,
    open_world=True,
)
