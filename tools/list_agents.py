from bookai.duty import AgentRow
from bookai.models import Record
from tools.base import Tool, ToolContext


class AgentPage(Record):
    """Every agent by name."""

    agents: tuple[AgentRow, ...]


async def list_agents(ctx: ToolContext) -> AgentPage:
    """List the agents, what each can do, and how well it did so far.

    Use it to see who works here and who fails. Do not use it to find out what an agent does right
    now (use list_jobs).
    """
    return AgentPage(agents=await ctx.desk.list_agents())


TOOL = Tool(run=list_agents, title="List agents", scope="read", timeout_s=10, read_only=True)
