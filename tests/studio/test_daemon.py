"""What runs unattended goes on when the database is slow, or when one care fails."""

import asyncio
import socket
from pathlib import Path

import asyncpg
import pytest

from bookai.db import audit
from bookai.db import pool as pool_module
from bookai.settings import Settings
from studio.daemon import _care, keep_house
from studio.office import open_office
from tests.conftest import execute

COUNT_LEAVES = "SELECT count(*) FROM audit_leaf"

pytestmark = pytest.mark.timeout(60)


async def test_a_statement_that_takes_too_long_does_not_end_the_house_keeping(
    settings: Settings,
    admin_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pool_module, "COMMAND_S", 1.0)
    stop, owner = asyncio.Event(), await asyncpg.connect(admin_dsn)
    try:
        async with open_office(settings) as office, asyncio.TaskGroup() as group:
            await audit.append(office.database.pool, "tick", "studio", {})
            async with owner.transaction():
                await owner.execute("LOCK TABLE audit_checkpoint")
                group.create_task(keep_house(office, stop))
                while "TimeoutError" not in caplog.text:
                    await owner.fetchval("SELECT 1")

            while not await owner.fetchval(COUNT_LEAVES):
                pass
            stop.set()
    finally:
        await owner.close()


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
