"""Where LangGraph keeps its checkpoints: psycopg connections, because its saver speaks psycopg."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bookai.db.pool import CONNECT_S, IDLE_S, unreachable
from bookai.db.runs.fence import Fence
from bookai.errors import OperatorNeeded

CheckpointPool: TypeAlias = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]

# prepare_threshold=0 and dict_row are what the saver asks for.
_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": 0,
    "row_factory": dict_row,
    "connect_timeout": int(CONNECT_S),
    "application_name": "bookai checkpoints",
}

# The same question as the fence's own, in psycopg's spelling.
HOLD = "SELECT epoch FROM video_jobs WHERE job_id = %s FOR KEY SHARE"
SELECT_BROKEN_INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass) AS statement
  FROM pg_index
 WHERE NOT indisvalid
   AND indrelid IN (to_regclass('checkpoints'), to_regclass('checkpoint_blobs'),
                    to_regclass('checkpoint_writes'))
"""


@asynccontextmanager
async def open_checkpoint_pool(dsn: str, size: int = 4) -> AsyncIterator[CheckpointPool]:
    """Lend a pool of at most `size` connections.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in.
    """
    # The pool itself would try for its whole time limit and then not say why.
    async with await _connect(dsn):
        pass
    pool: CheckpointPool = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=size,
        max_lifetime=1800,
        timeout=CONNECT_S,
        open=False,
        kwargs=_OPTIONS,
        configure=_configure,
        # Idle connections that a firewall or a restart cut are found by this and replaced.
        check=AsyncConnectionPool.check_connection,
    )
    try:
        await pool.open(wait=True, timeout=CONNECT_S)
    except PoolTimeout as error:
        raise unreachable(dsn, error) from error
    try:
        yield pool
    finally:
        await pool.close()


class FencedSaver(AsyncPostgresSaver):
    """A saver for one run of a job: it refuses to write once another process took the job.

    One object holds one lock: shared, it would serialise all runs.
    """

    def __init__(self, pool: CheckpointPool, fence: Fence) -> None:
        super().__init__(pool)
        self._pool = pool
        self._fence = fence

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint.

        Raises:
            Fenced: another process took the job.
        """
        async with self._writing() as saver:
            return await saver.aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a node wrote.

        Raises:
            Fenced: another process took the job.
        """
        async with self._writing() as saver:
            await saver.aput_writes(config, writes, task_id, task_path)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncPostgresSaver]:
        """Lend a plain saver whose writes are in one transaction with the look at the fence."""
        async with self._pool.connection() as con, con.transaction():
            row = await (await con.execute(HOLD, (self._fence.job_id,))).fetchone()
            self._fence.compare(row["epoch"] if row else None)
            yield AsyncPostgresSaver(con, serde=self.serde)


def new_saver(pool: CheckpointPool, fence: Fence) -> AsyncPostgresSaver:
    """Return a saver for one run."""
    return FencedSaver(pool, fence)


async def _configure(con: psycopg.AsyncConnection[DictRow]) -> None:
    await con.execute(f"SET idle_in_transaction_session_timeout = {round(IDLE_S * 1000)}".encode())


async def create_tables(admin_dsn: str) -> None:
    """Create or upgrade the checkpoint tables, as the owner.

    The caller holds the migration lock, taken by polling: LangGraph's own set-up can neither run
    twice at once nor wait for those who wait for the lock.

    Raises:
        OperatorNeeded: Postgres does not answer, or refuses.
    """
    async with await _connect(admin_dsn) as con:
        try:
            # A starter that was killed in CREATE INDEX CONCURRENTLY leaves a broken index, which
            # IF NOT EXISTS would then keep for ever.
            broken = await (await con.execute(SELECT_BROKEN_INDEXES)).fetchall()
            for row in broken:
                await con.execute(row["statement"].encode())
            await AsyncPostgresSaver(con).setup()
        except psycopg.Error as error:
            raise OperatorNeeded(
                f"the checkpoint tables cannot be set up: {error}.",
                mend="Let the role of BOOKAI_ADMIN_DSN create tables, then try again.",
            ) from error


async def _connect(dsn: str) -> psycopg.AsyncConnection[DictRow]:
    try:
        return await psycopg.AsyncConnection.connect(dsn, **_OPTIONS)
    except psycopg.ProgrammingError:
        # Its words may quote a piece of the DSN.
        raise unreachable(dsn, ValueError()) from None
    except psycopg.OperationalError as error:
        raise unreachable(dsn, error) from error


async def keep_latest(dsn: str, threads: Sequence[str]) -> int:
    """Leave each thread its newest checkpoint alone; return how many threads that were.

    Whoever else changes a thread meanwhile wins: it is left for the next time.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in.
    """
    done = 0
    async with await _connect(dsn) as con:
        saver = AsyncPostgresSaver(con)
        for thread in threads:
            with suppress(psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                await saver.aprune([thread], strategy="keep_latest")
                done += 1
    return done
