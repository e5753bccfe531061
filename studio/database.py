"""Open the studio's database: the embedded Postgres, or the one that `BOOKAI_DSN` names."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bookai.db.embedded import EmbeddedPostgres, embedded
from bookai.db.migrate import migrate
from bookai.db.pool import Pool, open_pool
from bookai.db.seal import sealer
from bookai.db.seal.files import SealKeys, open_keys
from bookai.errors import OperatorNeeded
from bookai.house import migrations_dir
from bookai.settings import Settings

logger = logging.getLogger(__name__)

RESTORING = ".restoring"
"""A home that has this folder was not restored to its end."""


@dataclass(frozen=True, slots=True)
class Database:
    """The ways in: `pool` and `dsn` as the application's role; the server when it is ours."""

    pool: Pool
    dsn: str
    server: EmbeddedPostgres | None
    applied: tuple[str, ...]


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Start or reach Postgres, bring the schema up to date, and lend a pool.

    Raises:
        OperatorNeeded: Postgres cannot be started or reached, or is older than 15.
    """
    make_home(settings.home)
    async with AsyncExitStack() as stack:
        server: EmbeddedPostgres | None = None
        passwords: dict[str, str] | None = None
        if settings.dsn:
            dsn = settings.dsn
            admin = settings.admin_dsn or settings.dsn
        else:
            server = await stack.enter_async_context(embedded(settings.postgres_dir))
            admin, dsn = server.dsn(), server.app_dsn()
            passwords = server.role_passwords()
        applied = await migrate(admin, migrations_dir(), passwords)
        pool = await stack.enter_async_context(open_pool(dsn))
        yield Database(pool, dsn, server, tuple(applied))


@asynccontextmanager
async def owner_dsn(settings: Settings) -> AsyncIterator[str]:
    """Lend the DSN of the database's owner as it is: nothing is migrated.

    Raises:
        OperatorNeeded: Postgres cannot be started.
    """
    if settings.dsn:
        yield settings.admin_dsn or settings.dsn
        return
    async with embedded(settings.postgres_dir) as server:
        yield server.dsn()


def make_home(home: Path) -> None:
    """Create the studio's folder, closed to other users.

    Raises:
        OperatorNeeded: it cannot be created or written to.
    """
    if (home / RESTORING).exists():
        raise OperatorNeeded(
            f"a restore into {home} was broken off: it is no whole studio.",
            mend=f"Remove that folder and restore again: rm -r {home}",
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OperatorNeeded(
            f"{home} cannot be written to: {error.strerror}.",
            mend="Set BOOKAI_HOME to a folder of yours with free space.",
        ) from error


def open_seal_keys(settings: Settings) -> SealKeys:
    """Read the audit log's signing key; it is made on first use."""
    settings.audit_dir.mkdir(mode=0o700, exist_ok=True)
    return open_keys(settings.audit_dir / "signing.key", settings.audit_dir / "signing.pub")


def notes_path(settings: Settings) -> Path:
    """Return where signed checkpoints are exported to, outside the database."""
    return settings.audit_dir / "checkpoints.notes"


async def seal_audit(database: Database, settings: Settings) -> int:
    """Put every committed audit event under a signed checkpoint; return how many it were."""
    keys = await asyncio.to_thread(open_seal_keys, settings)
    return await sealer.seal(database.pool, keys, notes_path(settings))
