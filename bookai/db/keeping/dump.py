"""A database copied away and brought back by Postgres' own programs, as of one moment.

`pg_dump` works in the snapshot in which we count the rows, so the counts are those of the dump
while the studio goes on. Addresses and passwords reach the programs by their environment, never by
their command line, which every user of the machine can read.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from psycopg.conninfo import conninfo_to_dict

from bookai.db.keeping.programs import LONGEST_S, client_program, run
from bookai.db.pool import Con, connect
from bookai.errors import OperatorNeeded

SELECT_COUNTS = """
SELECT string_agg(format('SELECT %L AS name, count(*) AS rows FROM %I', c.relname, c.relname),
                  ' UNION ALL ' ORDER BY c.relname)
  FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace
   AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND c.relname <> 'restore_unfinished'
"""
# Without a row; that it is there is what it says. It outlives a kill at any moment.
BEGIN_RESTORE = "CREATE TABLE restore_unfinished (began_at timestamptz)"
END_RESTORE = "DROP TABLE restore_unfinished"
IS_RESTORING = "SELECT to_regclass('restore_unfinished') IS NOT NULL"
SELECT_SIZE = "SELECT pg_database_size(current_database())"
EXPORT_SNAPSHOT = "SELECT pg_export_snapshot()"
SELECT_SCHEMA = """
SELECT CASE WHEN to_regclass('schema_migrations') IS NULL THEN 0
            ELSE (SELECT coalesce(max(version), 0) FROM schema_migrations) END
"""
# A dump of one database brings along no roles: they belong to the server. As 000 and 001 make them.
CREATE_ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bookai_app') THEN
        CREATE ROLE bookai_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bookai_sealer') THEN
        CREATE ROLE bookai_sealer NOLOGIN;
    END IF;
    IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'bookai_app') THEN
        ALTER ROLE bookai_app NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_auth_members
                    WHERE roleid = 'bookai_sealer'::regrole
                      AND member = 'bookai_app'::regrole) THEN
        GRANT bookai_sealer TO bookai_app;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not create roles: the studio works with it alone';
END $$
"""
HAS_ROLES = "SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('bookai_app', 'bookai_sealer')"


@dataclass(frozen=True, slots=True)
class Moment:
    """The database at one moment: rows by table, newest migration, bytes, server's major."""

    snapshot: str
    counts: Mapping[str, int]
    schema: int
    size_bytes: int
    major: int


@asynccontextmanager
async def one_moment(dsn: str) -> AsyncIterator[Moment]:
    """Hold the database still for a reader; whoever else writes goes on.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in.
    """
    con = await connect(dsn, statement_cache_size=0, command_timeout=LONGEST_S)
    try:
        async with con.transaction(isolation="repeatable_read", readonly=True):
            await con.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield Moment(
                snapshot=await con.fetchval(EXPORT_SNAPSHOT),
                counts=await count_rows(con),
                schema=await con.fetchval(SELECT_SCHEMA),
                size_bytes=await con.fetchval(SELECT_SIZE),
                major=con.get_server_version().major,
            )
    finally:
        await con.close()


async def count_rows(con: Con) -> dict[str, int]:
    """Return how many rows each table has; none for an empty database."""
    # The server itself quotes the names.
    statement: str | None = await con.fetchval(SELECT_COUNTS)
    if statement is None:
        return {}
    return {row["name"]: row["rows"] for row in await con.fetch(statement)}


async def dump(dsn: str, moment: Moment, into: BinaryIO) -> None:
    """Write the database as of a moment, compressed, into an open file.

    Raises:
        OperatorNeeded: there is no `pg_dump` that fits, or it fails.
    """
    program = await asyncio.to_thread(client_program, "pg_dump", moment.major)
    arguments = ["--format=custom", "--compress=6", "--no-owner", f"--snapshot={moment.snapshot}"]
    await run(program, arguments, dsn, stdout=into)


async def bring_back(dsn: str, dumped: Path, major: int) -> None:
    """Restore a dump into an empty database, whole or not at all.

    Until `finished`, the database bears a mark with which no studio opens it.

    Raises:
        OperatorNeeded: the database is not empty, its server is older than the dump's (`major`), or
            `pg_restore` is missing or fails.
    """
    con = await connect(dsn, statement_cache_size=0)
    try:
        there = await count_rows(con)
        if await con.fetchval(IS_RESTORING):
            raise OperatorNeeded(
                "a restore into this database goes on, or was broken off.",
                mend="Create a new database and let BOOKAI_DSN name it; drop this one.",
            )
        if there:
            raise OperatorNeeded(
                f"the database has {len(there)} tables already: a backup is restored into an "
                "empty one.",
                mend="Create a new database and let BOOKAI_DSN name it, or unset BOOKAI_DSN.",
            )
        here = con.get_server_version().major
        if here < major:
            raise OperatorNeeded(
                f"the backup is from PostgreSQL {major}, and this server is {here}.",
                mend=f"Restore it into PostgreSQL {major} or newer.",
            )
        await con.execute(BEGIN_RESTORE)
        await con.execute(CREATE_ROLES)
        has_roles = await con.fetchval(HAS_ROLES)
    finally:
        await con.close()
    program = await asyncio.to_thread(client_program, "pg_restore", here)
    name = conninfo_to_dict(dsn).get("dbname")
    arguments = ["--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={name}"]
    if not has_roles:
        arguments.append("--no-privileges")
    await run(program, [*arguments, str(dumped)], dsn)


async def finished(dsn: str) -> None:
    """Take the mark of an unfinished restore away: what came back was doubted, and proven."""
    con = await connect(dsn, statement_cache_size=0)
    try:
        await con.execute(END_RESTORE)
    finally:
        await con.close()
