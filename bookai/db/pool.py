"""The asyncpg pool: how the studio's own code reaches Postgres."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psycopg
from psycopg_pool import PoolTimeout

from bookai.errors import BookAIError, OperatorNeeded, TryLater

# Real types, not strings: signatures say `Pool | Con`, and that is evaluated at import.
Pool: TypeAlias = asyncpg.Pool
Con: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

CONNECT_S = 10.0
COMMAND_S = 60.0
# The server ends a transaction in which nothing happens for so long: a frozen process must not
# keep rows locked that others need to take up its work.
IDLE_S = 20.0

# What `asyncpg.connect` raises when a server is away, closed to us, or wrongly named.
CONNECT_ERRORS = (
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
# What any later question may raise when the server goes away in the middle. The last of asyncpg's
# is its word for a connection that was cut at an unlucky moment.
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    psycopg.Error,
    PoolTimeout,
)
# What Postgres says to a value that it cannot keep: the value is wrong, not the database.
UNKEEPABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_BUSY = (asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)


class Unreachable(OperatorNeeded):
    """Postgres does not let us in: at the start a person must act, later it may be restarting."""

    is_midway = True  # whoever meets it may have done half of its work


@asynccontextmanager
async def open_pool(dsn: str, size: int = 8) -> AsyncIterator[Pool]:
    """Lend a pool of at most `size` connections; jsonb columns are Python objects in it.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in; never names the password.
        TryLater: Postgres is starting, or has no connection to spare.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=_prepare,
        connect=_connect_for_pool,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings={
            "application_name": "bookai",
            "idle_in_transaction_session_timeout": f"{round(IDLE_S * 1000)}",
        },
    )
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Con]:
    """Lend a connection that sees the database as of one moment, however long its reader takes.

    It locks no rows, so it may idle for longer than `IDLE_S`.
    """
    async with (
        pool.acquire() as con,
        con.transaction(isolation="repeatable_read", readonly=True),
    ):
        await con.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield con


async def connect(dsn: str, **options: Any) -> asyncpg.Connection:
    """Open one connection outside any pool; `options` are those of `asyncpg.connect`.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in; never names the password.
        TryLater: Postgres is starting, or has no connection to spare.
    """
    options.setdefault("timeout", CONNECT_S)
    try:
        return await asyncpg.connect(dsn, **options)
    except CONNECT_ERRORS as error:
        # From None: the library's own words about a DSN may hold a piece of the password.
        raise unreachable(dsn, error) from None


async def _connect_for_pool(dsn: str, **options: Any) -> asyncpg.Connection:
    """Connect for the pool, which also asks long after it was opened: the same error then."""
    return await connect(dsn, **options)


def unreachable(dsn: str, error: BaseException) -> BookAIError:
    """Say where Postgres was looked for and what it answered, without the password."""
    if isinstance(error, _BUSY):
        return TryLater(f"Postgres at {where(dsn)} is busy: {error}.", after_s=5.0)
    if isinstance(error, ValueError):
        return OperatorNeeded(
            "BOOKAI_DSN is no address of a Postgres.",
            mend="Write it as postgresql://user:password@host:5432/database, with every special "
            "character of the password percent-encoded.",
        )
    lines = str(error).splitlines() or [type(error).__name__]
    return Unreachable(
        f"Postgres at {where(dsn)} does not let the studio in: {lines[0]}.",
        mend="Start it, or correct BOOKAI_DSN, then try again.",
    )


def where(dsn: str) -> str:
    """Return host, port and database of a DSN; neither user nor password.

    A DSN that is not understood in full is not shown at all: an unescaped character can push a
    part of the password into what looks like the host or the database.
    """
    unknown = "the address in BOOKAI_DSN"
    try:
        parts = urlsplit(dsn)
        port = f":{parts.port}" if parts.port else ""
        hosts = parse_qs(parts.query).get("host", ["the default socket"])
    except ValueError:
        return unknown
    if parts.scheme not in ("postgres", "postgresql") or "@" in parts.path + parts.query:
        return unknown
    if parts.fragment:
        return unknown
    return f"{parts.hostname or hosts[0]}{port}{parts.path}"


async def _prepare(con: Any) -> None:
    await con.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog", format="text"
    )
