"""Kill a publication at every point where something is written down, and carry it on."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from bookai.db import jobs, outbox
from bookai.models import Post, Publication
from studio.engine import Inline
from studio.posts import PostDesk
from tests.peers.approving import approve
from tools.base import ToolContext
from tools.publish_video import publish_video

RETRIES = 6
FILES = ("video.mp4", "thumbnail.jpg", "captions.vtt")


class Killed(BaseException):
    """Our process dies here: nothing after this line runs, no handler and no clean-up of ours."""


class MortalDesk(PostDesk):
    """The real outbox; the process dies before or after its n-th question to the desk."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool, Inline(pool))
        self.aim(None, "before")

    steps: int
    dies_at: int | None
    when: str

    def aim(self, dies_at: int | None, when: str) -> None:
        """Set the next death."""
        for name, value in (("steps", 0), ("dies_at", dies_at), ("when", when)):
            object.__setattr__(self, name, value)

    async def check_approved(self, job_id: int, digest: str) -> None:
        """Leave it to the database's own trigger."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith(("arm_", "mark_", "keep_", "check_")):
            return found

        async def mortal(*args: Any, **kwargs: Any) -> Any:
            object.__setattr__(self, "steps", self.steps + 1)
            if self.steps == self.dies_at and self.when == "before":
                raise Killed
            answer = await found(*args, **kwargs)
            if self.steps == self.dies_at and self.when == "after":
                raise Killed
            return answer

        return mortal


@dataclass(frozen=True)
class Wanted:
    """What is published, from where."""

    post: Post
    folder: Path
    ctx: ToolContext


async def publish_through_death(
    pool: asyncpg.Pool, wanted: Wanted, dies_at: int, when: str
) -> tuple[Publication, bool]:
    """Publish as a new job; return the receipt, and whether the process lived that long."""
    desk = MortalDesk(pool)
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:ann")
    folder = wanted.ctx.work_dir / str(job_id)
    if folder != wanted.folder:
        shutil.copytree(wanted.folder, folder)
    await approve(pool, job_id, wanted.post)
    ctx = replace(wanted.ctx, desk=desk)
    desk.aim(dies_at, when)
    lived = True
    for _ in range(RETRIES):
        try:
            receipt = await _publish(ctx, job_id, wanted.post, folder)
        except BaseException as death:
            if not _is_death(death):
                raise
            lived = False
            desk.aim(None, when)
            # The time passes after which a silent sender counts as dead.
            await pool.execute(
                "UPDATE social_posts SET lease_until = now() WHERE state = 'sending'"
            )
        else:
            (row,) = [one for one in await outbox.list_(pool) if one.job_id == job_id]
            assert row.state == "posted"
            return receipt, lived
    raise AssertionError("it does not end")


async def crash_everywhere(pool: asyncpg.Pool, wanted: Wanted) -> list[Publication]:
    """Publish one job for each point of death; return the receipts, one for each."""
    receipts = []
    for when in ("before", "after"):
        for dies_at in range(1, 40):
            receipt, lived = await publish_through_death(pool, wanted, dies_at, when)
            receipts.append(receipt)
            if lived:
                break
    return receipts


async def _publish(ctx: ToolContext, job_id: int, post: Post, folder: Path) -> Publication:
    return await publish_video(ctx, job_id, post, *(str(folder / name) for name in FILES))


def _is_death(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_death(one) for one in error.exceptions)
    return isinstance(error, Killed)
