"""A studio that already decided things goes on after the migration."""

from pathlib import Path
from uuid import uuid4

import pytest

from bookai.db import approvals, audit, outbox
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.errors import Refused
from bookai.house import migrations_dir
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, POST, TTL
from tests.conftest import execute, on_database

INSERT_OLD = """
INSERT INTO approvals (job_id, state, digest, post, video_path, requested_at, expires_at,
                       decided_by, decided_at, note)
VALUES ($1, $2, $3, $4::text::jsonb, '/v.mp4', $5, $6, $7, $8, $9)
RETURNING approval_id
"""
INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
VALUES ('a.md', 'news', 'operator:bob', 'waiting', 'approval', '{}')
RETURNING job_id
"""


async def test_decisions_of_before_count_as_one_persons_word(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    for path in sorted(migrations_dir().glob("00[0-4]_*.sql")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name}")
    try:
        owner, app = on_database(server.dsn(), name), on_database(server.app_dsn(), name)
        await migrate(owner, tmp_path, server.role_passwords())
        async with open_pool(owner, size=1) as pool:
            ids = []
            for state, by in (("approved", ANN), ("rejected", ANN), ("pending", None)):
                job_id = await pool.fetchval(INSERT_JOB)
                at, note = (NOW, "so it is") if by else (None, None)
                values = (POST.digest(), POST.model_dump_json(), NOW, NOW + TTL, by, at, note)
                ids.append(await pool.fetchval(INSERT_OLD, job_id, state, *values))
        await migrate(owner, migrations_dir(), server.role_passwords())

        async with open_pool(app, size=1) as pool:
            approved, rejected, pending = [await approvals.get(pool, one) for one in ids]
            assert [(v.by, v.approve) for v in approved.votes] == [(ANN, True)]
            assert [(v.by, v.approve) for v in rejected.votes] == [(ANN, False)]
            assert (pending.votes, pending.needed, pending.channel) == ((), 1, "news")
            assert pending.requested_by == BOB
            await approvals.check(pool, approved.job_id, POST.digest(), NOW)
            with pytest.raises(Refused, match="was rejected by operator:ann"):
                await approvals.decide(pool, rejected.approval_id, True, "", BOB, NOW)
            done = await approvals.decide(pool, pending.approval_id, True, "", BOB, NOW)
            assert done.state == "approved"
            claim = await outbox.arm(pool, approved.job_id, POST)
            assert claim.state == "armed"
            assert await audit.erase(pool, ANN, "operator:eve", "asked") == 4
            for one in ids[:2]:
                old = await approvals.get(pool, one)
                assert (old.note, old.votes[0].reason) == ("(erased)", "(erased)")
    finally:
        execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")
