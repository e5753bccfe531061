"""`bookai postgres` as a real process: kept up for others, ended with its service alone."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bookai.db import embedded
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.pg.home import Home
from bookai.errors import OperatorNeeded, TryLater

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = "from studio.cli import main; main()"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bkk-"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_keepers_server_is_joined_and_ends_with_the_keeper(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.setblocking(False)
        environment = {
            **os.environ, "BOOKAI_HOME": str(home), "PYTHONPATH": str(ROOT),
            "NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "400000",
        }  # fmt: skip
        # It has a WATCHDOG_PID of its own only under systemd: without one the limit is for it.
        keeper = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, "postgres", env=environment, cwd="/"
        )
        loop = asyncio.get_running_loop()
        try:
            assert await loop.sock_recv(listener, 4096) == b"READY=1"
            assert (await loop.sock_recv(listener, 4096)).startswith(b"WATCHDOG=1")
            monkeypatch.setenv("BOOKAI_PG_JOIN", "1")
            joiner = EmbeddedPostgres(home / "postgres")
            await asyncio.to_thread(joiner.start)
            assert await asyncio.to_thread(joiner.stop) is False
            assert joiner.answers()

            monkeypatch.delenv("BOOKAI_PG_JOIN")
            other = EmbeddedPostgres(home / "postgres")
            await asyncio.to_thread(other.start)
            keeper.send_signal(signal.SIGTERM)

            # Whoever is connected: systemd would kill what the keeper left behind.
            assert await keeper.wait() == 0
            assert not other.answers()
            await asyncio.to_thread(other.stop)
        finally:
            if keeper.returncode is None:
                keeper.kill()
                await keeper.wait()


def test_a_second_keeper_is_refused_while_the_first_lives(home: Path) -> None:
    first, second = Home(home), Home(home)
    refused = pytest.raises(OperatorNeeded, match="keeps the server in")
    with first.keeping(), refused, second.keeping():
        raise AssertionError("two keep one server")
    with second.keeping():
        pass


def test_who_only_joins_starts_no_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKAI_PG_JOIN", "1")
    monkeypatch.setattr(embedded, "START_S", 0.2)

    with pytest.raises(TryLater, match="nobody keeps the Postgres"):
        EmbeddedPostgres(home).start()

    assert not (home / "pgdata").exists()
