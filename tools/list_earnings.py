from datetime import date
from typing import Annotated

from pydantic import Field

from bookai.market import EarningsBy, EarningsReport
from tools.base import Tool, ToolContext


async def list_earnings(
    ctx: ToolContext,
    since: Annotated[
        date | None, Field(description="First day, as 2026-11-18; by default a week's first.")
    ] = None,
    until: Annotated[
        date | None, Field(description="Last day, included; today by default.")
    ] = None,
    by: Annotated[EarningsBy, Field(description="What one row stands for.")] = "day",
    time_zone: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$",
            description="IANA name of the zone whose days count, such as Europe/Berlin.",
        ),
    ] = "UTC",
    limit: Annotated[int, Field(ge=1, le=400, description="How many rows at most.")] = 100,
) -> EarningsReport:
    """Sum up clicks and commissions of the studio's links by day, channel, video or product.

    Use it for what was earned in a range of days, such as last week.
    Amounts are in each currency's smallest unit and never added across currencies; pending ones may
    still be refused. Zero means zero only where reports says that the network's report was read:
    repeat the note. Do not use it for what is published (use list_publications).
    """
    return await ctx.desk.sum_earnings(since, until, time_zone, by, limit)


TOOL = Tool(run=list_earnings, title="List earnings", scope="read", timeout_s=15, read_only=True)
