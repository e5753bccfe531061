from typing import Annotated

from pydantic import Field

from bookai.errors import BookAIError
from bookai.models import Record
from tools.base import JobRow, Tool, ToolContext


class Wanted(Record):
    """One video of a batch."""

    source: Annotated[str, Field(min_length=1, max_length=2000)]
    channel: Annotated[str, Field(min_length=1, max_length=64)] = "default"


class Started(Record):
    """What became of one row: its job, or the reason why there is none."""

    source: str
    job: JobRow | None
    refused: str | None


class Batch(Record):
    """One result a row, in the order of the rows."""

    started: int
    rows: tuple[Started, ...]


async def make_batch(
    ctx: ToolContext,
    videos: Annotated[
        tuple[Wanted, ...],
        Field(
            min_length=1,
            max_length=50,
            description="Each a path, an http(s) URL or a topic in plain words, and its channel.",
        ),
    ],
) -> Batch:
    """Start several new videos at once; each row tells its job, or why it was refused.

    Use it when the operator asks for more than one video. Do not use it for one (use make_video),
    nor again because jobs are slow: every call starts other videos. One bad row does not keep out
    the others. Nothing is published before an operator approves.
    """
    rows = []
    for one in videos:
        job, refused = None, None
        try:
            job = await ctx.desk.create_job(one.source, one.channel, ctx.principal)
        except BookAIError as error:
            refused = str(error)
        rows.append(Started(source=one.source, job=job, refused=refused))
    return Batch(started=sum(row.job is not None for row in rows), rows=tuple(rows))


TOOL = Tool(
    run=make_batch, title="Make several videos", scope="operate", timeout_s=60, idempotent=False
)
