"""Postgres' own client programs: found by version, run with the address in their environment."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bookai.db.pg.binaries import find_binaries
from bookai.errors import OperatorNeeded

LONGEST_S = 6 * 3600.0

# What libpq reads from the environment, by the name that a DSN has for it.
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
}
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


def client_program(name: str, major: int) -> Path:
    """Return `pg_dump` or `pg_restore` of a server's major version, or a newer one.

    Raises:
        OperatorNeeded: there is none.
    """
    try:
        found = find_binaries(major).folder / name
        if found.is_file():
            return found
    except OperatorNeeded:
        pass  # a server elsewhere needs no binaries here but this one
    on_path = shutil.which(name)
    if on_path and _major_of(on_path) >= major:
        return Path(on_path)
    raise OperatorNeeded(
        f"there is no {name} for PostgreSQL {major} on this machine.",
        mend="Install that version's client programs, or set BOOKAI_PG_BINDIR to their folder.",
    )


def _major_of(program: str) -> int:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
        return int(done.stdout.split()[2].split(".")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return 0


def environment_of(dsn: str) -> dict[str, str]:
    """Return the environment in which Postgres' programs reach a DSN.

    Raises:
        OperatorNeeded: it is no DSN, or has a part that only a command line could pass on.
    """
    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        # Its words may quote a piece of the password.
        raise OperatorNeeded(
            "BOOKAI_DSN is no address of a Postgres.",
            mend="Write it as postgresql://user:password@host:5432/database.",
        ) from None
    for name, value in parts.items():
        if name not in _VARIABLES:
            raise OperatorNeeded(
                f"the DSN's {name!r} cannot be passed on to pg_dump.",
                mend="Leave it out of the DSN.",
            )
        found[_VARIABLES[name]] = str(value)
    return found


async def run(
    program: Path, arguments: Sequence[str], dsn: str, *, stdout: BinaryIO | None = None
) -> None:
    """Run a program on a database to its end; a cancelled call ends it.

    Raises:
        OperatorNeeded: it fails; says what it complained of first.
    """
    process = await asyncio.create_subprocess_exec(
        program,
        "--no-password",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout or asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment_of(dsn),
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise OperatorNeeded(
            f"{program.name} failed: {lines[0][:300].rstrip('.')}.",
            mend="If the disk is full, free some space; else look at the database's own log.",
        )
