"""Where LangGraph keeps its checkpoints: psycopg connections, because its saver speaks psycopg."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bookai.db.pool import CONNECT_S, unreachable
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
        open=False,
        kwargs=_OPTIONS,
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


def new_saver(pool: CheckpointPool) -> AsyncPostgresSaver:
    """Return a saver for one run: one object holds one lock, shared it would serialise all runs."""
    return AsyncPostgresSaver(pool)


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
