"""The folders of jobs: what lies in them, how large it is, and taking it away.

A folder is renamed first and removed later: a killed process leaves it under a name that no job
has, and the next look takes it away.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from tools.render.engine.store import SUFFIX
from tools.render_video import SCENES

GONE = ".gone-"
HALF_MADE = (".render-*", ".voice-*.wav")
"""What a killed render or a killed voice leaves in a job's folder."""

LEFT_S = 86_400.0
"""Older than this, nobody is at work in it any more: a render may take a few minutes."""

IN_USE_S = 3600.0
"""A job's scenes are left alone for so long after they were last used."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """The encoded scenes of one job's last render; `used_at` is in seconds of the Unix clock."""

    folder: Path
    size_bytes: int
    used_at: float


def job_ids(work: Path, before: float) -> list[int]:
    """Return the jobs with a folder that nothing was put into since `before`, smallest first."""
    return sorted(
        int(entry.name)
        for entry in _entries(work)
        if entry.name.isdecimal() and not entry.is_symlink() and _changed_at(entry) < before
    )


def size_of(folder: Path) -> int:
    """Return how many bytes lie in a folder and below; links are not followed."""
    total = 0
    for entry in _entries(folder):
        with suppress(OSError):
            is_folder = entry.is_dir(follow_symlinks=False)
            total += (
                size_of(Path(entry.path))
                if is_folder
                else entry.stat(follow_symlinks=False).st_size
            )
    return total


def set_aside(work: Path, job_id: int) -> Path | None:
    """Rename a job's folder to a name that no job has; None when it is gone already."""
    aside = work / f"{GONE}{job_id}-{token_hex(4)}"
    try:
        (work / str(job_id)).rename(aside)
    except FileNotFoundError:
        return None
    return aside


def put_back(work: Path, aside: Iterable[Path]) -> None:
    """Give folders that were set aside their names again; one whose name was taken stays aside."""
    for path in aside:
        job_id = path.name.removeprefix(GONE).partition("-")[0]
        with suppress(OSError):
            path.rename(work / job_id)


def leftovers(work: Path, before: float) -> list[Path]:
    """Return what killed processes left: folders set aside, and half-made files older than that."""
    found = [Path(entry.path) for entry in _entries(work) if entry.name.startswith(GONE)]
    for entry in _entries(work):
        if entry.name.isdecimal():
            for pattern in HALF_MADE:
                found += [
                    path
                    for path in Path(entry.path).glob(pattern)
                    if _path_changed_at(path) < before
                ]
    return found


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders; what is gone already, or cannot be removed, is passed over."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def least_used(work: Path, most_bytes: float, before: float) -> list[Scenes]:
    """Return whose scenes must go for the rest to fit into `most_bytes`, least used first.

    Those that were used since `before` stay, whatever they take.
    """
    found = [
        scenes
        for entry in _entries(work)
        if entry.name.isdecimal() and (scenes := _scenes_of(Path(entry.path) / SCENES))
    ]
    over = sum(one.size_bytes for one in found) - most_bytes
    chosen = []
    for one in sorted(found, key=lambda scenes: scenes.used_at):
        if over <= 0 or one.used_at >= before:
            break
        chosen.append(one)
        over -= one.size_bytes
    return chosen


def remove_scenes(chosen: Iterable[Scenes]) -> None:
    """Remove scenes; their folder stays, a render may be about to write there."""
    for one in chosen:
        remove(one.folder.glob(f"*{SUFFIX}"))


def _scenes_of(folder: Path) -> Scenes | None:
    files = [entry.stat() for entry in _entries(folder) if entry.name.endswith(SUFFIX)]
    if not files:
        return None
    used_at = max(max(file.st_mtime, file.st_atime) for file in files)
    return Scenes(folder, sum(file.st_size for file in files), used_at)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _changed_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return float("inf")  # gone meanwhile: nobody's business


def _path_changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")
