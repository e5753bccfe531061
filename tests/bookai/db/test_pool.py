"""The pool: what it converts, and what it says when Postgres is away, without the password."""

import traceback

import asyncpg
import pytest

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.pool import Pool, open_pool, where
from bookai.errors import OperatorNeeded, TryLater


async def test_jsonb_is_python_objects(pool: Pool) -> None:
    value = {"title": "Ünïcode ✓ 'quoted'", "lines": [1, None, {"deep": True}]}

    assert await pool.fetchval("SELECT $1::jsonb", value) == value


async def test_times_are_aware_and_utc(pool: Pool) -> None:
    at = await pool.fetchval("SELECT now()")

    assert at.utcoffset().total_seconds() == 0


async def test_a_wrong_password_is_told_without_telling_the_password(
    server: EmbeddedPostgres,
) -> None:
    secret = server.role_passwords()["bookai_app"]
    wrong = server.app_dsn().replace(secret, "hunter2-not-it")

    with pytest.raises(OperatorNeeded, match="does not let the studio in") as caught:
        async with open_pool(wrong):
            pytest.fail("a wrong password opened the door")

    assert "hunter2" not in str(caught.value)


async def test_a_server_that_is_down_is_told_with_the_mend() -> None:
    with pytest.raises(OperatorNeeded, match=r"127\.0\.0\.1:9/x.*Start it"):
        async with open_pool("postgresql://u:p@127.0.0.1:9/x"):
            pytest.fail("nobody listens there")


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db user=u password=hunter2",
        "postgresql://u:hun/hunter2@127.0.0.1:9/x",
        "postgresql://u:hun#hunter2@127.0.0.1:9/x",
        "postgresql://u:hun?hunter2@127.0.0.1:9/x",
        "postgresql://u:p@127.0.0.1:hunter2/x",
        "mysql://u:hunter2@127.0.0.1/x",
        "hunter2",
    ],
)
async def test_an_address_that_is_none_is_told_without_any_piece_of_it(dsn: str) -> None:
    with pytest.raises(OperatorNeeded, match="BOOKAI_DSN") as caught:
        async with open_pool(dsn):
            pytest.fail("that is no address")

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://u:p@db.example:6432/studio?sslmode=require", "db.example:6432/studio"),
        ("postgresql://u:p@/studio?host=%2Frun%2Fpg", "/run/pg/studio"),
        ("postgresql:///studio", "the default socket/studio"),
    ],
)
def test_an_address_is_shown_as_host_port_and_database(dsn: str, shown: str) -> None:
    assert where(dsn) == shown


async def test_a_database_closed_later_is_told_like_one_closed_at_the_start(
    pool: Pool, server: EmbeddedPostgres, database: str
) -> None:
    async with open_pool(server.dsn(), size=1) as owner:
        await owner.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    await pool.expire_connections()

    with pytest.raises(OperatorNeeded, match="not currently accepting connections"):
        await pool.fetchval("SELECT 1")


async def test_a_server_without_a_free_connection_is_asked_again_later(
    dsn: str, server: EmbeddedPostgres, database: str
) -> None:
    async with open_pool(server.dsn(), size=1) as owner:
        await owner.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 0")

    with pytest.raises(TryLater, match="busy"):
        async with open_pool(dsn):
            pytest.fail("no connection was free")


async def test_more_work_than_connections_waits_its_turn(dsn: str) -> None:
    async with open_pool(dsn, size=1) as small:
        assert isinstance(small, asyncpg.Pool)
        assert small.get_max_size() == 1
