from typing import Annotated

from pydantic import Field

from bookai.duty import ChoiceRow
from bookai.models import Capability, Record
from tools.base import Tool, ToolContext


class ChoicePage(Record):
    """The choices of a job's steps, in the order in which they were made."""

    job_id: int
    choices: tuple[ChoiceRow, ...]


async def explain_choice(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job's number.")],
    step: Annotated[
        Capability | None, Field(description="Only this step, such as `write`; else all of them.")
    ] = None,
) -> ChoicePage:
    """Tell why a job's step was given to the agent that did it, and not to another.

    Use it to answer "why did it take the second writer?": who could do the step, each one's score
    by its terms, who was left out and why, how it ended, and who stood in. Do not use it for an
    agent's record over all jobs (use list_agents).
    """
    return ChoicePage(job_id=job_id, choices=await ctx.desk.explain_choice(job_id, step))


TOOL = Tool(
    run=explain_choice, title="Explain a choice", scope="read", timeout_s=10, read_only=True
)
