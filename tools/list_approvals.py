from typing import Annotated, Literal

from pydantic import Field

from bookai.models import Record
from tools.base import ApprovalRow, Tool, ToolContext
from tools.lists.paging import Cursor, NextCursor, cursor_at, page_of, place_of

State = Literal["pending", "approved", "rejected", "expired", "void"]


class ApprovalPage(Record):
    """Approvals, oldest pending first."""

    approvals: tuple[ApprovalRow, ...]
    next_cursor: NextCursor = None


async def list_approvals(
    ctx: ToolContext,
    state: Annotated[
        State | None, Field(description="Only approvals in this state; null for all.")
    ] = "pending",
    limit: Annotated[int, Field(ge=1, le=50, description="How many at most.")] = 10,
    cursor: Cursor = None,
) -> ApprovalPage:
    """List what waits for the operator's yes: the whole post, its flags, the video, the deadline.

    Use it to show an operator what would be published. Do not use it to decide (an operator does,
    with decide_approval), nor for posts that are out (use list_publications).
    """
    # Pending ones come by their number and leave the list as they are decided: a count of rows
    # would pass over those that moved up. The others are in no one order, and stay.
    if state == "pending":
        after = place_of(cursor, "pending")
        page, more = page_of(await ctx.desk.list_approvals(state, limit + 1, after=after), limit)
        following = cursor_at("pending", page[-1].approval_id) if more else None
    else:
        skip = place_of(cursor, "approvals") or 0
        page, more = page_of(await ctx.desk.list_approvals(state, limit + 1, skip), limit)
        following = cursor_at("approvals", skip + limit) if more else None
    return ApprovalPage(approvals=page, next_cursor=following)


TOOL = Tool(run=list_approvals, title="List approvals", scope="read", timeout_s=10, read_only=True)
