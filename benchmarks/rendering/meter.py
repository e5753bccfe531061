"""Run a command and tell wall time, processor time and peak memory of its whole process tree."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Metered:
    """One run. `others` is how many cores other processes kept busy: wall means little over 0.1."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    others: float
    said: str


def metered(
    command: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> Metered:
    """Run it to its end; what it says on its error output is shown where it fails."""
    busy, before, began = _busy_s(), _children_s(), time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ended, peak = threading.Event(), [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peak))
        watcher.start()
        said, errors = process.communicate()
        ended.set()
        watcher.join()
    wall = time.perf_counter() - began
    cpu = _children_s() - before
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}:\n{errors[-3000:]}")
    others = max(0.0, _busy_s() - busy - cpu) / wall
    return Metered(wall, cpu, peak[0] / 2**20, others, said)


def _watch(root: int, ended: threading.Event, peak: list[int]) -> None:
    while not ended.wait(SAMPLE_S):
        peak[0] = max(peak[0], sum(map(_resident, _tree(root))))


def _tree(root: int) -> list[int]:
    """Return a process and all that came from it."""
    found = [root]
    for pid in found:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _busy_s() -> float:
    """Return what all processors of the machine have worked since it started."""
    with Path("/proc/stat").open() as file:
        ticks = [int(one) for one in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
