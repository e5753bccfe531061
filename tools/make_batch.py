from typing import Annotated

from pydantic import Field

from bookai.errors import BookAIError
from bookai.models import Record
from tools.base import Tool, ToolContext

MANY = 10
"""Above it a person is asked first, where the client can ask."""


class Wanted(Record):
    """One video of a batch."""

    source: Annotated[str, Field(min_length=1, max_length=2000)]
    channel: Annotated[str, Field(min_length=1, max_length=64)] = "default"


class Wishes(Record):
    """What to make, one row a video."""

    videos: Annotated[tuple[Wanted, ...], Field(min_length=1, max_length=50)]


class Started(Record):
    """What became of one row: its job's number, or the reason why there is none."""

    source: str
    job_id: int | None
    refused: str | None


class Batch(Record):
    """One result a row, in the order of the rows."""

    started: int
    rows: tuple[Started, ...]


async def make_batch(
    ctx: ToolContext,
    batch: Annotated[
        Wishes,
        Field(description="Each a path, an http(s) URL or a topic in plain words, and a channel."),
    ],
) -> Batch:
    """Start several new videos at once; each row tells its job, or why it was refused.

    Use it when the operator asks for more than one video. Do not use it for one (use make_video),
    nor again because jobs are slow: every call starts other videos. One bad row does not keep out
    the others. Nothing is published before an operator approves.
    """
    rows = []
    for one in batch.videos:
        job_id, refused = None, None
        try:
            job = await ctx.desk.create_job(one.source, one.channel, ctx.principal)
            job_id = job.job_id
        except BookAIError as error:
            refused = str(error)
        rows.append(Started(source=one.source, job_id=job_id, refused=refused))
    return Batch(started=sum(row.job_id is not None for row in rows), rows=tuple(rows))


async def _question(ctx: ToolContext, batch: Wishes) -> str | None:
    """Ask about many alone: each of them takes minutes of the machine."""
    del ctx
    count, channels = len(batch.videos), sorted({one.channel for one in batch.videos})
    return f"Make {count} videos ({', '.join(channels)})?" if count > MANY else None


TOOL = Tool(
    run=make_batch,
    title="Make several videos",
    scope="operate",
    timeout_s=60,
    confirm=_question,
    idempotent=False,
)
