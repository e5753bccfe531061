"""Copy the studio away while it goes on: one file, whole or not there at all.

The audit log's exported notes are read before the database: notes that the database does not know
would look like a log that was cut off. The database is as of one moment; the media are looked for
and copied after it, so that a film which it knows is there, and one that was made anew in between
is told from the other by its hash.
"""

import asyncio
import platform
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from bookai.db import audit
from bookai.db.keeping import dump
from bookai.db.pool import connect
from bookai.errors import OperatorNeeded
from bookai.house import VERSION
from bookai.models import Record
from bookai.settings import Settings
from studio.database import owner_dsn
from studio.keeping import archive, home
from studio.keeping.disk import GIB

KIND = "studio.backed_up"
SPARE_BYTES = 256 * 1024**2
_WHOSE = ("host", "work")
"""What in a manifest says whose backup it is: the machine, and the folder of the films there."""


class Backup(Record):
    """A backup that was made; `left_out` names what is not in it."""

    path: str
    size_bytes: int
    files: int
    rows: int
    seconds: float
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Where a backup goes, whether it has the films, how many are kept there (None: all), whose."""

    into: Path
    with_media: bool
    keep: int | None
    by: str


async def back_up(settings: Settings, order: Order) -> Backup:
    """Write one archive into a folder; the studio may run meanwhile.

    Raises:
        OperatorNeeded: there is no studio, too little room, no `pg_dump`, Postgres does not
            answer, or the folder is the studio's home.
        TryLater: a file changed while it was copied.
    """
    began = datetime.now(UTC)
    if not (settings.dsn or settings.postgres_dir.is_dir()):
        raise OperatorNeeded(
            f"there is no studio in {settings.home}.", mend="Set BOOKAI_HOME to its folder."
        )
    if order.into.resolve() == settings.home.resolve():
        raise OperatorNeeded(
            f"{order.into} is the studio's home: a backup does not go among its files.",
            mend="Choose a folder on another disk: bookai backup --to FOLDER",
        )
    order.into.mkdir(mode=0o700, parents=True, exist_ok=True)
    stop = Event()
    try:
        # Nothing is migrated: a backup comes before an upgrade.
        async with owner_dsn(settings) as dsn:
            return await _write(settings, order, dsn, began, stop)
    finally:
        stop.set()  # a thread that still copies for a cancelled command ends


async def _write(
    settings: Settings, order: Order, dsn: str, began: datetime, stop: Event
) -> Backup:
    choose = partial(home.choose, settings, order.into, with_media=order.with_media)
    chosen = await asyncio.to_thread(choose)
    path = order.into / f"bookai-{began:%Y%m%dT%H%M%SZ}.tar"
    with archive.new_archive(order.into, path.name, stop) as writer:
        await asyncio.to_thread(_add, writer, settings.home, chosen.small)
        async with dump.one_moment(dsn) as moment:
            _check_room(order.into, moment.size_bytes + chosen.media_bytes)
            # Without a name: a killed backup leaves nothing of it.
            with tempfile.TemporaryFile(dir=order.into) as file:
                await dump.dump(dsn, moment, file)
                file.seek(0)
                await asyncio.to_thread(writer.add, archive.DATABASE, file)
        # Looked for again: what was finished before the moment, and after the first look.
        chosen = await asyncio.to_thread(choose)
        await asyncio.to_thread(_add, writer, settings.home, chosen.media)
        facts = {
            "studio": VERSION,
            "schema": moment.schema,
            "postgres": moment.major,
            "made_at": began.isoformat(),
            "host": platform.node() or "?",
            "work": str(settings.work_dir.resolve()),
            "with_media": order.with_media,
            "counts": dict(moment.counts),
            "left_out": chosen.left_out,
        }
        digest = writer.close(facts)
    made = Backup(
        path=str(path),
        size_bytes=path.stat().st_size,
        files=len(writer.files),
        rows=sum(moment.counts.values()),
        seconds=round((datetime.now(UTC) - began).total_seconds(), 1),
        left_out=tuple(chosen.left_out),
    )
    older = await asyncio.to_thread(_older, path, facts, order.keep) if order.keep else []
    await _note(dsn, made, digest, order, older)
    return made


def _older(path: Path, facts: Mapping[str, Any], keep: int) -> list[Path]:
    """Return what is more than `keep` of this studio's, the one just made being the newest."""
    ours = []
    for other in sorted(path.parent.glob("bookai-*.tar")):
        said = archive.said_of(other) if other.name != path.name else None
        if said and all(said.get(name) == facts[name] for name in _WHOSE):
            ours.append(other)
    return ours[: max(len(ours) - (keep - 1), 0)]


def _add(writer: archive.Writer, root: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError), path.open("rb") as source:
            writer.add(f"{archive.HOME}{path.relative_to(root).as_posix()}", source)


def _check_room(into: Path, needed: int) -> None:
    free = shutil.disk_usage(into).free
    if free < needed + SPARE_BYTES:
        raise OperatorNeeded(
            f"the backup may need {needed / GIB:.1f} GiB; {into} has {free / GIB:.1f} GiB free.",
            mend="Choose another place: bookai backup --to FOLDER, or leave out the films: "
            "--no-media",
        )


async def _note(dsn: str, made: Backup, digest: str, order: Order, older: Sequence[Path]) -> None:
    """Write down that there is a backup, and remove older ones."""
    body = {
        "file": Path(made.path).name,
        "manifest": digest,
        "bytes": made.size_bytes,
        "with_media": order.with_media,
        "removed": [path.name for path in older],
    }
    con = await connect(dsn, statement_cache_size=0)
    try:
        await audit.append(con, KIND, order.by, body)
    finally:
        await con.close()
    for path in older:
        path.unlink(missing_ok=True)
