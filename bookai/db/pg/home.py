"""Where an embedded server lives: its folders, its user, its locks and its passwords."""

import fcntl
import hashlib
import os
import pwd
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from bookai.db.pg.binaries import can_run
from bookai.errors import OperatorNeeded, TryLater

OWNER = "bookai"
APP = "bookai_app"
SEALER = "bookai_sealer"
DATABASE = "bookai"
CLUSTERS = Path("/var/lib/bookai")
NOTE = "data-is-in.txt"
# Longer than the longest start, stop or initdb that another process can be busy with.
LOCK_S = 300.0
SOCKET_PATH_LIMIT = 80  # of the 108 bytes that the kernel has for a socket's path


class Home:
    """The folders of one embedded server.

    `state` is ours: passwords and, as an ordinary user, everything else too. As root the server
    runs as `user`; when that user cannot enter `state`, the data lies below `clusters`, and a note
    in `state` says where.
    """

    def __init__(self, state: Path, clusters: Path = CLUSTERS) -> None:
        self.state = state.absolute()
        self.cluster = self.state
        self.user: pwd.struct_passwd | None = None
        self._clusters = clusters

    @property
    def data(self) -> Path:
        """The data folder, there once initdb succeeded."""
        return self.cluster / "pgdata"

    @property
    def sockets(self) -> Path:
        """The socket's folder; a short and plain path, whatever the state folder is called."""
        near = self.cluster / "run"
        # Postgres splits its setting at commas, and a shell stands between us and the server.
        if len(str(near)) <= SOCKET_PATH_LIMIT and re.fullmatch(r"[\w/.-]+", str(near), re.ASCII):
            return near
        name = hashlib.sha256(str(self.cluster).encode()).hexdigest()[:12]
        return Path("/tmp") / f"bookai-{os.geteuid()}-{name}"

    @property
    def major(self) -> int | None:
        """The data's PostgreSQL version; None when there is no data yet."""
        version = self.data / "PG_VERSION"
        return int(version.read_text().split(".")[0]) if version.exists() else None

    def prepare(self) -> None:
        """Create the folders and find out as whom the server runs.

        Raises:
            OperatorNeeded: nobody suitable can run it, or a stranger owns a folder.
        """
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._prepare_as_root()
        else:
            _check_we_have_a_name()
        sockets = self.sockets
        sockets.mkdir(mode=0o711 if self.user else 0o700, parents=True, exist_ok=True)
        found = sockets.lstat()
        ours = {os.geteuid(), self.user.pw_uid if self.user else os.geteuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours or found.st_mode & 0o022:
            raise OperatorNeeded(
                f"{sockets} belongs to another user, or others may write there.",
                mend="Remove it, or set BOOKAI_HOME to another folder.",
            )
        self.give(sockets)

    def _prepare_as_root(self) -> None:
        note = self.state / NOTE
        if note.exists():
            self.cluster = Path(note.read_text(encoding="utf-8").strip())
        self.user = _owner_of(self.data) or _unprivileged_user()
        if self.data.exists():
            return
        # The server's user enters the state folder, but cannot list it or read the passwords.
        self.state.chmod(0o711)
        if not note.exists() and not can_run(self.state, self.user):
            # Somebody's closed home lies above. It stays closed: the data lives elsewhere.
            self.cluster = self._clusters / secrets.token_hex(6)
            _write_once(note, str(self.cluster))
            self.cluster = Path(note.read_text(encoding="utf-8").strip())
        if self.cluster != self.state:
            for folder in (self.cluster.parent, self.cluster):
                if not folder.exists():
                    folder.mkdir(parents=True, exist_ok=True)
                    folder.chmod(0o711)  # whatever the umask is

    def give(self, path: Path) -> None:
        """Let the server's user own a file or folder of ours."""
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the one lock under which a server is created, started or stopped.

        Raises:
            TryLater: another process has held it for very long.
        """
        handle = self.open_lock("start.lock")
        deadline = time.monotonic() + LOCK_S
        try:
            while not try_flock(handle, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise TryLater(f"another process is busy with the Postgres in {self.cluster}.")
                time.sleep(0.02)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Be the one process that keeps the server up for the others.

        Raises:
            OperatorNeeded: another keeps it already; to end two would stop it under everybody.
        """
        self.prepare()
        handle = self.open_lock("keeper.lock")
        try:
            if not try_flock(handle, fcntl.LOCK_EX):
                raise OperatorNeeded(
                    f"another bookai postgres keeps the server in {self.cluster} already.",
                    mend="Let it: nothing is to be done. See it: systemctl status bookai-postgres",
                )
            yield
        finally:
            os.close(handle)

    def open_lock(self, name: str) -> int:
        """Open a lock file beside the data: a copied state folder shares the data's locks."""
        path = self.cluster / name
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            # `sudo bookai` in a user's studio must not lock that user out.
            above = self.cluster.stat()
            os.fchown(handle, above.st_uid, above.st_gid)
        return handle

    def secret(self, role: str) -> str:
        """Return a role's password, made at the first call; only our own user can read it."""
        path = self.state / f"{role}.secret"
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(24))
        return path.read_text(encoding="ascii").strip()

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return the address of a database for a role."""
        password, host = quote(self.secret(role), safe=""), quote(str(self.sockets), safe="")
        return f"postgresql://{role}:{password}@/{database}?host={host}"


def try_flock(handle: int, how: int) -> bool:
    """Take a file lock, or tell at once that another process holds it."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_once(path: Path, text: str) -> None:
    """Write a closed file that appears whole or not at all; the first writer wins."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if os.geteuid() == 0:
            above = path.parent.stat()
            os.chown(part, above.st_uid, above.st_gid)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)


def _owner_of(data: Path) -> pwd.struct_passwd | None:
    """Return whose data this is: root helps that user, and never takes it over."""
    if not data.exists():
        return None
    try:
        owner = pwd.getpwuid(data.stat().st_uid)
    except KeyError as error:
        raise OperatorNeeded(
            f"{data} belongs to user number {data.stat().st_uid}, who has no name here.",
            mend="Give it to a user of this machine (chown -R), or set BOOKAI_DSN.",
        ) from error
    return owner


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise OperatorNeeded(
        "Postgres does not run as root, and there is no user postgres or nobody.",
        mend="Run the studio as an ordinary user, or set BOOKAI_DSN.",
    )


def _check_we_have_a_name() -> None:
    """Refuse early: initdb cannot work for a user number without an entry in the user list."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise OperatorNeeded(
            f"user number {os.geteuid()} has no name on this machine, and Postgres needs one.",
            mend="Run as a user of /etc/passwd (in a container: no bare -u NUMBER), "
            "or set BOOKAI_DSN.",
        ) from error
