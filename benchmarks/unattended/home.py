"""A studio's home for a benchmark: settings, the server, and processes that are kept alive."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.unattended import stubs
from bookai.db.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
RESTART_S = 1.0
STOP_S = 90.0
SETTLED_S = 12.0


def pause(seconds: float) -> None:
    """Let others work for a moment."""
    threading.Event().wait(seconds)


@contextmanager
def short_folder(keep: Path | None) -> Iterator[Path]:
    """Lend a folder whose path leaves room for a socket's name, removed at the end."""
    folder = keep or Path(tempfile.mkdtemp(prefix="bku-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Server:
    """The embedded server, held by us as a unit of its own would hold it."""

    home: Path
    postgres: EmbeddedPostgres = field(init=False)

    def __post_init__(self) -> None:
        self.postgres = EmbeddedPostgres(self.home / "postgres")

    @property
    def pid(self) -> int:
        return int((self.home / "postgres/pgdata/postmaster.pid").read_text().split()[0])

    def restart(self, how: signal.Signals) -> float:
        """End the server by a signal, start it again; return how long it was away, in seconds."""
        began, pid = time.monotonic(), self.pid
        os.kill(pid, how)
        with suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                pause(0.02)
        self.postgres.start()
        return time.monotonic() - began


@dataclass(slots=True)
class Unit:
    """One process of the studio, started again whenever it ends."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    ends: list[int] = field(default_factory=list)
    start_at: float = 0.0
    began: float = 0.0

    @property
    def is_settled(self) -> bool:
        """Tell whether it has been at work for a while."""
        return self.process is not None and time.monotonic() - self.began > SETTLED_S

    def tend(self) -> None:
        """Start it when it is not running and its time has come."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.ends.append(code)
            self.process = None
            self.start_at = time.monotonic() + RESTART_S
        if time.monotonic() >= self.start_at:
            self.start()

    def start(self) -> None:
        self.starts += 1
        self.began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = _spawn(self.arguments, self.environment, log)

    def signal(self, how: signal.Signals) -> bool:
        """Send a signal; tell whether there was anybody to hear it."""
        if self.process is None or self.process.poll() is not None:
            return False
        self.process.send_signal(how)
        return True

    def stop(self) -> int | None:
        """End it as a service manager does; return its exit code."""
        if self.process is None:
            return None
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -signal.SIGKILL
        finally:
            self.process = None


def _spawn(
    arguments: tuple[str, ...], environment: Mapping[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.unattended.door", *arguments],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=ROOT,
        start_new_session=True,
    )


def environment_of(home: Path, *, speed: float, with_stubs: bool, port: int) -> dict[str, str]:
    """Return what a process of this home is started with: nothing of the operator's own studio."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BOOKAI_")}
    kept |= {
        "BOOKAI_HOME": str(home),
        "BOOKAI_LOOP_SPEED": f"{speed:g}",
        "BOOKAI_METRICS_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        # Nothing listens on the discard port: the built-in writer writes.
        "OLLAMA_HOST": "http://127.0.0.1:9",
    }
    if with_stubs:
        kept[stubs.ASKED] = "1"
    return kept


def write_settings(home: Path, text: str) -> None:
    """Write studio.toml."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "studio.toml").write_text(text, encoding="utf-8")
