"""The desk's part for steering."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bookai.db import approvals, control, jobs
from bookai.errors import Refused
from studio.approvals import LendingDesk
from studio.channels.now import ChannelsNow
from studio.engine import LOCK_PREFIX
from tools.base import CheckRow, PauseRow


async def _no_checks() -> tuple[CheckRow, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringDesk(LendingDesk):
    """Pauses, and jobs that are cancelled or put off; `look` is what `bookai doctor` looks at."""

    channels: ChannelsNow
    look: Callable[[], Awaitable[tuple[CheckRow, ...]]] = _no_checks

    async def set_pause(
        self, paused: bool, channel: str | None, reason: str, by: str
    ) -> tuple[PauseRow, ...]:
        """Pause or resume a channel, or everything without one; return what is paused now.

        Raises:
            Refused: there is no such channel, or a pause has no reason.
        """
        if channel is not None:
            self.check_channel(channel)
        if paused and not reason.strip():
            raise Refused("a pause needs a reason: whoever finds it later asks why.")
        scope = channel or control.EVERYTHING
        async with self.pool.acquire() as con, con.transaction():
            if paused:
                await control.pause(con, scope, reason.strip(), by)
            else:
                await control.resume(con, scope, reason.strip(), by, LOCK_PREFIX)
        return await self.list_pauses()

    async def list_pauses(self) -> tuple[PauseRow, ...]:
        """Return what is paused."""
        return tuple(
            PauseRow(
                channel=one.scope or None,
                reason=one.reason,
                paused_by=one.paused_by,
                paused_at=one.paused_at,
            )
            for one in await control.list_pauses(self.pool)
        )

    async def examine(self) -> tuple[CheckRow, ...]:
        """Look at everything the studio needs; who asks meanwhile gets the same answer."""
        return await self.look()

    async def cancel_job(self, job_id: int, reason: str, by: str) -> None:
        """End a job; whoever runs it stops within two seconds. Again changes nothing.

        Raises:
            Refused: it has ended, its post is or may be out, or there is no reason.
        """
        if not reason.strip():
            raise Refused("a cancelled job needs a reason: it stays in the audit log.")
        await control.cancel(self.pool, job_id, reason.strip(), by)

    async def put_off_job(self, job_id: int, at: datetime | None, by: str) -> None:
        """Let a job go on, and so be published, no sooner than `at`; None: now.

        Its publishing slot is free again for another job.

        Raises:
            Refused: it has ended, or `at` is too far away.
        """
        async with self.pool.acquire() as con, con.transaction():
            await control.put_off(con, job_id, at, self.now(), by)
            if await jobs.lock_status(con, job_id) != "waiting":
                await self.engine.enqueue(con, job_id, at)

    async def swap_shot(self, job_id: int, line: int, kind: str, by: str) -> None:
        """Have line `line` of a job that waits for approval shown in another way.

        Raises:
            Refused: it does not wait for a word, or its sentence gives no such shot.
        """
        async with self.pool.acquire() as con, con.transaction():
            await approvals.swap_shot(con, job_id, line, kind, by, self.now())
            await self.engine.enqueue(con, job_id)

    def check_channel(self, channel: str) -> None:
        """Return when there is such a channel.

        Raises:
            Refused: there is none.
        """
        if channel not in self.channels:
            known = ", ".join(sorted(self.channels))
            raise Refused(f"there is no channel {channel!r}; known: {known}.")
