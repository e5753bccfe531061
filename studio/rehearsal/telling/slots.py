"""Whether the loop did each of its slots once: counted anew from its grid, not by its own word."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookai.db import loop
from bookai.db.loop import ScheduleRow
from bookai.db.rehearsal.standing import Mark


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots there were, and those of them that no tick settled, or more than one."""

    all: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]


def count_slots(
    schedules: Iterable[ScheduleRow],
    marks: Mapping[tuple[str, str], Sequence[Mark]],
    until: datetime,
) -> Slots:
    """Return what became of every slot before `until`; a tick that never ended settled nothing."""
    total, lost, doubled = 0, list[str](), list[str]()
    for schedule in schedules:
        grid = _grid(schedule, until)
        settled = [0] * len(grid)
        for mark in marks.get((schedule.name, schedule.scope), ()):
            if mark.state != "running":
                for at in range(bisect_left(grid, mark.slot), bisect_left(grid, mark.until)):
                    settled[at] += 1
        total += len(grid)
        lost += [_told(schedule, slot) for slot, n in zip(grid, settled, strict=True) if n == 0]
        doubled += [_told(schedule, slot) for slot, n in zip(grid, settled, strict=True) if n > 1]
    return Slots(total, tuple(lost), tuple(doubled))


def _grid(schedule: ScheduleRow, until: datetime) -> list[datetime]:
    """Return the slots of a schedule before `until`; its first is when it was wanted first."""
    grid, at = [], schedule.since
    while at < until:
        grid.append(at)
        at = loop.after(schedule.name, schedule.scope, schedule.every_s, at)
    return grid


def _told(schedule: ScheduleRow, slot: datetime) -> str:
    return f"{schedule.name} {schedule.scope}".strip() + f" at {slot:%a %H:%M}"
