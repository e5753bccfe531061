"""An older studio's posts live on: those that are out stay out, those half sent are unknown."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from bookai.db import outbox
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.errors import Refused
from bookai.house import migrations_dir
from tests.conftest import on_database
from tests.peers.posting import POST

OLD = ("000", "001", "002", "003", "004", "005")
INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
VALUES ('a.md', 'default', 'operator:ann', 'queued', 'queued', '{}')
RETURNING job_id
"""
INSERT_POST = """
INSERT INTO social_posts (job_id, platform, account, title, digest, state, external_id, url,
                          published_at)
VALUES ($1, 'gallery', 'local', 't', $2, $3,
        CASE WHEN $3 = 'posted' THEN 'v1' END, CASE WHEN $3 = 'posted' THEN 'u' END,
        CASE WHEN $3 = 'posted' THEN now() END)
RETURNING post_id
"""


@pytest.fixture
async def old(server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """A database as it was before the outbox had leases, and the folder it came from."""
    folder = tmp_path / "sql"
    folder.mkdir()
    for path in migrations_dir().glob("*.sql"):
        if path.name.startswith(OLD):
            (folder / path.name).write_bytes(path.read_bytes())
    name = f"t_{uuid4().hex[:12]}"
    owner = await asyncpg.connect(server.dsn())
    await owner.execute(f"CREATE DATABASE {name}")
    dsn = on_database(server.dsn(), name)
    await migrate(dsn, folder)
    yield dsn, folder
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


async def test_posts_of_an_older_studio_are_taken_over(old: tuple[str, Path]) -> None:
    dsn, folder = old
    con = await asyncpg.connect(dsn)
    await con.execute("INSERT INTO social_accounts VALUES ('gallery', 'local')")
    posts = {}
    for state in ("armed", "sending", "posted", "unknown", "failed"):
        job_id = await con.fetchval(INSERT_JOB)
        posts[state] = (job_id, await con.fetchval(INSERT_POST, job_id, POST.digest(), state))

    await migrate(dsn, migrations_dir())

    answers = {}
    for state, (job_id, _) in posts.items():
        answers[state] = (await outbox.arm(con, job_id, POST)).state
    assert answers == {
        "armed": "armed",
        "sending": "unknown",
        "posted": "posted",
        "unknown": "unknown",
        "failed": "armed",
    }
    job_id, post_id = posts["sending"]
    assert (await outbox.mark_posted(con, post_id, "v2", "u2")).external_id == "v2"
    with pytest.raises(Refused, match="never sent"):
        await outbox.mark_posted(con, posts["armed"][1], "v3", "u3")
    await con.close()
    assert folder.is_dir()
