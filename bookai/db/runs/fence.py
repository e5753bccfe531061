"""The fence around a run: whoever took a job last may write, whoever had it before may not.

A lock is not enough. A process that was frozen for a minute has lost its lock, does not know it,
and goes on with the next statement. Therefore each write of a run names the epoch under which the
job was taken, in the write's own transaction, and is refused when the job was taken again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bookai.db.pool import Con, Pool
from bookai.errors import Refused, TryLater

# KEY SHARE lets operators and other rows' foreign keys pass, and makes a take wait for our commit;
# a take therefore asks for the strongest lock, which a plain UPDATE would not.
HOLD = "SELECT epoch FROM video_jobs WHERE job_id = $1 FOR KEY SHARE"
LOCK = "SELECT epoch FROM video_jobs WHERE job_id = $1 FOR UPDATE"
TAKE = """
UPDATE video_jobs
   SET epoch = epoch + 1, unheard = unheard + 1
 WHERE job_id = $1
RETURNING epoch
"""
LOOK = "SELECT epoch FROM video_jobs WHERE job_id = $1"


class Fenced(TryLater):
    """Another process took the job since: this run's writes are refused, and it ends."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A job as one run took it."""

    job_id: int
    epoch: int

    async def hold(self, con: Con) -> None:
        """Keep others from taking the job until the caller's transaction ends.

        Raises:
            Fenced: another process took it already.
        """
        self.compare(await con.fetchval(HOLD, self.job_id))

    async def check(self, pool: Pool) -> None:
        """Return when the job is ours right now; a write still has to `hold`.

        Raises:
            Fenced: another process took it.
        """
        self.compare(await pool.fetchval(LOOK, self.job_id))

    @asynccontextmanager
    async def writing(self, pool: Pool) -> AsyncIterator[Con]:
        """Lend a connection in a transaction of this run.

        Raises:
            Fenced: another process took the job.
        """
        async with pool.acquire() as con, con.transaction():
            await self.hold(con)
            yield con

    def compare(self, epoch: int | None) -> None:
        """Return when `epoch`, as the database has it, is the one of this run.

        Raises:
            Fenced: it is not.
        """
        if epoch != self.epoch:
            raise Fenced(
                f"job {self.job_id} was taken up by another process ({self.epoch}, now {epoch}).",
                after_s=0,
            )


async def take(pool: Pool, job_id: int) -> Fence:
    """Take a job, whose lock the caller holds; all earlier runs of it are fenced from now on.

    Raises:
        Refused: there is no such job.
    """
    async with pool.acquire() as con, con.transaction():
        await con.execute(LOCK, job_id)
        epoch: int | None = await con.fetchval(TAKE, job_id)
    if epoch is None:
        raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
    return Fence(job_id, epoch)
