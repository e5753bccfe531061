from typing import Annotated

from pydantic import Field

from bookai.models import Record
from tools.base import PublicationRow, Tool, ToolContext
from tools.lists.paging import Cursor, NextCursor, cursor_at, page_of, place_of


class PublicationPage(Record):
    """Posts, newest first."""

    publications: tuple[PublicationRow, ...]
    next_cursor: NextCursor = None


async def list_publications(
    ctx: ToolContext,
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 20,
    cursor: Cursor = None,
) -> PublicationPage:
    """List posts of the outbox, newest first, with their state and address.

    Use it to see what is out, or whether a post is stuck: `unknown` may be out or not and `dead`
    was given up, both wait for an operator; a failed one is tried again at `not_before`. Do not
    use it for videos that wait for approval (use list_approvals) or are being made (use list_jobs).
    """
    rows = await ctx.desk.list_publications(limit + 1, place_of(cursor, "posts"))
    page, more = page_of(rows, limit)
    following = cursor_at("posts", page[-1].post_id) if more else None
    return PublicationPage(publications=page, next_cursor=following)


TOOL = Tool(
    run=list_publications, title="List publications", scope="read", timeout_s=10, read_only=True
)
