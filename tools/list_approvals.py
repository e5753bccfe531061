from typing import Annotated, Literal

from pydantic import Field

from bookai.models import Record
from tools.base import ApprovalRow, Tool, ToolContext

State = Literal["pending", "approved", "rejected", "expired", "void"]


class ApprovalPage(Record):
    """Approvals, oldest pending first."""

    approvals: tuple[ApprovalRow, ...]


async def list_approvals(
    ctx: ToolContext,
    state: Annotated[
        State | None, Field(description="Only approvals in this state; null for all.")
    ] = "pending",
    limit: Annotated[int, Field(ge=1, le=50, description="How many at most.")] = 10,
) -> ApprovalPage:
    """List what waits for the operator's yes: the whole post, its flags, the video, the deadline.

    Use it to show an operator what would be published. Do not use it to decide (an operator does,
    with decide_approval), nor for posts that are out (use list_publications).
    """
    return ApprovalPage(approvals=await ctx.desk.list_approvals(state, limit))


TOOL = Tool(run=list_approvals, title="List approvals", scope="read", timeout_s=10, read_only=True)
