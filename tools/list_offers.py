from bookai.models import OfferList
from tools.base import Tool, ToolContext


async def list_offers(ctx: ToolContext) -> OfferList:
    """List every active product of the affiliate catalogue with its matching terms.

    Use it to see what a script could recommend. The URLs are the products' own: they earn nothing
    and are never published (use make_link for the one product that fits).
    """
    return OfferList(offers=await ctx.desk.list_offers())


TOOL = Tool(run=list_offers, title="List offers", scope="agent", timeout_s=10, read_only=True)
