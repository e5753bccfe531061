"""The disk guard: making videos stops before the disk is full, and goes on when there is room.

A Postgres without room stops, and with it everything. So the loop looks every half a minute, and
pauses the studio as `studio:disk` in good time; what is ready may still be published. An operator's
pause is never touched, and takes the place of this one.
"""

import asyncio
import logging
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bookai.db import control
from bookai.db.pg.home import NOTE
from bookai.settings import Settings
from studio.engine import LOCK_PREFIX
from studio.office import Office

logger = logging.getLogger(__name__)

GIB = 1024**3


def free_bytes(settings: Settings) -> int:
    """Return how much room is left where there is least: in the home, or where the database lies.

    Bytes that the studio's own user may still fill. Blocks for as long as the file system does.
    """
    return min(shutil.disk_usage(place).free for place in _places(settings))


def _places(settings: Settings) -> list[Path]:
    places = [settings.home]
    if not settings.dsn:
        with suppress(OSError, UnicodeDecodeError):
            note = (settings.postgres_dir / NOTE).read_text(encoding="utf-8")
            places.append(Path(note.strip()))
    return [place for place in places if place.is_dir()] or [Path("/")]


async def guard_disk(office: Office, _at: datetime) -> str:
    """Pause making under `disk.pause_gib`, end that pause over `disk.go_gib`; say how it stands."""
    limits = office.settings.disk
    free = await asyncio.to_thread(free_bytes, office.settings)
    found = f"{free / GIB:.1f} GiB free"
    async with office.database.pool.acquire() as con, con.transaction():
        pauses = {one.scope: one for one in await control.list_pauses(con)}
        there = pauses.get(control.EVERYTHING)
        ours = there is not None and there.paused_by == control.DISK
        if there is None and free < limits.pause_gib * GIB:
            reason = (
                f"only {found}, less than disk.pause_gib = {limits.pause_gib:g}. "
                f"Free some space; it goes on by itself over {_go_gib(office):g} GiB"
            )
            if await control.pause(con, control.EVERYTHING, reason, control.DISK):
                logger.error("Paused: %s", reason, extra={"action": "disk_paused"})
                return f"paused: {found}"
        elif ours and free > _go_gib(office) * GIB:
            await control.resume(
                con, control.EVERYTHING, found, control.DISK, LOCK_PREFIX, only_of=control.DISK
            )
            logger.warning("Goes on: %s", found, extra={"action": "disk_resumed"})
            return f"goes on: {found}"
    return f"{found}; paused until {_go_gib(office):g} GiB are" if ours else found


def _go_gib(office: Office) -> float:
    """Return the upper limit; never under the lower one, or it would pause and go on in turn."""
    limits = office.settings.disk
    return max(limits.go_gib, limits.pause_gib)
