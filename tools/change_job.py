from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bookai.errors import Refused
from tools.base import JobTicket, Tool, ToolContext
from tools.lists.short import ticket_of

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
        str | None,
        Field(
            max_length=40,
            description="For `reschedule`: a time such as 2026-12-24T18:00+01:00; null: now.",
        ),
    ] = None,
) -> JobTicket:
    """Retry, cancel or reschedule one job that exists.

    Use it when the operator asks for it. A cancelled job stops within two seconds, for good; what
    is or may be out cannot be cancelled. Do not use it to decide about a post (use
    decide_approval) or to stop everything (use set_pause).
    """
    if at is not None and action != "reschedule":
        raise Refused(f"`at` belongs to `reschedule`, not to {action!r}.")
    match action:
        case "retry":
            return ticket_of(await ctx.desk.resume_job(job_id, ctx.principal))
        case "cancel":
            if not reason.strip():
                raise Refused("A cancelled job needs a reason. Ask the operator why.")
            await ctx.desk.cancel_job(job_id, reason, ctx.principal)
        case "reschedule":
            await ctx.desk.put_off_job(job_id, _moment(at), ctx.principal)
    return ticket_of((await ctx.desk.get_job(job_id)).job)


def _moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise Refused("`at` is no time: write it as 2026-12-24T18:00+01:00.") from error
    if moment.tzinfo is None:
        raise Refused("`at` has no zone: write it as 2026-12-24T18:00+01:00, or with Z.")
    return moment


async def _question(
    ctx: ToolContext, job_id: int, action: Action, reason: str = "", at: str | None = None
) -> str | None:
    del ctx, reason, at
    return f"Cancel job {job_id} for good?" if action == "cancel" else None


TOOL = Tool(
    run=change_job,
    title="Retry, cancel or reschedule a job",
    scope="operate",
    timeout_s=15,
    confirm=_question,
    destructive=True,
)
