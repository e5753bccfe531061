"""Bring a backup back into an empty home, and prove that it is what was copied away.

A restored studio does not go on by itself: the one that was copied may have published since. See
`bookai.db.keeping.restored`.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import tomlkit

from bookai.db.embedded import embedded
from bookai.db.keeping import dump, restored
from bookai.db.migrate import migrate
from bookai.db.pool import connect, open_pool
from bookai.db.seal import verify
from bookai.db.seal.files import read_verifier
from bookai.errors import OperatorNeeded, Refused
from bookai.house import migrations_dir
from bookai.models import Record
from bookai.settings import Settings, read_settings
from studio.database import RESTORING, Database, notes_path, seal_audit
from studio.keeping import archive
from studio.keeping.disk import GIB

_ADDRESSES = ("dsn", "admin_dsn")


class Restored(Record):
    """What came back, and what was found when it was looked at.

    `films` are there with their hash, `absent` are not there, `changed` are of another hash: made
    anew while the backup was being made. `jobs_put_aside` were under way: the first studio may have
    published them since.
    """

    home: str
    made_at: datetime
    files: int
    rows: int
    events: int
    films: int
    absent: tuple[int, ...]
    changed: tuple[int, ...]
    posts_unknown: tuple[int, ...]
    questions_expired: tuple[int, ...]
    approvals_expired: tuple[int, ...]
    jobs_put_aside: tuple[int, ...]
    locked: tuple[str, ...]
    left_out: tuple[str, ...]
    taken_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Server:
    owner: str
    dsn: str
    passwords: Mapping[str, str] | None


async def check(path: Path) -> archive.Found:
    """Read a backup to its end and check every sum; nothing is written.

    Raises:
        Refused: it is no whole backup, or damaged.
    """
    stop = Event()
    try:
        return await asyncio.to_thread(archive.unpack, archive.newest(path), None, stop)
    finally:
        stop.set()


async def restore(path: Path, home: Path, by: str) -> Restored:
    """Restore a backup into a home that is empty or not there; it is paused when it is done.

    The database is the embedded one of that home, or the empty one that BOOKAI_DSN names. What
    fails leaves the home as it was; what is killed leaves one that no command opens. A database
    of BOOKAI_DSN in which a restore did not come to its end is opened by no command either.

    Raises:
        OperatorNeeded: the home or the database is not empty, or there is too little room.
        Refused: the backup is damaged, or what came back is not what was copied.
    """
    path = archive.newest(path)
    _begin(path, home)
    stop = Event()
    try:
        found = await asyncio.to_thread(archive.unpack, path, home, stop)
        taken_out = _without_addresses(home / "studio.toml")
        settings = _settings_of(home)
        async with _server(settings) as server:
            doubts = await _database(server, settings, found, by)
            (home / archive.DATABASE).unlink()
            report = await _prove(server, settings, found, doubts)
            await dump.finished(server.owner)
        (home / RESTORING).rmdir()
    except BaseException:
        stop.set()
        if (home / RESTORING).exists():
            await asyncio.to_thread(_empty, home)
        raise
    return report.model_copy(update={"taken_out": taken_out})


def _begin(path: Path, home: Path) -> None:
    _check_empty(home)
    _check_room(path, home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / RESTORING).mkdir(mode=0o700)


def _check_empty(home: Path) -> None:
    if (home / RESTORING).exists():
        raise OperatorNeeded(
            f"a restore into {home} was broken off.", mend=f"Remove that folder: rm -r {home}"
        )
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise OperatorNeeded(
            f"{home} is not empty: a backup is never restored over a studio.",
            mend="Name a folder that does not exist yet: --into FOLDER",
        )


def _check_room(path: Path, home: Path) -> None:
    above = next(one for one in (home, *home.parents) if one.exists())
    needed, free = path.stat().st_size * 2, shutil.disk_usage(above).free
    if free < needed:
        raise OperatorNeeded(
            f"the backup needs about {needed / GIB:.1f} GiB, and {above} has {free / GIB:.1f} GiB.",
            mend="Free some space, or choose another place: --into FOLDER",
        )


def _without_addresses(toml: Path) -> tuple[str, ...]:
    """Take the database's address out of the settings: it is that of the other studio."""
    if not toml.is_file():
        return ()
    document = tomlkit.parse(toml.read_text(encoding="utf-8"))
    taken = tuple(name for name in _ADDRESSES if name in document)
    for name in taken:
        del document[name]
    if taken:
        toml.write_text(tomlkit.dumps(document), encoding="utf-8")
    return taken


def _settings_of(home: Path) -> Settings:
    return read_settings({**os.environ, "BOOKAI_HOME": str(home)})


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[_Server]:
    if settings.dsn:
        yield _Server(settings.admin_dsn or settings.dsn, settings.dsn, None)
        return
    async with embedded(settings.postgres_dir) as server:
        yield _Server(server.dsn(), server.app_dsn(), server.role_passwords())


async def _database(
    server: _Server, settings: Settings, found: archive.Found, by: str
) -> restored.Doubts:
    facts = found.facts
    dumped = settings.home / archive.DATABASE
    await dump.bring_back(server.owner, dumped, int(facts["postgres"]))
    await _check_counts(server.owner, facts["counts"])
    await migrate(server.owner, migrations_dir(), server.passwords, restoring=True)
    copy = restored.Copy(
        made_at=datetime.fromisoformat(facts["made_at"]),
        host=str(facts["host"]),
        digest=found.digest,
        old_work=str(facts["work"]),
        new_work=str(settings.work_dir.resolve()),
    )
    async with open_pool(server.owner, size=1) as pool, pool.acquire() as con, con.transaction():
        return await restored.doubt(con, copy, by)


async def _check_counts(dsn: str, said: Mapping[str, Any]) -> None:
    con = await connect(dsn, statement_cache_size=0)
    try:
        there = await dump.count_rows(con)
    finally:
        await con.close()
    wrong = sorted(name for name in there.keys() | said if there.get(name) != said.get(name))
    if wrong:
        name = wrong[0]
        raise Refused(
            f"what came back is not what was copied: {name} has {there.get(name)} rows, "
            f"the backup says {said.get(name)}."
        )


async def _prove(
    server: _Server, settings: Settings, found: archive.Found, doubts: restored.Doubts
) -> Restored:
    """Seal what the restore wrote, verify the log from its first event, and hash every film."""
    async with open_pool(server.dsn) as pool:
        await seal_audit(Database(pool, server.dsn, None, ()), settings)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        report = await verify.verify(pool, verifier, notes_path(settings))
        async with pool.acquire() as con:
            videos = await restored.list_videos(con)
    if not report.ok:
        raise Refused(f"the restored audit log does not verify: {report.problems[0]}")
    hashes = await asyncio.to_thread(_hashes, videos)
    return Restored(
        home=str(settings.home),
        made_at=datetime.fromisoformat(found.facts["made_at"]),
        files=len(found.facts["files"]),
        rows=sum(found.facts["counts"].values()),
        events=report.events,
        films=sum(hashes[job_id] == sha256 for job_id, _, sha256 in videos),
        absent=tuple(job_id for job_id, _, _ in videos if hashes[job_id] is None),
        changed=tuple(
            job_id for job_id, _, sha256 in videos if hashes[job_id] not in (None, sha256)
        ),
        posts_unknown=doubts.posts,
        questions_expired=doubts.asked,
        approvals_expired=doubts.approved,
        jobs_put_aside=doubts.put_aside,
        locked=doubts.channels,
        left_out=tuple(found.facts["left_out"]),
        taken_out=(),
    )


def _hashes(videos: tuple[tuple[int, str, str], ...]) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    for job_id, path, _ in videos:
        try:
            with Path(path).open("rb") as file:
                found[job_id] = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            found[job_id] = None
    return found


def _empty(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
