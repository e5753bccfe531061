"""The studio's processes are known while they live, and its numbers are those of its rows."""

from datetime import datetime
from typing import Any

from bookai.db import control, loop, processes
from bookai.db.pool import Pool
from bookai.db.processes import Watched
from tests.conftest import execute

URLS = ("https://a.example/feed", "https://b.example/feed", "https://c.example/feed")


async def test_a_process_is_known_while_it_is_heard_of(pool: Pool, admin_dsn: str) -> None:
    await processes.beat(pool, "one", "loop", "here", 9464)
    await processes.beat(pool, "two", "mcp", "here", None)
    execute(admin_dsn, "UPDATE processes SET seen_at = now() - interval '61 s' WHERE name = 'one'")

    assert [one.name for one in await processes.list_(pool)] == ["two"]


async def test_one_that_was_frozen_registers_anew_and_one_that_ends_is_gone(pool: Pool) -> None:
    await processes.beat(pool, "one", "loop", "here", 9464)
    await processes.forget(pool, "one")
    assert await processes.list_(pool) == ()

    alive = await processes.beat(pool, "one", "loop", "here", 9465)

    assert [(one.name, one.kind, one.host, one.metrics_port) for one in alive] == [
        ("one", "loop", "here", 9465)
    ]


async def test_the_silent_are_removed_by_whoever_lives(pool: Pool, admin_dsn: str) -> None:
    await processes.beat(pool, "dead", "worker", "there", 9464)
    execute(admin_dsn, "UPDATE processes SET seen_at = now() - interval '2 minutes'")

    await processes.beat(pool, "alive", "worker", "here", 9464)

    assert await pool.fetchval("SELECT count(*) FROM processes") == 1


async def test_one_that_listens_where_another_did_takes_its_place(pool: Pool) -> None:
    await processes.beat(pool, "killed", "worker", "here", 9465)
    await processes.beat(pool, "elsewhere", "worker", "there", 9465)

    alive = await processes.beat(pool, "follower", "loop", "here", 9465)

    assert [one.name for one in alive] == ["follower", "elsewhere"]


async def test_a_studio_at_rest_has_nothing_open(pool: Pool) -> None:
    found = await processes.look(pool, [], "studio.backed_up")

    assert (found.approvals, found.approval_s, found.posts, found.unknown_s) == (0, 0, {}, 0)
    assert (found.overdue_s, found.backup_at, found.disk_paused) == (0, 0, False)
    assert found.processes == {"loop": 0, "mcp": 0, "worker": 0}
    assert found.sources == {"fresh": 0, "new": 0, "silent": 0}
    assert 0 < found.connections <= found.room
    assert found.bytes > 1_000_000


async def test_a_source_is_silent_after_three_times_its_distance(
    pool: Pool, admin_dsn: str
) -> None:
    execute(
        admin_dsn,
        "INSERT INTO sources (url, last_read_at, created_at) VALUES "
        "('https://a.example/feed', now() - interval '29 min', now() - interval '1 day'), "
        "('https://b.example/feed', now() - interval '31 min', now() - interval '1 day')",
    )
    watched = [Watched(url, 600) for url in URLS]

    assert (await processes.look(pool, watched, "studio.backed_up")).sources == {
        "fresh": 1,
        "new": 1,
        "silent": 1,
    }


async def test_a_source_that_was_never_read_is_new_and_then_silent(
    pool: Pool, admin_dsn: str
) -> None:
    execute(
        admin_dsn,
        "INSERT INTO sources (url, created_at) "
        "VALUES ('https://a.example/feed', now() - interval '1 hour')",
    )

    found = await processes.look(pool, [Watched(URLS[0], 600)], "studio.backed_up")

    assert found.sources["silent"] == 1


async def test_pauses_are_counted_and_the_disks_own_is_told_apart(pool: Pool) -> None:
    await control.pause(pool, "news", "a break", "operator:ann")
    await control.pause(pool, "", "0.4 GiB are left", processes.DISK)

    found = await processes.look(pool, [], "studio.backed_up")

    assert (found.studio_pauses, found.channel_pauses, found.disk_paused) == (1, 1, True)
    assert (await processes.stand(pool)).disk_is_full is True


async def test_a_slot_that_nobody_begins_is_overdue(pool: Pool, admin_dsn: str) -> None:
    execute(
        admin_dsn,
        "INSERT INTO loop_schedules (name, scope, every_s, since, next_slot) "
        "VALUES ('outbox', '', 60, now() - interval '1 h', now() - interval '100 s')",
    )

    found = await processes.look(pool, [], "studio.backed_up")

    assert 100 <= found.overdue_s < 160


async def test_the_last_backup_is_found(pool: Pool) -> None:
    at: datetime = await pool.fetchval(
        "INSERT INTO audit_log (kind, actor, body) "
        "VALUES ('studio.backed_up', 'operator:ann', '{}') RETURNING at"
    )

    found = await processes.look(pool, [], "studio.backed_up")

    assert found.backup_at == at.timestamp()


async def test_the_leader_is_known_by_the_rows_that_the_loop_keeps(pool: Pool, dsn: str) -> None:
    before: Any = (await processes.stand(pool)).leader
    async with loop.lead(dsn, pool, "host:1"):
        assert (before, (await processes.stand(pool)).leader) == (None, "host:1")
