"""A log that was written before there were partitions goes on with its rows, ids and order."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.db.seal.files import SealKeys
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import verify
from bookai.house import migrations_dir
from tests.conftest import execute, on_database

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@pytest.fixture
async def bare(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The name of a database with nothing in it."""
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name}")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_old_table_becomes_the_first_partition(
    server: EmbeddedPostgres, bare: str, tmp_path: Path, notes: Path
) -> None:
    early = tmp_path / "early"
    early.mkdir()
    for path in sorted(migrations_dir().glob("00[012]_*.sql")):
        shutil.copyfile(path, early / path.name)
    admin, app = on_database(server.dsn(), bare), on_database(server.app_dsn(), bare)
    await migrate(admin, early)
    old = await asyncpg.connect(app)
    for number in range(5):
        await old.execute(
            "INSERT INTO audit_log (kind, actor, job_id, body) VALUES ('old', 'studio', $1, '{}')",
            number,
        )
    await old.close()

    await migrate(admin, migrations_dir())

    async with open_pool(app, size=4) as pool:
        assert await audit.append(pool, "new", "studio", {}) == 6
        found = await audit.search(pool, after_id=0)
        assert [event.kind for event in found] == ["old"] * 5 + ["new"]
        assert [event.job_id for event in found] == [0, 1, 2, 3, 4, None]
        assert await seal(pool, KEYS, notes) == 6
        report = await verify(pool, KEYS.verifier, notes)
        assert (report.ok, report.sealed) == (True, 6)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("SELECT * FROM audit_log_p0")


async def test_a_log_sealed_before_there_were_eras_is_sealed_on_in_its_first(
    pool: asyncpg.Pool, attacker: asyncpg.Connection, notes: Path
) -> None:
    await audit.append(pool, "old", "studio", {})
    await seal(pool, KEYS, notes)
    await attacker.execute("UPDATE audit_checkpoint SET cluster = NULL")
    await audit.append(pool, "new", "studio", {})

    assert await seal(pool, KEYS, notes) == 1

    report = await verify(pool, KEYS.verifier, notes)
    assert (report.ok, report.eras, report.sealed) == (True, 1, 2)
