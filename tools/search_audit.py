from typing import Annotated

from pydantic import Field

from bookai.models import Record
from tools.base import AuditRow, Tool, ToolContext
from tools.lists.paging import Cursor, NextCursor, cursor_at, page_of, place_of


class AuditPage(Record):
    """Audit events, newest first."""

    events: tuple[AuditRow, ...]
    next_cursor: NextCursor = None


async def search_audit(
    ctx: ToolContext,
    kind: Annotated[
        str | None,
        Field(max_length=64, description="Only events of this kind, such as `tool.called`."),
    ] = None,
    actor: Annotated[
        str | None,
        Field(max_length=128, description="Only this actor's events, such as `operator:alice`."),
    ] = None,
    job_id: Annotated[int | None, Field(ge=1, description="Only events of this job.")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 20,
    cursor: Cursor = None,
) -> AuditPage:
    """Search the append-only audit log: who did what, when, with which outcome.

    Use it to answer why something happened. Do not use it for a job's present state (use get_job);
    it does not prove that the log is whole (`bookai audit verify` does).
    """
    rows = await ctx.desk.search_audit(
        kind=kind,
        actor=actor,
        job_id=job_id,
        limit=limit + 1,
        before=place_of(cursor, "events"),
    )
    page, more = page_of(rows, limit)
    following = cursor_at("events", page[-1].event_id) if more else None
    return AuditPage(events=page, next_cursor=following)


TOOL = Tool(
    run=search_audit, title="Search the audit log", scope="read", timeout_s=10, read_only=True
)
