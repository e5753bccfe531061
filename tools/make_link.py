from typing import Annotated

from pydantic import Field

from bookai.models import Offer
from tools.base import Tool, ToolContext


async def make_link(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job whose video will carry the link.")],
    product_id: Annotated[int, Field(ge=1, description="The product, from list_offers.")],
) -> Offer:
    """Return one product with this video's own tracked link; asked again, the same link.

    Use it only for the product that the video will show, together with its disclosure. Do not use
    it to look at products (use list_offers).
    """
    return await ctx.desk.make_link(job_id, product_id)


TOOL = Tool(run=make_link, title="Make an affiliate link", scope="agent", timeout_s=10)
