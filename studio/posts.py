"""The desk's half that is the outbox: what a sender asks, and what only an operator does."""

from dataclasses import dataclass

from bookai.db import control, jobs, outbox
from bookai.db.pool import Con, Pool
from bookai.models import NotPosted, Post, Publication
from studio.engine import Engine
from tools.base import Armed, PublicationRow

# What a job must not be in to be carried on once its post is settled or armed again.
_AT_WORK = ("running", "queued", "waiting", "done", "cancelled")


@dataclass(frozen=True, slots=True)
class PostDesk:
    """Posts, from claim to receipt."""

    pool: Pool
    engine: Engine

    async def list_publications(
        self, limit: int, before: int | None = None
    ) -> tuple[PublicationRow, ...]:
        """Return posts, newest first, of numbers below `before`."""
        fields = PublicationRow.model_fields
        return tuple(
            PublicationRow(**{name: getattr(row, name) for name in fields})
            for row in await outbox.list_(self.pool, limit=limit, before=before)
        )

    async def arm_post(self, job_id: int, post: Post) -> Armed:
        """Claim the one post of this job and target; not while it is paused or put off."""
        await control.check_free(self.pool, job_id)
        claim = await outbox.arm(self.pool, job_id, post)
        return Armed(**{name: getattr(claim, name) for name in Armed.model_fields})

    async def mark_sending(self, post_id: int, attempt: int, owner: str) -> None:
        """Note that the next step has an outside effect."""
        await outbox.mark_sending(self.pool, post_id, attempt, owner)

    async def keep_sending(
        self, post_id: int, attempt: int, owner: str, handle: str | None = None
    ) -> bool:
        """Prolong the lease; tell whether it is still ours."""
        return await outbox.keep_sending(self.pool, post_id, attempt, owner, handle=handle)

    async def mark_posted(
        self, post_id: int, external_id: str, url: str, attempt: int | None = None
    ) -> Publication:
        """Write the receipt, however late."""
        return await outbox.mark_posted(self.pool, post_id, external_id, url, attempt=attempt)

    async def mark_unknown(self, post_id: int, attempt: int, reason: str) -> None:
        """Note that it may be out or not."""
        await outbox.mark_unknown(self.pool, post_id, attempt, reason)

    async def mark_not_posted(
        self, post_id: int, attempt: int, why: NotPosted, owner: str | None = None
    ) -> float | None:
        """Note that certainly nothing went out, by the sender's word or the platform's."""
        return await outbox.mark_not_posted(self.pool, post_id, attempt, why, owner=owner)

    async def rest_account(self, post_id: int, after_s: float, why: str) -> None:
        """Send nothing as this post's account for so long."""
        await outbox.rest_account(self.pool, post_id, after_s, why)

    async def replay_post(self, post_id: int, by: str) -> outbox.OutboxRow:
        """Arm a dead letter again and queue its job, in one transaction."""
        async with self.pool.acquire() as con, con.transaction():
            row = await outbox.replay(con, post_id, by)
            await self._wake(con, row.job_id, by)
        return row

    async def resolve_posted(
        self, post_id: int, by: str, *, external_id: str, url: str
    ) -> Publication:
        """Take an operator's word that an unknown post is out; its job goes on to its report."""
        async with self.pool.acquire() as con, con.transaction():
            receipt = await outbox.resolve_posted(
                con, post_id, by, external_id=external_id, url=url
            )
            await self._wake(con, (await outbox.get(con, post_id)).job_id, by)
        return receipt

    async def resolve_not_posted(self, post_id: int, by: str, reason: str) -> outbox.OutboxRow:
        """Take an operator's word that an unknown post is not out; its job sends it again."""
        async with self.pool.acquire() as con, con.transaction():
            row = await outbox.resolve_not_posted(con, post_id, by, reason)
            await self._wake(con, row.job_id, by)
        return row

    async def _wake(self, con: Con, job_id: int, by: str) -> None:
        """Queue the post's job, unless somebody has it already."""
        if await jobs.lock_status(con, job_id) not in _AT_WORK:
            await jobs.set_status(con, job_id, "queued", actor=by)
            await self.engine.enqueue(con, job_id)
