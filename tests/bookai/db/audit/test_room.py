"""Partitions: made ahead, closed to the program, and never a reason to refuse an event."""

import asyncpg
import pytest

from bookai.db import audit

FIRST = 50_000_000
FORBIDDEN = (
    "SELECT * FROM _HERE_",
    "INSERT INTO _HERE_ (kind, actor, body) VALUES ('a', 'b', '{}')",
    "UPDATE _HERE_ SET body = '{}'",
    "DELETE FROM _HERE_",
    "TRUNCATE _HERE_",
    "DROP TABLE _HERE_",
    "ALTER TABLE audit_log DETACH PARTITION _HERE_",
)


async def partitions(pool: asyncpg.Pool) -> list[str]:
    rows = await pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'audit_log'::regclass ORDER BY name"
    )
    return [row["name"] for row in rows]


async def shrink(attacker: asyncpg.Connection, rows: int, next_id: int) -> None:
    await attacker.execute("UPDATE audit_room SET partition_rows = $1", rows)
    await attacker.execute(f"ALTER TABLE audit_log ALTER COLUMN id RESTART WITH {next_id}")


async def home_of(pool: asyncpg.Pool, event_id: int) -> str:
    name: str = await pool.fetchval(
        "SELECT tableoid::regclass::text FROM audit_log WHERE id = $1", event_id
    )
    return name


async def test_one_partition_is_always_made_ahead(
    pool: asyncpg.Pool, attacker: asyncpg.Connection
) -> None:
    assert await partitions(pool) == ["audit_log_p0", "audit_log_rest"]

    assert await audit.make_room(pool) == 1
    assert await audit.make_room(pool) == 0

    assert await partitions(pool) == ["audit_log_p0", f"audit_log_p{FIRST}", "audit_log_rest"]


async def test_events_go_on_in_the_next_partition(
    pool: asyncpg.Pool, attacker: asyncpg.Connection
) -> None:
    await shrink(attacker, 10, FIRST - 3)
    await audit.make_room(pool)

    ids = []
    for n in range(30):
        ids.append(await audit.append(pool, "tick", "studio", {"n": n}, job_id=5))
        await audit.make_room(pool)

    assert ids == list(range(FIRST - 3, FIRST + 27))
    homes = [await home_of(pool, event_id) for event_id in ids]
    assert homes[2:4] == ["audit_log_p0", f"audit_log_p{FIRST}"]
    assert homes[-1] == f"audit_log_p{FIRST + 20}"
    found = await audit.search(pool, job_id=5)
    assert [event.event_id for event in found] == ids[::-1]


async def test_without_a_partition_an_event_is_kept_all_the_same(
    pool: asyncpg.Pool, attacker: asyncpg.Connection
) -> None:
    await shrink(attacker, 10, FIRST)
    strays = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(13)]
    assert {await home_of(pool, event_id) for event_id in strays} == {"audit_log_rest"}

    assert await audit.make_room(pool) == 1

    later = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(13)]
    assert later[0] == strays[-1] + 1
    assert await home_of(pool, later[0]) == "audit_log_rest"
    assert await home_of(pool, later[-1]) == f"audit_log_p{FIRST + 20}"
    assert len(await audit.search(pool)) == 26


async def test_a_long_reader_puts_the_next_partition_off(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT count(*) FROM audit_log")
        assert await audit.make_room(pool) == 0
        await audit.append(pool, "tick", "studio", {})

    assert await audit.make_room(pool) == 1


async def test_partitions_are_closed_to_the_program(
    pool: asyncpg.Pool, attacker: asyncpg.Connection
) -> None:
    await audit.make_room(pool)
    await audit.append(pool, "tick", "studio", {})

    for name in await partitions(pool):
        for statement in FORBIDDEN:
            with pytest.raises(
                asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"
            ):
                await pool.execute(statement.replace("_HERE_", name))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE audit_room SET partition_rows = 10")


async def test_the_triggers_stop_the_owner_in_every_partition(
    pool: asyncpg.Pool, admin_dsn: str
) -> None:
    await audit.make_room(pool)
    await audit.append(pool, "tick", "studio", {})
    owner = await asyncpg.connect(admin_dsn)

    try:
        for name in ("audit_log", *await partitions(pool)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await owner.execute(f"TRUNCATE {name}")
        for statement in ("UPDATE audit_log_p0 SET body = '{}'", "DELETE FROM audit_log_p0"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await owner.execute(statement)
    finally:
        await owner.close()
