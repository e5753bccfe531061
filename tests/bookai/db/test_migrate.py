"""Migrations: once, whole, in order, and never edited."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.keeping.schema import MigrationRefused, load
from bookai.db.migrate import migrate, pending
from bookai.db.pool import Pool, open_pool
from bookai.errors import OperatorNeeded
from bookai.house import migrations_dir

TABLES = {
    "agents", "tasks", "task_executions", "vps_servers", "audit_log", "approvals", "niches",
    "sources", "trends", "trend_predictions", "scripts", "videos", "video_jobs",
    "social_accounts", "social_posts", "affiliate_networks", "affiliate_products",
    "affiliate_links", "affiliate_clicks", "affiliate_conversions",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "sql"
    files.mkdir()
    for path in migrations_dir().glob("*.sql"):
        (files / path.name).write_bytes(path.read_bytes())
    return files


def add(folder: Path, name: str, sql: str) -> str:
    number = len(list(folder.glob("*.sql")))
    (folder / f"{number:03d}_{name}.sql").write_text(sql)
    return f"{number:03d}_{name}"


async def test_every_table_of_the_plan_is_there(pool: Pool) -> None:
    rows = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")

    assert TABLES - {row["tablename"] for row in rows} == set()


async def test_a_second_run_applies_nothing(admin_dsn: str, folder: Path) -> None:
    assert await migrate(admin_dsn, folder) == []


async def test_four_starters_at_once_apply_a_file_once(admin_dsn: str, folder: Path) -> None:
    title = add(folder, "more", "CREATE TABLE more (n int); INSERT INTO more VALUES (1);")

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(admin_dsn, folder)) for _ in range(4)]

    assert sorted(run.result() for run in runs) == [[], [], [], [title]]
    async with open_pool(admin_dsn, size=1) as owner:
        assert await owner.fetchval("SELECT count(*) FROM more") == 1


async def test_an_edited_file_is_refused_by_name(admin_dsn: str, folder: Path) -> None:
    with (folder / "000_studio.sql").open("a") as file:
        file.write("-- changed\n")

    with pytest.raises(MigrationRefused, match=r"000_studio\.sql was edited"):
        await migrate(admin_dsn, folder)


async def test_windows_line_ends_are_no_edit(admin_dsn: str, folder: Path) -> None:
    path = folder / "000_studio.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert await migrate(admin_dsn, folder) == []


async def test_a_database_newer_than_the_program_is_refused(admin_dsn: str, folder: Path) -> None:
    add(folder, "newer", "CREATE TABLE newer (n int);")
    await migrate(admin_dsn, folder)

    with pytest.raises(MigrationRefused, match="Install the newer release"):
        await migrate(admin_dsn, migrations_dir())


async def test_a_program_goes_on_with_a_newer_database_that_works_with_it(
    admin_dsn: str, dsn: str, folder: Path
) -> None:
    """A release is taken back without its data, as long as each newer file says that it may be."""
    newest = load(folder)[-1].version
    add(folder, "newer", f"-- bookai: works-with {newest:03d}\nCREATE TABLE newer (n int);")
    await migrate(admin_dsn, folder)

    assert await migrate(admin_dsn, migrations_dir()) == []

    too_old = f"-- bookai: works-with {newest + 1:03d}\nCREATE TABLE newest (n int);"
    add(folder, "newest", too_old)
    await migrate(admin_dsn, folder)
    with pytest.raises(MigrationRefused, match="Install the newer release"):
        await migrate(admin_dsn, migrations_dir())


async def test_what_would_be_applied_can_be_asked(admin_dsn: str, folder: Path) -> None:
    title = add(folder, "newer", "CREATE TABLE newer (n int);")

    before, after = await pending(admin_dsn, migrations_dir()), await pending(admin_dsn, folder)

    assert (before, after) == ([], [title])
    assert await migrate(admin_dsn, folder) == [title]  # asking changed nothing


async def test_a_ledger_of_before_learns_which_program_a_file_works_with(
    admin_dsn: str, folder: Path
) -> None:
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute("ALTER TABLE schema_migrations DROP COLUMN works_with")
    assert await pending(admin_dsn, folder) == []
    title = add(folder, "newer", "-- bookai: works-with 000\nCREATE TABLE newer (n int);")

    assert await migrate(admin_dsn, folder) == [title]


async def test_a_failing_file_leaves_nothing(admin_dsn: str, folder: Path) -> None:
    add(folder, "broken", "CREATE TABLE half (n int); SELECT 1 / 0;")

    with pytest.raises(MigrationRefused, match=r"_broken\.sql failed and left nothing"):
        await migrate(admin_dsn, folder)

    async with open_pool(admin_dsn, size=1) as owner:
        assert await owner.fetchval("SELECT to_regclass('half')") is None


def test_a_gap_in_the_numbers_is_refused(folder: Path) -> None:
    (folder / "000_studio.sql").unlink()

    with pytest.raises(MigrationRefused, match="without gaps"):
        load(folder)


async def test_the_application_owns_nothing(pool: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DROP TABLE video_jobs")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM audit_log")


@pytest.fixture
async def elsewhere() -> AsyncIterator[EmbeddedPostgres]:
    """A server of somebody else: none of our roles are there."""
    place = tempfile.mkdtemp(prefix="bkm-")
    os.chmod(place, 0o711)
    other = EmbeddedPostgres(Path(place, "pg"))
    await asyncio.to_thread(other.start)
    yield other
    await asyncio.to_thread(other.stop)
    shutil.rmtree(place, ignore_errors=True)


async def test_a_role_that_may_not_create_roles_can_still_bring_up_the_studio(
    elsewhere: EmbeddedPostgres, folder: Path
) -> None:
    async with open_pool(elsewhere.dsn(), size=1) as owner:
        await owner.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        await owner.execute("CREATE DATABASE hosted OWNER plain")
    host = elsewhere.dsn().rpartition("?")[2]
    plain = f"postgresql://plain:plain@/hosted?{host}"

    assert "000_studio" in await migrate(plain, folder)
    assert await migrate(plain, folder) == []

    async with open_pool(plain, size=1) as pool:
        await pool.execute("INSERT INTO niches (name) VALUES ('space')")
        assert await pool.fetchval("SELECT count(*) FROM niches") == 1


async def test_starters_at_once_bring_up_an_empty_database_with_its_libraries(
    server: EmbeddedPostgres, admin_dsn: str, folder: Path
) -> None:
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute("DROP SCHEMA public CASCADE")
        await owner.execute("CREATE SCHEMA public")

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(admin_dsn, folder)) for _ in range(3)]

    applied = [title for run in runs for title in run.result()]
    assert sorted(applied) == sorted(
        [*(m.title for m in load(folder)), "checkpoints", "procrastinate"]
    )


async def test_an_index_can_be_built_concurrently_while_others_wait(
    admin_dsn: str, folder: Path
) -> None:
    title = add(
        folder,
        "index",
        "-- bookai: no-transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_by_source ON video_jobs (source);",
    )

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(admin_dsn, folder)) for _ in range(3)]

    assert sorted(run.result() for run in runs) == [[], [], [title]]


async def test_a_role_without_rights_is_told_which_one_to_use(dsn: str, folder: Path) -> None:
    with pytest.raises(OperatorNeeded, match="Set BOOKAI_ADMIN_DSN to the database's owner"):
        await migrate(dsn, folder)


async def test_a_hole_in_the_databases_own_list_is_refused(admin_dsn: str, folder: Path) -> None:
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute("DELETE FROM schema_migrations WHERE version = 0")

    with pytest.raises(MigrationRefused, match="no 000"):
        await migrate(admin_dsn, folder)


async def test_a_password_is_only_ever_data(
    server: EmbeddedPostgres, admin_dsn: str, folder: Path
) -> None:
    role, password = "o'dd \"role", "a'; DROP TABLE niches; --\\ $x"
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute('CREATE ROLE "o\'dd ""role"')
        try:
            await migrate(admin_dsn, folder, {role: password})

            place = admin_dsn.rpartition("@")[2]
            odd = f"postgresql://{quote(role)}:{quote(password, safe='')}@{place}"
            async with open_pool(odd, size=1) as let_in:
                assert await let_in.fetchval("SELECT current_user") == role
        finally:
            await owner.execute('DROP ROLE "o\'dd ""role"')


async def test_the_application_may_use_the_queue_and_the_checkpoints(pool: Pool) -> None:
    tables = ("procrastinate_jobs", "procrastinate_workers", "checkpoints", "checkpoint_writes")
    rights = [
        await pool.fetchval("SELECT has_table_privilege($1, $2)", table, right)
        for table in tables
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
    ]

    assert all(rights)
    assert not await pool.fetchval("SELECT has_table_privilege('audit_log', 'UPDATE')")
