"""An older studio's executions live on: their columns are there, and old failures are readable."""

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from bookai.db import memory
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.memory import Memory
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.house import migrations_dir
from tests.conftest import on_database

INSERT_OLD = """
WITH j AS (INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
           VALUES ('a.md', 'default', 'operator:ann', 'queued', 'queued', '{}') RETURNING job_id),
     a AS (INSERT INTO agents (name, capabilities) VALUES ('writer', '{write}') RETURNING name),
     t AS (INSERT INTO tasks (job_id, capability, status)
           SELECT job_id, 'write', 'open' FROM j RETURNING task_id)
INSERT INTO task_executions (task_id, agent, outcome, error, seconds, finished_at)
SELECT task_id, name, outcome, 'no ink', 3, now()
  FROM t, a, unnest(ARRAY['failed', 'timeout', 'ok']) AS o (outcome)
"""


async def test_what_ended_before_the_router_remembered_still_counts(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    name, folder = f"t_{uuid4().hex[:12]}", tmp_path / "sql"
    folder.mkdir()
    for path in migrations_dir().glob("00[0-7]_*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    owner = await asyncpg.connect(server.dsn())
    try:
        await owner.execute(f"CREATE DATABASE {name}")
        dsn = on_database(server.dsn(), name)
        await migrate(dsn, folder)
        old = await asyncpg.connect(dsn)
        await old.execute(INSERT_OLD)
        await old.close()

        await migrate(dsn, migrations_dir())

        app = on_database(server.app_dsn(), name)
        async with open_pool(app, size=1) as pool:
            past = await Memory(app, pool, "new").recall()
    finally:
        await owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await owner.close()
    assert sorted(one.outcome for one in past) == ["ok", "quality", "timeout"]


async def test_only_a_failure_has_a_fault(pool: asyncpg.Pool, job_id: int) -> None:
    await memory.beat(pool, "a", [memory.Beat("writer", ("write",), "local", 1, 0, "closed")])
    task_id = await pool.fetchval(
        "INSERT INTO tasks (job_id, capability, status) VALUES ($1, 'write', 'open')"
        " RETURNING task_id",
        job_id,
    )

    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "INSERT INTO task_executions (task_id, agent, outcome, fault)"
            " VALUES ($1, 'writer', 'ok', 'infra')",
            task_id,
        )
