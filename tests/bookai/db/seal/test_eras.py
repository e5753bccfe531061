"""A log that was restored into another cluster, where transaction ids begin low again."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.pg.binaries import find_binaries
from bookai.db.pool import Pool, open_pool
from bookai.db.seal.exported import read_notes
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import read_note
from bookai.db.seal.prove import prove
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import VerifyReport, verify

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))


async def check(pool: asyncpg.Pool, notes: Path | None) -> VerifyReport:
    return await verify(pool, KEYS.verifier, notes)


async def fill(pool: asyncpg.Pool, count: int) -> list[int]:
    return await audit.append_many(
        pool, [audit.NewEvent("tick", "studio", {"n": n}) for n in range(count)]
    )


@pytest.fixture
async def elsewhere(server: EmbeddedPostgres) -> AsyncIterator[EmbeddedPostgres]:
    """Another server of the same version, hardly used: its transaction ids are low."""
    place = tempfile.mkdtemp(prefix="bke-")
    os.chmod(place, 0o711)
    other = EmbeddedPostgres(Path(place, "pg"))
    await asyncio.to_thread(other.start)
    yield other
    await asyncio.to_thread(other.stop)
    shutil.rmtree(place, ignore_errors=True)


async def dump(dsn: str, into: Path) -> None:
    """Dump a database with pg_dump, as an operator would."""
    programs = find_binaries(None).folder
    if not (programs / "pg_dump").exists():
        pytest.skip("this PostgreSQL comes without pg_dump")
    await _run(programs / "pg_dump", dsn, "-f", into)


async def _run(*command: object) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(50):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def restore(dump_file: Path, other: EmbeddedPostgres) -> str:
    async with open_pool(other.dsn(), size=1) as owner:
        for role in ("bookai_app", "bookai_sealer"):
            await owner.execute(f"CREATE ROLE {role} LOGIN")
        await owner.execute("GRANT bookai_sealer TO bookai_app")
        await owner.execute("ALTER ROLE bookai_app NOINHERIT")
        await owner.execute("CREATE DATABASE restored")
    dsn = urlsplit(other.dsn())._replace(path="/restored").geturl()
    programs = find_binaries(None).folder
    await _run(programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", dump_file)
    return dsn


async def test_a_dump_restored_into_another_cluster_begins_an_era(
    pool: asyncpg.Pool,
    attacker: asyncpg.Connection,
    admin_dsn: str,
    elsewhere: EmbeddedPostgres,
    notes: Path,
    tmp_path: Path,
) -> None:
    await fill(pool, 50)
    assert await seal(pool, KEYS, notes) == 50
    await attacker.execute("UPDATE audit_log SET xid = (xid::text::bigint + 1000000)::text::xid8")
    leftovers = await fill(pool, 7)
    await attacker.execute(
        "UPDATE audit_log SET xid = (xid::text::bigint + 1000000)::text::xid8 WHERE id >= $1",
        leftovers[0],
    )
    await dump(admin_dsn, tmp_path / "dump.sql")

    dsn = await restore(tmp_path / "dump.sql", elsewhere)

    async with open_pool(dsn, size=4) as restored:
        assert (await check(restored, notes)).ok
        new = await fill(restored, 30)
        # 7 leftovers, 30 new ones and the event that tells of the era.
        assert await seal(restored, KEYS, notes) == 38
        report = await check(restored, notes)
        assert report == VerifyReport(
            ok=True, events=88, sealed=88, unsealed=0, checkpoints=report.checkpoints,
            problems=(), eras=2,
        )  # fmt: skip
        (event,) = await audit.search(restored, kind="audit.era")
        assert event.body == '{"era":2,"sealed_before":50}'
        assert new[0] == leftovers[-1] + 1
        eras = [read_note(note).era for note in read_notes(notes)]
        assert eras == sorted(eras)
        assert set(eras) == {1, 2}
        await _goes_on_over_the_border(restored, notes, event.event_id)


async def _goes_on_over_the_border(restored: Pool, notes: Path, told: int) -> None:
    more = await fill(restored, 5)
    assert await seal(restored, KEYS, notes) == 5
    assert await seal(restored, KEYS, notes) == 0
    assert len(await prove(restored, [1, told, more[-1]])) == 3
    assert (await check(restored, notes)).ok
    async with restored.acquire() as attacker:
        await attacker.execute("SET session_replication_role = replica")
        await attacker.execute("UPDATE audit_log SET body = '{}' WHERE id = 3")
        assert (await check(restored, notes)).first_bad == "event 3 was changed after it was sealed"


async def test_another_database_of_the_same_cluster_is_the_same_era(
    pool: asyncpg.Pool, notes: Path
) -> None:
    for _ in range(3):
        await fill(pool, 4)
        await seal(pool, KEYS, notes)

    assert (await check(pool, notes)).eras == 1
    assert await audit.search(pool, kind="audit.era") == ()
