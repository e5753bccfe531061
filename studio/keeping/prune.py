"""Retention: what `[retention]` no longer wants kept is removed, and an event says what it was.

The audit log, posts and their receipts, approvals, hashes and the gallery are kept for ever. See
docs/why/retention.md.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from bookai.db import audit, checkpoints
from bookai.db.keeping import pruning
from bookai.db.keeping.pruning import Ended
from bookai.db.pool import Con
from bookai.running import RetentionSettings
from studio.keeping import folders
from studio.office import Office

KIND = "keeping.pruned"
MOST_JOBS = 200
MOST_THREADS = 500
MOST_TICKS = 20_000
MOST_SLOTS = 2000
ASK_AT_ONCE = 1000
LONGEST_S = 60.0
"""So long a run begins with a next part: well under the limit of a tick."""
SETTLED = timedelta(hours=1)
"""So long after its end a job's steps are kept one by one, for whoever looks what went wrong."""

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class _Files:
    """What is to go from the job folders: of which jobs, whose scenes, what was left half made."""

    jobs: tuple[int, ...]
    bytes_of: dict[int, int]
    scenes: list[folders.Scenes]
    left: list[Path]


async def prune(office: Office, at: datetime, clock: Callable[[], float] = monotonic) -> str:
    """Remove what is older than `[retention]` keeps, part by part for a minute; say how much.

    Nothing goes that somebody may still ask for: media of jobs that wait, are approved or have a
    post that is not certainly out, stay. Each part that removes something has an event of its own.
    """
    ends_at = clock() + LONGEST_S
    jobs, counts = await _part(office, at)
    total = Counter(counts)
    n_jobs = len(jobs)
    while _is_full(jobs, counts) and clock() < ends_at:
        jobs, counts = await _part(office, at)
        n_jobs += len(jobs)
        total.update(counts)
    return _summary(n_jobs, total)


def _is_full(jobs: Sequence[int], counts: Mapping[str, int]) -> bool:
    """Tell whether a part took as much of something as it may: then there may be more of it."""
    return (
        len(jobs) >= MOST_JOBS
        or counts["ticks"] >= MOST_TICKS
        or counts["slots"] >= MOST_SLOTS
        or max(counts["checkpoints_trimmed"], counts["checkpoints_removed"]) >= MOST_THREADS
    )


async def _part(office: Office, at: datetime) -> tuple[tuple[int, ...], dict[str, int]]:
    """Remove a bounded part; return whose media went, and how much of the rest."""
    keep, work = office.settings.retention, office.settings.work_dir
    files = await _find(office, at)
    trimmed = await _trim(office, at)
    threads: tuple[str, ...] = ()
    if keep.checkpoints_days is not None:
        before = at - timedelta(days=keep.checkpoints_days)
        threads = await pruning.threads(office.database.pool, Ended(before, MOST_THREADS))
    aside: list[Path] = []
    try:
        async with office.database.pool.acquire() as con, con.transaction():
            ended = Ended(_media_before(keep, at), MOST_JOBS)
            jobs = await pruning.lock_spent(con, files.jobs, ended)
            for job_id in jobs:
                moved = folders.set_aside(work, job_id)
                aside += [moved] if moved else []
            removed = await pruning.delete_threads(con, threads)
            counts = {
                "media_bytes": sum(files.bytes_of[job_id] for job_id in jobs),
                "scenes_bytes": sum(one.size_bytes for one in files.scenes),
                "scenes_of": len(files.scenes),
                "leftovers": len(files.left),
                "checkpoints_trimmed": trimmed,
                "checkpoints_removed": removed,
                "ticks": await _old_ticks(con, keep, at),
                "slots": await _old_slots(con, keep, at),
            }
            await _tell(con, jobs, counts)
    except BaseException:
        # Nothing was written down: under their other names they would pass for nobody's.
        folders.put_back(work, aside)
        raise
    # Only after the commit: what the event tells of is certainly to go, and a kill here leaves
    # folders that the next run finds set aside.
    await asyncio.to_thread(_remove, [*aside, *files.left], files.scenes)
    return jobs, counts


async def _old_ticks(con: Con, keep: RetentionSettings, at: datetime) -> int:
    if keep.ticks_days is None:
        return 0
    return await pruning.delete_ticks(con, at - timedelta(days=keep.ticks_days), MOST_TICKS)


async def _old_slots(con: Con, keep: RetentionSettings, at: datetime) -> int:
    if keep.slots_days is None:
        return 0
    return await pruning.delete_slots(con, Ended(at - timedelta(days=keep.slots_days), MOST_SLOTS))


async def _find(office: Office, at: datetime) -> _Files:
    """Look at the folders and ask the database; nothing is changed yet."""
    work, keep = office.settings.work_dir, office.settings.retention
    now_s = at.timestamp()
    scenes = await asyncio.to_thread(
        folders.least_used, work, keep.cache_gib * 1024 * MIB, now_s - folders.IN_USE_S
    )
    left = await asyncio.to_thread(folders.leftovers, work, now_s - folders.LEFT_S)
    jobs: list[int] = []
    if keep.media_days is not None:
        before = _media_before(keep, at)
        there = await asyncio.to_thread(folders.job_ids, work, before.timestamp())
        for some in _parts(there, ASK_AT_ONCE):
            most = Ended(before, MOST_JOBS - len(jobs))
            jobs += await pruning.spent_jobs(office.database.pool, some, most)
            if len(jobs) >= MOST_JOBS:
                break
    sizes = {
        job_id: await asyncio.to_thread(folders.size_of, work / str(job_id)) for job_id in jobs
    }
    return _Files(tuple(jobs), sizes, scenes, left)


async def _trim(office: Office, at: datetime) -> int:
    """Leave jobs that ended a while ago their last checkpoint alone."""
    if office.settings.retention.checkpoints_days is None:
        return 0
    ended = Ended(at - SETTLED, MOST_THREADS)
    threads = await pruning.threads(office.database.pool, ended, longer_than=1)
    if not threads:
        return 0
    return await checkpoints.keep_latest(office.database.dsn, threads)


def _media_before(keep: RetentionSettings, at: datetime) -> datetime:
    return at - timedelta(days=keep.media_days or 0)


def _parts(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


async def _tell(con: Con, jobs: Sequence[int], counts: dict[str, int]) -> None:
    """Write the part's one event; one that removed nothing has none."""
    if jobs or any(counts.values()):
        await audit.append(con, KIND, "studio", {"media_of": list(jobs), **counts})


def _remove(paths: Sequence[Path], scenes: Sequence[folders.Scenes]) -> None:
    folders.remove(paths)
    folders.remove_scenes(scenes)


def _summary(jobs: int, counts: Mapping[str, int]) -> str:
    parts = (
        (jobs, f"media of {jobs} jobs ({counts['media_bytes'] / MIB:.0f} MiB)"),
        (counts["scenes_of"], f"scenes of {counts['scenes_of']} jobs"),
        (counts["leftovers"], f"{counts['leftovers']} leftovers"),
        (counts["checkpoints_trimmed"], f"{counts['checkpoints_trimmed']} jobs' checkpoints cut"),
        (counts["checkpoints_removed"], f"{counts['checkpoints_removed']} jobs' checkpoints"),
        (counts["ticks"], f"{counts['ticks']} ticks"),
        (counts["slots"], f"{counts['slots']} past slots"),
    )
    return "removed: " + (", ".join(text for n, text in parts if n) or "nothing")
