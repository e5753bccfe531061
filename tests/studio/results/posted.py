"""What tests of results share: a platform that reports what it is told to, and posts on it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bookai.db import jobs, outbox
from bookai.db.pool import Pool
from bookai.models import Publication, Report
from tests.peers.approving import approve
from tests.peers.posting import POST, begin
from tests.peers.scripted_platform import ScriptedPlatform
from tools.base import ToolContext

OURS = POST.model_copy(update={"platform": "scripted", "account": "ours"})


@dataclass
class Counting(ScriptedPlatform):
    """Reports `says` about each post by its id, a number of views or an error; counts questions."""

    says: dict[str, int | Exception | None] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        self.questions.append(publication.external_id)
        said = self.says.get(publication.external_id)
        if isinstance(said, Exception):
            raise said
        return Report(views=said, note="3 likes")


async def publish(pool: Pool, name: str, channel: str = "default") -> Publication:
    """Approve a post and send it, as the studio does; `name` is its id on the platform."""
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, f"{name}.md", channel, "operator:ann")
    await approve(pool, job_id, OURS, timedelta(days=2))
    claim = await begin(pool, job_id, OURS)
    return await outbox.mark_posted(pool, claim.post_id, name, f"https://v.example/{name}")


def later(**span: Any) -> datetime:
    return datetime.now(UTC) + timedelta(**span)
