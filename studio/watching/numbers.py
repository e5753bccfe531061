"""Measure how the studio stands: what waits, the disk, the database, its processes."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from bookai import metrics
from bookai.db import processes
from bookai.db.pool import Pool
from bookai.db.processes import Numbers, Watched
from bookai.settings import Settings
from studio.market.watch import reading_s

BACKUP = "studio.backed_up"
"""The audit event of a backup that is complete."""

_POSTS = ("armed", "sending", "unknown", "failed", "dead")


async def measure(settings: Settings, pool: Pool) -> None:
    """Set every gauge of what nobody counts as it happens, by one question to the database."""
    metrics.DATABASE_POOL.labels("idle").set(pool.get_idle_size())
    metrics.DATABASE_POOL.labels("used").set(pool.get_size() - pool.get_idle_size())
    metrics.DISK_FREE.set(await asyncio.to_thread(free_bytes, settings.home))
    began = monotonic()
    found = await processes.look(pool, _watched(settings), BACKUP)
    metrics.DATABASE_SECONDS.set(monotonic() - began)
    _of_people(found)
    _of_machines(found)


def _of_people(found: Numbers) -> None:
    metrics.APPROVALS_PENDING.set(found.approvals)
    metrics.APPROVALS_OLDEST.set(found.approval_s)
    metrics.OUTBOX_UNKNOWN.set(found.unknown_s)
    metrics.PAUSES.labels("studio").set(found.studio_pauses)
    metrics.PAUSES.labels("channel").set(found.channel_pauses)
    metrics.BACKUP_AT.set(found.backup_at)
    for state in _POSTS:
        metrics.OUTBOX_POSTS.labels(state).set(found.posts.get(state, 0))
    for level in ("manual", "limited", "locked"):
        metrics.AUTONOMY_CHANNELS.labels(level).set(found.autonomy.get(level, 0))


def _of_machines(found: Numbers) -> None:
    metrics.DISK_PAUSED.set(found.disk_paused)
    metrics.LOOP_OVERDUE.set(found.overdue_s)
    metrics.DATABASE_BYTES.set(found.bytes)
    metrics.DATABASE_OLDEST.set(found.transaction_s)
    metrics.DATABASE_CONNECTIONS.set(found.connections)
    metrics.DATABASE_ROOM.set(found.room)
    for kind, count in found.processes.items():
        metrics.PROCESSES.labels(kind).set(count)
    for state, count in found.sources.items():
        metrics.SOURCES.labels(state).set(count)


def _watched(settings: Settings) -> Iterator[Watched]:
    for source in settings.sources:
        yield Watched(source.url, reading_s(source) / settings.loop.speed)


def free_bytes(folder: Path) -> int:
    """Return what is free for the studio's user where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize
