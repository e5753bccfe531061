"""The lines of `bookai doctor` about running unattended: room, copies, loop, clocks, units."""

import json
import os
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bookai.db import loop
from bookai.db.keeping import looking
from bookai.db.loop.leader import SILENT_S
from bookai.errors import BookAIError
from bookai.settings import Settings
from studio.keeping.backup import KIND
from studio.keeping.disk import GIB, free_bytes
from studio.office import Office, open_office
from tools.base import CheckRow

Level = Literal["ok", "note", "fail"]
Line = tuple[Level, str]

BACKUP_AGE = timedelta(days=8)
STUCK = timedelta(minutes=10)
LATE_S = 120.0
SKEW_S = 2.0
MOST_SKEW_S = 30.0
_BOOTED = Path("/run/systemd/system")
_LINGER = Path("/var/lib/systemd/linger")
_SYSTEM_UNITS = Path("/etc/systemd/system")


async def upkeep_rows(settings: Settings) -> AsyncIterator[CheckRow]:
    """Look at everything about upkeep; the database is opened once for all of it."""
    yield _row("disk", disk(settings))
    yield _row("systemd", units(Path.home()))
    yield _row("time zones", time_zones(settings))
    yield _row("retention", retention(settings))
    try:
        async with open_office(settings) as office:
            yield _row("backup", await backup(office))
            yield _row("loop", await leader(office))
            yield _row("ticks", await ticks(office))
            yield _row("clock", clock(await looking.clock_ahead_s(office.database.pool)))
    except BookAIError as error:
        yield _row("loop", ("fail", str(error)))


def _row(what: str, line: Line) -> CheckRow:
    level, found = line
    return CheckRow(level=level, what=what, found=found)


def disk(settings: Settings) -> Line:
    """Say how far the disk is from where making pauses."""
    free, limits = free_bytes(settings) / GIB, settings.disk
    found = f"{free:.1f} GiB free; making videos pauses under {limits.pause_gib:g}"
    if free < limits.pause_gib:
        return "fail", f"{found}: free some space, or lower retention: [retention] in studio.toml"
    if free < limits.go_gib:
        return "note", f"{found}: free some space soon"
    return "ok", found


async def backup(office: Office) -> Line:
    """Say how old the newest backup is that was made of this studio."""
    mend = "bookai backup --to FOLDER, on another disk"
    last = await looking.newest(office.database.pool, KIND)
    if last is None:
        return "note", f"never made: {mend}"
    age = office.clock() - last.at
    found = f"{json.loads(last.body)['file']}, {_span(age)} ago"
    return ("ok", found) if age <= BACKUP_AGE else ("note", f"{found}: {mend}")


async def leader(office: Office) -> Line:
    """Say who leads the loop; one that fell silent without a word is a failure."""
    mend = "start it: bookai loop"
    found = await loop.look(office.database.pool)
    if found is None:
        return "note", f"nobody ever led here; to run unattended, {mend}"
    if found.ended_at is not None:
        return "note", f"nobody leads since {found.ended_at:%Y-%m-%d %H:%M} UTC; {mend}"
    if found.silent_s > SILENT_S:
        return "fail", f"{found.holder} led and is silent for {found.silent_s:.0f} s; {mend}"
    return "ok", f"{found.holder} leads (epoch {found.epoch})"


async def ticks(office: Office) -> Line:
    """Name what the loop cannot do, or does not come to."""
    rows = [row for row in await loop.list_(office.database.pool) if row.active]
    led = await loop.look(office.database.pool)
    at, leads = office.clock(), led is not None and led.ended_at is None
    wrong = [text for row in rows if (text := _trouble(row, at, leads=leads))]
    if not rows:
        return "note", "the loop has not run yet"
    if not wrong:
        return "ok", f"{len(rows)} schedules, none is late or failing"
    more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return "fail", f"{'; '.join(islice(wrong, 3))}{more}. See: bookai ticks"


def _trouble(row: loop.ScheduleRow, at: datetime, *, leads: bool) -> str | None:
    name = f"{row.name} {row.scope}".strip()
    if row.state == "failed":
        return f"{name} failed: {row.note}"
    if row.state == "running" and row.began_at is not None and at - row.began_at > STUCK:
        return f"{name} runs for {_span(at - row.began_at)}"
    late_s = (at - row.next_slot).total_seconds()
    if leads and late_s > max(LATE_S, row.every_s):
        return f"{name} is {late_s:.0f} s late"
    return None


def clock(ahead_s: float) -> Line:
    """Say how far the database's clock is from ours: leases and slots go by both."""
    found = f"the database's clock is {abs(ahead_s):.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    mend = "let both machines keep time: timedatectl set-ntp true"
    if abs(ahead_s) > MOST_SKEW_S:
        return "fail", f"{found}: {mend}"
    return ("note", f"{found}: {mend}") if abs(ahead_s) > SKEW_S else ("ok", found)


def retention(settings: Settings) -> Line:
    """Say what is kept for how long; what is kept for ever fills the disk some day."""
    keep = settings.retention
    kinds = (
        ("films", keep.media_days),
        ("checkpoints", keep.checkpoints_days),
        ("ticks", keep.ticks_days),
        ("slots", keep.slots_days),
    )
    found = ", ".join(f"{name} {_days(days)}" for name, days in kinds)
    found += f", scenes up to {keep.cache_gib:g} GiB"
    if any(days is None for _, days in kinds):
        return "note", f"{found}: set days in [retention] before the disk is full"
    return "ok", found


def _days(days: float | None) -> str:
    return "for ever" if days is None else f"{days:g} days"


def time_zones(settings: Settings) -> Line:
    """Say whether the channels' time zones are known here, and from which data."""
    names = sorted({channel.time_zone for channel in settings.channels.values()})
    for name in names:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return "fail", f"no data of {name}: pip install tzdata"
    return "ok", f"{', '.join(names)}, from {_zone_data()}"


def _zone_data() -> str:
    try:
        with Path("/usr/share/zoneinfo/tzdata.zi").open(encoding="ascii") as file:
            return f"the system's {file.readline().strip().removeprefix('# version ')}"
    except (OSError, UnicodeDecodeError):
        pass
    try:
        return f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        return "the system"


def units(home: Path, booted: Path = _BOOTED, linger: Path = _LINGER) -> Line:
    """Say whether systemd keeps the studio up, and over a log-out too."""
    if not booted.is_dir() or shutil.which("systemctl") is None:
        return "note", "no systemd here: let something else keep `bookai loop` up"
    if (_SYSTEM_UNITS / "bookai.target").exists():
        return "ok", f"the system keeps it up ({_SYSTEM_UNITS / 'bookai.target'})"
    user = home / ".config/systemd/user/bookai.target"
    if not user.exists():
        return "note", "not installed as a service: bookai install --user"
    if not (linger / _login()).exists():
        return "fail", "its services end when you log out: loginctl enable-linger"
    return "ok", f"your user manager keeps it up, logged in or not ({user})"


def _login() -> str:
    import pwd  # noqa: PLC0415  # there is none on Windows, nor a systemd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _span(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
