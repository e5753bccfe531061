"""A studio at work, and what can be read from it at a moment and over a while."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean

import psycopg

from benchmarks.capacity.crowd import Calendar, Size
from benchmarks.unattended import meter
from benchmarks.unattended.home import Server, Unit, pause

LONGEST_START_S = 100.0
SETTLING_S = 30.0
LOOK_S = 2.0

TICKED = "SELECT count(*) FROM loop_ticks WHERE state = 'done'"
OVERDUE = """
SELECT count(*)
  FROM loop_schedules
 WHERE active
   AND next_slot < clock_timestamp() - interval '1 second'
"""
IN_HAND = """
SELECT count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at, now()) <= now())
  FROM procrastinate_jobs
 WHERE status IN ('doing', 'todo')
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A studio at work: its home, its server, its processes, and when its channels publish."""

    folder: Path
    server: Server
    loop: Unit
    workers: Sequence[Unit]
    calendar: Calendar
    size: Size

    def stop(self) -> None:
        """End all processes at once; nobody waits for another."""
        units = (self.loop, *self.workers)
        for unit in units:
            unit.signal(signal.SIGTERM)
        for unit in units:
            unit.stop()


@dataclass(frozen=True, slots=True)
class Moment:
    """What was read at `at`, aware UTC; CPU seconds since each began, sizes in bytes."""

    at: datetime
    clock: float
    cpu_s: dict[str, float]
    machine_s: float
    work: meter.Work
    tables: dict[str, meter.Table]
    wal_bytes: int

    @classmethod
    def take(cls, con: psycopg.Connection, stage: Stage) -> "Moment":
        """Read everything now."""
        units = {"loop": [stage.loop], "workers": list(stage.workers)}
        cpu = {
            name: sum(meter.cpu_s(unit.process.pid) for unit in some if unit.process)
            for name, some in units.items()
        }
        cpu["postgres"] = meter.cpu_s(stage.server.pid)
        cpu["harness"] = meter.alone_s(os.getpid())
        now = con.execute("SELECT clock_timestamp()").fetchone()
        assert now is not None
        return cls(
            now[0],
            time.monotonic(),
            cpu,
            meter.machine_s(),
            meter.work(con),
            meter.tables(con),
            meter.wal_bytes(con),
        )


@dataclass(slots=True)
class Hands:
    """How many jobs were in the workers' hands, and how many waited for one, look by look."""

    held: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Return how many were held on average."""
        return fmean(self.held) if self.held else 0.0

    def watch(self, con: psycopg.Connection, seconds: float) -> None:
        """Look every other second for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            row = con.execute(IN_HAND).fetchone()
            assert row is not None
            self.held.append(row[0])
            self.waiting.append(row[1])
            self.connections.append(meter.connections(con))
            pause(min(LOOK_S, left))


def wait_until_settled(con: psycopg.Connection, stage: Stage, until: float) -> float:
    """Wait until everything was done once and the calendar is open; return how long the first took.

    `until` is a moment of the monotonic clock after which nobody waits any more.
    """
    took_s = _wait_for_start(con, stage.loop, min(until, time.monotonic() + LONGEST_START_S))
    row = con.execute(
        "SELECT extract(epoch FROM %s - clock_timestamp())", (stage.calendar.opens,)
    ).fetchone()
    assert row is not None
    pause(max(SETTLING_S, min(float(row[0]) + SETTLING_S, until - time.monotonic())))
    return took_s


def _wait_for_start(con: psycopg.Connection, loop: Unit, until: float) -> float:
    """Return how long it took until every schedule, all due at once, was done once."""
    first = time.monotonic()
    while time.monotonic() < until:
        loop.tend()
        row = con.execute(TICKED).fetchone()
        if row and row[0] == 0:
            first = time.monotonic()
        elif (late := con.execute(OVERDUE).fetchone()) and late[0] == 0:
            break
        pause(0.25)
    return time.monotonic() - first
