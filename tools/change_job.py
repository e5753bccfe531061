from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from bookai.errors import Refused
from tools.base import JobRow, Tool, ToolContext

Action = Literal["retry", "cancel", "reschedule"]


async def change_job(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job's number.")],
    action: Annotated[
        Action,
        Field(
            description="`retry` a stopped job from its last finished step; `cancel` it for good; "
            "`reschedule`: it goes on, and is published, no sooner than `at`."
        ),
    ],
    reason: Annotated[
        str, Field(max_length=500, description="Why; asked for when cancelling.")
    ] = "",
    at: Annotated[
        AwareDatetime | None,
        Field(description="For `reschedule`: a time with its zone, or null for now."),
    ] = None,
) -> JobRow:
    """Retry, cancel or reschedule one job that exists.

    Use it when the operator asks for it. A cancelled job stops within two seconds, its approval is
    void, and it can only be retried by an operator; what is or may be out cannot be cancelled. Do
    not use it to decide about a post (use decide_approval) or to stop everything (use set_pause).
    """
    if at is not None and action != "reschedule":
        raise Refused(f"`at` belongs to `reschedule`, not to {action!r}.")
    match action:
        case "retry":
            return await ctx.desk.resume_job(job_id, ctx.principal)
        case "cancel":
            if not reason.strip():
                raise Refused("A cancelled job needs a reason. Ask the operator why.")
            await ctx.desk.cancel_job(job_id, reason, ctx.principal)
        case "reschedule":
            when: datetime | None = at
            await ctx.desk.put_off_job(job_id, when, ctx.principal)
    return (await ctx.desk.get_job(job_id)).job


TOOL = Tool(
    run=change_job,
    title="Retry, cancel or reschedule a job",
    scope="operate",
    timeout_s=15,
    destructive=True,
)
