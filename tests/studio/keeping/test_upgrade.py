"""New code on the database of the release before: it migrates, and everything goes on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from bookai.db import approvals, audit, control, jobs, outbox
from bookai.db.approvals.asking import kept
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.keeping.schema import load
from bookai.db.migrate import migrate
from bookai.db.seal import verify
from bookai.db.seal.files import read_verifier
from bookai.house import migrations_dir
from bookai.settings import Settings
from studio.database import notes_path, seal_audit
from studio.keeping.disk import guard_disk
from studio.keeping.prune import prune
from studio.office import open_office
from tests.conftest import execute, on_database
from tests.peers.posting import POST

LAST_RELEASE = 15
BY = "operator:ann"
NOW = datetime.now(UTC)
INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
VALUES ('a.md', 'default', 'operator:ann', $1, 'approval', '{"job_id": 1}')
RETURNING job_id
"""
INSERT_APPROVAL = """
INSERT INTO approvals (job_id, channel, requested_by, digest, post, video_path, requested_at,
                       expires_at, needed, approvers, own_jobs)
VALUES ($1, 'default', 'operator:bob', $2, $3::text::jsonb, '/v.mp4', $4, $5, 1, '{}', true)
RETURNING approval_id
"""
INSERT_EVENT = (
    "INSERT INTO audit_log (kind, actor, body) VALUES ('job.created', 'operator:ann', '{}')"
)
INSERT_PAUSE = "INSERT INTO pauses (scope, reason, paused_by) VALUES ('', 'away', 'operator:ann')"


@pytest.fixture
def old(server: EmbeddedPostgres) -> Iterator[str]:
    """The name of an empty database."""
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name}")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


def _copy_migrations(folder: Path) -> None:
    folder.mkdir()
    for path in migrations_dir().glob("*.sql"):
        if int(path.name[:3]) <= LAST_RELEASE:
            (folder / path.name).write_bytes(path.read_bytes())


async def as_of_the_last_release(server: EmbeddedPostgres, name: str, folder: Path) -> int:
    """Make the database as that release left it, with a job that waits; return its approval."""
    _copy_migrations(folder)
    owner = on_database(server.dsn(), name)
    await migrate(owner, folder, server.role_passwords())
    con = await asyncpg.connect(on_database(server.app_dsn(), name))
    try:
        job_id = await con.fetchval(INSERT_JOB, "waiting")
        text, digest = kept(POST, "/v.mp4")
        ends = NOW + timedelta(days=1)
        number: int = await con.fetchval(INSERT_APPROVAL, job_id, digest, text, NOW, ends)
        await con.execute(INSERT_EVENT)
        await con.execute(INSERT_PAUSE)
    finally:
        await con.close()
    # That release knew nothing of this column.
    execute(owner, "ALTER TABLE schema_migrations DROP COLUMN works_with")
    return number


async def test_a_studio_of_the_last_release_goes_on(
    server: EmbeddedPostgres, old: str, tmp_path: Path, settings: Settings
) -> None:
    number = await as_of_the_last_release(server, old, tmp_path / "sql")
    of_old = {
        "dsn": on_database(server.app_dsn(), old),
        "admin_dsn": on_database(server.dsn(), old),
    }
    settings = settings.model_copy(update=of_old)

    async with open_office(settings) as office:
        pool = office.database.pool
        applied = len(office.database.applied)
        waiting = await approvals.get(pool, number)
        await approvals.decide(pool, number, True, "", BY, NOW)
        claim = await outbox.arm(pool, waiting.job_id, POST)
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, "host:1")
        (pause,) = await control.list_pauses(pool)
        said = await prune(office, NOW), await guard_disk(office, NOW)
        await seal_audit(office.database, settings)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        report = await verify.verify(pool, verifier, notes_path(settings))

        assert applied == load(migrations_dir())[-1].version - LAST_RELEASE
        assert (waiting.state, pause.paused_by) == ("pending", BY)
        assert said[0] == "removed: nothing"
        assert (await jobs.get(pool, waiting.job_id)).status == "waiting"
        assert (report.ok, report.unsealed) == (True, 0)
        assert [one.actor for one in await audit.search(pool, kind="job.created")] == [BY]
