"""Bring the schema up to date: plain SQL files, each applied once, under a lock, never edited.

No kept tool has plain SQL, a lock that a killed starter releases, and a checksum of the contents
at once; this one is small enough to read.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import asyncpg

from bookai.db import queue
from bookai.db.keeping.schema import Applied, Migration, load, plan
from bookai.db.keeping.schema import MigrationRefused as MigrationRefused
from bookai.db.pool import connect
from bookai.errors import OperatorNeeded, TryLater
from bookai.house import VERSION

# One constant for every studio process; any bigint would do.
LOCK = 0x626F6F6B_0001
WAIT_S = 120.0
LOWEST_MAJOR = 15

CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    sha256      bytea NOT NULL,
    app_version text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    ms          integer NOT NULL
)
"""
# Looked for first: to add a column, even one that is there, waits for a backup that is running.
HAS_WORKS_WITH = """
SELECT EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = to_regclass('schema_migrations')
                  AND attname = 'works_with')
"""
ADD_WORKS_WITH = "ALTER TABLE schema_migrations ADD COLUMN works_with integer"
# A dump comes in by a transaction of its own: until the rest is done, nobody may go on from it.
IS_RESTORING = "SELECT to_regclass('restore_unfinished') IS NOT NULL"
HAS_LEDGER = "SELECT to_regclass('schema_migrations') IS NOT NULL"
SELECT_APPLIED = """
SELECT version, name, sha256, to_jsonb(m) ->> 'works_with' AS works_with
  FROM schema_migrations m
 ORDER BY version
"""
INSERT_APPLIED = """
INSERT INTO schema_migrations (version, name, sha256, app_version, ms, works_with)
VALUES ($1, $2, $3, $4, $5, $6)
"""
SAVER = "langgraph-checkpoint-postgres"
# The saver's release that set its tables up stands beside them, written when it had finished.
SELECT_SAVER = """
SELECT to_regclass('checkpoint_migrations') IS NOT NULL AS found,
       obj_description(to_regclass('checkpoint_migrations'), 'pg_class') AS release
"""
COMMENT_SAVER = "SELECT format('COMMENT ON TABLE checkpoint_migrations IS %L', $1::text)"
# The libraries' own tables: granted by name or prefix, never with ALL TABLES, which would
# hand the application the right to change the audit log.
GRANT_LIBRARIES = """
DO $$
DECLARE found text;
BEGIN
    FOR found IN
        SELECT format('%I', tablename) FROM pg_tables
         WHERE schemaname = current_schema()
           AND (tablename LIKE 'procrastinate\\_%' OR tablename LIKE 'checkpoint%')
    LOOP
        EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ' || found || ' TO bookai_app';
    END LOOP;
    FOR found IN
        SELECT format('%I', sequencename) FROM pg_sequences
         WHERE schemaname = current_schema() AND sequencename LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'GRANT USAGE, SELECT ON SEQUENCE ' || found || ' TO bookai_app';
    END LOOP;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'no role bookai_app: nothing to grant';
END $$
"""


async def pending(admin_dsn: str, folder: Path) -> list[str]:
    """Return the titles of what `migrate` would apply; nothing is changed.

    Raises:
        OperatorNeeded: Postgres does not answer, or does not let us in.
        MigrationRefused: the files and the database do not belong together.
    """
    files = load(folder)
    con = await connect(admin_dsn, statement_cache_size=0)
    try:
        applied = await _applied(con) if await con.fetchval(HAS_LEDGER) else ()
        return [migration.title for migration in plan(files, applied)]
    finally:
        await con.close()


async def _applied(con: Any) -> tuple[Applied, ...]:
    return tuple(
        Applied(
            row["version"],
            row["name"],
            row["sha256"],
            None if row["works_with"] is None else int(row["works_with"]),
        )
        for row in await con.fetch(SELECT_APPLIED)
    )


async def migrate(
    admin_dsn: str,
    folder: Path,
    passwords: Mapping[str, str] | None = None,
    *,
    restoring: bool = False,
) -> list[str]:
    """Apply what is missing, as the owner; return the titles of what was applied.

    `passwords` maps role names to the passwords they shall have, for a server of our own.
    `restoring` is for who restores a backup: nobody else may open what that has not finished.
    Safe to call from many processes at once: one works, the others wait for it.

    Raises:
        OperatorNeeded: Postgres does not answer, is too old, or lets this role create nothing; or a
            restore into this database did not come to its end.
        TryLater: another process has held the migration lock for very long.
        MigrationRefused: the files and the database do not belong together, or a file is broken.
    """
    files = load(folder)
    settings = {"lock_timeout": "15s", "client_min_messages": "warning"}
    con = await connect(admin_dsn, statement_cache_size=0, server_settings=settings)
    try:
        _check_version(con.get_server_version().major)
        await _lock(con)
        if not restoring and await con.fetchval(IS_RESTORING):
            raise OperatorNeeded(
                "a restore into this database goes on, or was broken off: it is no whole studio.",
                mend="Create a new database, let BOOKAI_DSN name it and restore again; drop this.",
            )
        applied = await _apply_all(con, files, admin_dsn)
        await _set_passwords(con, passwords or {})
        return applied
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorNeeded(
            f"the role of the migrations lacks a right: {error}.",
            mend="Set BOOKAI_ADMIN_DSN to the database's owner.",
        ) from error
    finally:
        await con.close()  # releases the lock; so does kill -9


def _check_version(major: int) -> None:
    if major < LOWEST_MAJOR:
        raise OperatorNeeded(
            f"this is PostgreSQL {major}.", mend=f"The studio needs {LOWEST_MAJOR} or newer."
        )


async def _apply_all(con: Any, files: Sequence[Migration], admin_dsn: str) -> list[str]:
    await con.execute(CREATE_LEDGER)
    if not await con.fetchval(HAS_WORKS_WITH):
        await con.execute(ADD_WORKS_WITH)
    todo = plan(files, await _applied(con))
    for migration in todo:
        await _apply(con, migration)
    applied = [m.title for m in todo] + await queue.create_tables(con)
    if await _set_up_saver(con, admin_dsn):
        applied.append("checkpoints")
    if applied:
        await con.execute(GRANT_LIBRARIES)
    return applied


async def _set_up_saver(con: Any, admin_dsn: str) -> bool:
    """Let the saver of this release make its tables where it has not; tell whether it was new.

    Most starts find everything done, and so need not spend the seconds of importing LangGraph.
    """
    release = f"{SAVER} {metadata.version(SAVER)}"
    saver = await con.fetchrow(SELECT_SAVER)
    if saver["release"] == release:
        return False
    from bookai.db import checkpoints  # noqa: PLC0415  # see above

    await checkpoints.create_tables(admin_dsn)
    await con.execute(await con.fetchval(COMMENT_SAVER, release))
    return not saver["found"]


async def _lock(con: Any) -> None:
    """Poll: a blocked request would hold a snapshot that CREATE INDEX CONCURRENTLY awaits."""
    deadline = time.monotonic() + WAIT_S
    while not await con.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        if time.monotonic() > deadline:
            raise TryLater(f"another process has held the migration lock for {WAIT_S:.0f} s.")
        await asyncio.sleep(0.1)


async def _apply(con: Any, migration: Migration) -> None:
    started = time.monotonic()

    async def work() -> None:
        # The simple protocol takes a whole file, so nothing here has to split SQL.
        await con.execute(migration.sql)
        ms = round((time.monotonic() - started) * 1000)
        await con.execute(
            INSERT_APPLIED,
            migration.version,
            migration.name,
            migration.sha256,
            VERSION,
            ms,
            migration.works_with,
        )

    try:
        if migration.in_transaction:
            async with con.transaction():
                await work()
        else:
            await work()
    except asyncpg.InsufficientPrivilegeError:
        raise  # not the file's fault
    except asyncpg.PostgresError as error:
        left = "left nothing" if migration.in_transaction else "may have left a part"
        raise MigrationRefused(f"{migration.title}.sql failed and {left}: {error}") from error


async def _set_passwords(con: Any, passwords: Mapping[str, str]) -> None:
    for role, password in passwords.items():
        # ALTER ROLE takes no parameters; the server itself quotes name and secret.
        statement = await con.fetchval(
            "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, password
        )
        await con.execute(statement)
