"""What runs unattended goes on when the database is slow, or when one care fails."""

import asyncio

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
    settings: Settings, admin_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    execute(admin_dsn, "ALTER TABLE procrastinate_workers RENAME TO lost")
    execute(
        admin_dsn,
        "INSERT INTO mcp_replies (principal, tool, key, digest, begun_at)"
        " VALUES ('a', 't', '12345678', repeat('0', 64), now() - interval '400 days')",
    )
    async with open_office(settings) as office:
        await _care(office)

        assert "House-keeping failed" in caplog.text
        assert await office.database.pool.fetchval("SELECT count(*) FROM mcp_replies") == 0
