"""The house-keeping: one care that fails keeps neither the others nor systemd waiting."""

import socket
from pathlib import Path

import pytest

from bookai.settings import Settings
from studio.daemon import _care
from studio.wiring import open_office
from tests.conftest import execute


async def test_a_care_that_fails_does_not_keep_the_others_from_theirs(
    settings: Settings,
    admin_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    execute(admin_dsn, "ALTER TABLE procrastinate_workers RENAME TO lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        async with open_office(settings) as office:
            await _care(office)
            assert listener.recv(64) == b"WATCHDOG=1"
            assert "House-keeping failed" in caplog.text

            await office.database.pool.close()
            await _care(office)
            with pytest.raises(BlockingIOError):
                listener.recv(64)
