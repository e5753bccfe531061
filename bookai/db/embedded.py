"""The embedded Postgres: one server a studio home, shared by all its processes.

Who is alive is never asked of a process id: ids are reused. A server lives when it answers on its
socket, its data is held when a Postgres stands in it, and a client counts while the kernel keeps
its file lock, which ends with the process however it ends.
"""

import asyncio
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import psycopg

from bookai.db.pg.binaries import find_binaries, make_readable
from bookai.db.pg.home import APP, DATABASE, OWNER, SEALER, Home, try_flock
from bookai.errors import OperatorNeeded, TryLater

ROLES = (APP, SEALER)
START_S = 120
STOP_S = 60
ORPHANS_S = 15.0
RECOVERY_S = 60.0
LOG_LIMIT_BYTES = 8 * 2**20
LOG = "server.log"
_SOCKET = ".s.PGSQL.5432"
_CONNECTIONS = "BOOKAI_PG_CONNECTIONS"
_JOIN = "BOOKAI_PG_JOIN"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_PROCESSES = Path("/proc")
FIND_DATABASE = "SELECT 1 FROM pg_database WHERE datname = %s"
CREATE_DATABASE = f"CREATE DATABASE {DATABASE}"

CONNECTIONS = 80
"""At most so many at once; BOOKAI_PG_CONNECTIONS of whoever starts the server says another."""

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "10min",
}


class EmbeddedPostgres:
    """Starts or joins the server of one state folder; call `stop` once for each `start`.

    With BOOKAI_PG_JOIN set it only joins, and waits for whoever keeps the server: a server that a
    service starts ends together with that service.
    """

    def __init__(self, state: Path, home: Home | None = None) -> None:
        self._home = home or Home(state)
        self._client: int | None = None
        self._programs: Path | None = None
        self._only_joins = bool(os.environ.get(_JOIN))
        self.origin = "not started"

    def start(self) -> str:
        """Start the server, or join the one that runs; return the owner's DSN. Blocks.

        Raises:
            OperatorNeeded: it cannot be set up or started; says why and the mend.
            TryLater: another process is busy with it for very long, or nobody keeps it.
        """
        home = self._home
        try:
            home.prepare()
            if self._only_joins:
                self._await_keeper()
            with home.starting():
                binaries = find_binaries(home.major)
                self._programs = make_readable(binaries, home.user)
                self.origin = binaries.origin
                for role in (OWNER, *ROLES):
                    home.secret(role)
                if home.major is None:
                    self._create_cluster()
                if not self.answers():
                    if self._only_joins:
                        raise TryLater(f"the Postgres in {home.cluster} just ended.")
                    self._start_server()
                self._create_database()
                if self._client is None:
                    self._client = home.open_lock("clients.lock")
                    fcntl.flock(self._client, fcntl.LOCK_SH)
        except OSError as error:
            raise OperatorNeeded(
                f"the embedded Postgres in {home.cluster} cannot be set up: {error}.",
                mend="Free some space or mend the folder's rights, or set BOOKAI_DSN.",
            ) from error
        return self.dsn()

    def stop(self, *, for_all: bool = False) -> bool:
        """Leave; the last one out stops the server. Return whether it was stopped. Blocks.

        With `for_all` it is stopped whoever else is there.

        Raises:
            OperatorNeeded: it does not stop.
            TryLater: another process is busy with it for very long.
        """
        if self._programs is None:
            return False
        with self._home.starting():
            if self._client is not None:
                os.close(self._client)
                self._client = None
            probe = self._home.open_lock("clients.lock")
            try:
                if not (try_flock(probe, fcntl.LOCK_EX) or for_all) or self._only_joins:
                    return False
            finally:
                os.close(probe)
            if self.answers() or self._is_held():
                self._run("pg_ctl", "-D", ".", "-m", "fast", "-w", "-t", STOP_S, "stop")
            return True

    def dsn(self) -> str:
        """Return the owner's DSN: for migrations alone."""
        return self._home.dsn(OWNER)

    def app_dsn(self) -> str:
        """Return the DSN of the role that the studio works as."""
        return self._home.dsn(APP)

    def sealer_dsn(self) -> str:
        """Return the DSN of the role that may seal the audit log."""
        return self._home.dsn(SEALER)

    def role_passwords(self) -> dict[str, str]:
        """Return the passwords that migrations give to the application's roles."""
        return {role: self._home.secret(role) for role in ROLES}

    def _create_cluster(self) -> None:
        """Run initdb beside the final place and rename: a half-made cluster is never used."""
        home = self._home
        part, password = home.cluster / "pgdata.new", home.cluster / "pgdata.password"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        password.unlink(missing_ok=True)
        handle = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(home.secret(OWNER))
        for path in (part, password):
            home.give(path)
        try:
            self._run(
                "initdb", "-D", part, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={password}",
                "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-sync",
                "--no-instructions",
            )  # fmt: skip
            with (part / "postgresql.conf").open("a", encoding="utf-8") as conf:
                conf.writelines(f"{key} = '{value}'\n" for key, value in _SETTINGS.items())
            os.sync()
            part.rename(home.data)
        finally:
            password.unlink(missing_ok=True)
            # After a failure: what initdb wrote may be what fills the disk.
            shutil.rmtree(part, ignore_errors=True)

    def _start_server(self) -> None:
        home = self._home
        deadline = time.monotonic() + ORPHANS_S
        while self._is_held():
            # Backends of a killed postmaster leave within a second or two.
            if self.answers():
                return
            if time.monotonic() > deadline:
                raise OperatorNeeded(
                    f"a Postgres that does not answer still holds {home.data}.",
                    mend="End that process, then try again.",
                )
            time.sleep(0.1)
        if _PROCESSES.is_dir():
            # Left by a crash. Postgres would refuse to start when the id in them is in use by
            # anyone. Where we cannot see who holds the data, Postgres must judge alone.
            for stale in (home.data / "postmaster.pid", home.sockets / f"{_SOCKET}.lock"):
                stale.unlink(missing_ok=True)
            (home.sockets / _SOCKET).unlink(missing_ok=True)
        log = home.data / LOG
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.old"))
        self._run(
            "pg_ctl", "-D", ".", "-l", LOG, "-w", "-t", START_S,
            "-o", f"-k {home.sockets} -p 5432 -c max_connections={_most_connections()}", "start",
        )  # fmt: skip

    def _await_keeper(self) -> None:
        """Wait without the lock, which the keeper needs to start the server."""
        deadline = time.monotonic() + START_S
        while not self.answers():
            if time.monotonic() > deadline:
                raise TryLater(
                    f"nobody keeps the Postgres in {self._home.cluster}. Is `bookai postgres` "
                    f"there? Look: systemctl status bookai-postgres. Without {_JOIN} we start it."
                )
            time.sleep(0.1)

    def _create_database(self) -> None:
        """Create the studio's database unless it is there."""
        deadline = time.monotonic() + RECOVERY_S
        while True:
            try:
                dsn = self._home.dsn(OWNER, "postgres")
                with psycopg.connect(dsn, autocommit=True, connect_timeout=30) as con:
                    if con.execute(FIND_DATABASE, (DATABASE,)).fetchone() is None:
                        con.execute(CREATE_DATABASE)
                return
            except psycopg.Error as error:
                # A joined server may be in crash recovery, and says so for a while.
                passing = "starting up" in str(error) or "recovery mode" in str(error)
                if not passing or time.monotonic() > deadline:
                    raise OperatorNeeded(
                        f"the embedded Postgres in {self._home.cluster} does not let us in: "
                        f"{error}.",
                        mend="Set BOOKAI_DSN to another server, or BOOKAI_HOME to another folder.",
                    ) from error
            time.sleep(0.1)

    def answers(self) -> bool:
        """Ask for TLS: a live postmaster says N or S, a dead one's backlog never does. Blocks."""
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self._home.sockets / _SOCKET))
                probe.sendall(_SSL_REQUEST)
                return probe.recv(1) in (b"N", b"S")
            except OSError:
                return False

    def _is_held(self) -> bool:
        """Tell whether a Postgres stands in the data folder; a shell that does is no Postgres."""
        data = os.path.realpath(self._home.data)
        for process in _PROCESSES.glob("[0-9]*"):
            with suppress(OSError):  # it ended while we looked, or is not ours to look into
                stands = os.readlink(process / "cwd") == data
                if stands and "postgres" in Path(os.readlink(process / "exe")).name:
                    return True
        return False

    def _run(self, program: str, *arguments: object) -> None:
        user = self._home.user
        drop: dict[str, Any] = {}
        if user:
            drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # pg_ctl's server inherits these: a pipe would stay open for as long as it lives.
        output = subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE
        try:
            done = subprocess.run(
                [str((self._programs or Path()) / program), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                # pg_ctl hands paths to a shell, which would read more into them than a path.
                cwd=self._home.data if program == "pg_ctl" else "/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/", "TZ": "UTC"},
                timeout=START_S + 60,
                check=False,
                # Ctrl-C in the terminal is for us; the server ends when we stop it.
                start_new_session=True,
                **drop,
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(program, f"no end after {error.timeout:.0f} s") from error
        if done.returncode:
            raise self._failed(program, self._last_words(done.stderr))

    def _failed(self, program: str, why: str) -> OperatorNeeded:
        return OperatorNeeded(
            f"{program} failed for {self._home.data}: {why}.",
            mend="If the disk is full, free some space; or set BOOKAI_DSN to another server.",
        )

    def _last_words(self, said: str | None) -> str:
        """Return the line that tells most: the last complaint, else the last line."""
        log = self._home.data / LOG
        text = said or (log.read_text(errors="replace")[-4000:] if log.exists() else "")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        last = (telling or lines or ["it said nothing"])[-1]
        return last.rstrip(".")[:300]


def _most_connections() -> int:
    said = os.environ.get(_CONNECTIONS, "") or str(CONNECTIONS)
    if not said.isdecimal() or not 20 <= int(said) <= 5000:
        raise OperatorNeeded(
            f"{_CONNECTIONS} is {said!r}.", mend="Write a number of connections, 20 to 5000."
        )
    return int(said)


@asynccontextmanager
async def embedded(state: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Start or join the server while the block runs; see `EmbeddedPostgres` for errors."""
    server = EmbeddedPostgres(state)
    try:
        # A cancelled start goes on in its thread; the stop then waits for it at the lock.
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.stop)
