"""The Postgres of one part of the harness: a template, a database a run, and its own bad days."""

import asyncio
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bookai.db import offers
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.house import migrations_dir
from studio.office import CATALOGUE

TEMPLATE = "chaos_template"
CUT = """
SELECT count(pg_terminate_backend(pid))
  FROM pg_stat_activity
 WHERE datname = %s
   AND pid <> pg_backend_pid()
"""


class Server:
    """One embedded server. A crash of Postgres loses nothing here: only the machine's would."""

    def __init__(self, folder: Path) -> None:
        self._postgres = EmbeddedPostgres(folder / "pg")
        self._data = folder / "pg" / "pgdata"
        self.restart_s = 0.0

    def start(self) -> None:
        """Start it and make the template."""
        self._postgres.start()
        # The kernel keeps what is written when a process dies, so fsync adds nothing to a test;
        # commits must wait for the write itself, or a crash would break promises that we made.
        for setting in ("fsync", "full_page_writes"):
            self.execute("postgres", f"ALTER SYSTEM SET {setting} = off")
        self.execute("postgres", "SELECT pg_reload_conf()")
        self.execute("postgres", f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(self._fill_template())

    def stop(self) -> None:
        """Stop it for good."""
        self._postgres.stop()

    async def _fill_template(self) -> None:
        passwords = self._postgres.role_passwords()
        await migrate(self.admin_dsn(TEMPLATE), migrations_dir(), passwords)
        async with open_pool(self.app_dsn(TEMPLATE), size=1) as pool:
            await offers.seed(pool, CATALOGUE)

    def admin_dsn(self, database: str) -> str:
        """Return the owner's way in."""
        return _on(self._postgres.dsn(), database)

    def app_dsn(self, database: str) -> str:
        """Return the studio's way in."""
        return _on(self._postgres.app_dsn(), database)

    @contextmanager
    def database(self, name: str) -> Iterator[None]:
        """Lend a fresh copy of the template."""
        self.execute("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        try:
            yield
        finally:
            self.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, database: str, statement: str, *values: object) -> None:
        """Run one statement as the owner."""
        with psycopg.connect(self.admin_dsn(database), autocommit=True) as con:
            con.execute(sql.SQL(statement), values or None)

    def cut(self, database: str) -> None:
        """Cut every connection to a database."""
        self.execute("postgres", CUT, database)

    def restart(self, how: signal.Signals) -> None:
        """Bring it down as an operator does (SIGINT), or as a crash does (SIGQUIT), then up."""
        began = time.monotonic()
        process = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(process, how)
        with suppress(ProcessLookupError):
            while True:
                os.kill(process, 0)
                pause(0.01)
        self._postgres.start()
        self.restart_s += time.monotonic() - began


@contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """Lend a folder whose path a socket's name has room in, and the server's user may enter."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pause(seconds: float) -> None:
    """Let other processes go on for a moment."""
    threading.Event().wait(seconds)


def _on(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
