"""Measure a studio under load: how late its ticks are, what the database does, what grows."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.capacity.crowd import DAY_S, Size
from benchmarks.unattended import meter
from benchmarks.unattended.approver import Approver
from benchmarks.unattended.home import Server, Unit, pause

WARM_S = 45.0
LONGEST_START_S = 240.0
GOAL_LAG_S = 1.0
KEEPS_UP = 0.85
LEAST_JOBS = 50
"""Of fewer jobs that were due nothing can be told: as many more or less are chance."""

MIB = 2**20
NAMED = 8

STARTED = "SELECT count(*) FROM loop_ticks WHERE state = 'done'"
OVERDUE = "SELECT count(*) FROM loop_schedules WHERE active AND next_slot < clock_timestamp()"
LAGS = """
SELECT count(*),
       percentile_cont(ARRAY[0.5, 0.99, 1.0]) WITHIN GROUP (
           ORDER BY extract(epoch FROM began_at - slot)),
       percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM ended_at - began_at)),
       count(*) FILTER (WHERE state = 'failed')
  FROM loop_ticks
 WHERE slot >= %s
   AND slot < %s
"""
LATE_NOW = """
SELECT count(*), coalesce(max(extract(epoch FROM %s - next_slot)), 0)
  FROM loop_schedules
 WHERE active
   AND next_slot < %s
"""
JOBS = """
SELECT count(*) FILTER (WHERE created_at >= %(since)s),
       count(*) FILTER (WHERE status = 'done' AND updated_at >= %(since)s),
       count(*) FILTER (WHERE status IN ('refused', 'failed') AND updated_at >= %(since)s),
       count(*) FILTER (WHERE status IN ('queued', 'running'))
  FROM video_jobs
"""
WHY = """
SELECT reason, count(*) FROM video_jobs
 WHERE status IN ('refused', 'failed') AND updated_at >= %s
 GROUP BY reason ORDER BY 2 DESC LIMIT 3
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One rate's measurements, over `seconds`; CPU in cores, sizes in MiB."""

    rate: float
    seconds: float
    first_s: float
    ticks: int
    failed_ticks: int
    lag_s: tuple[float, float, float]
    took_s: tuple[float, float]
    overdue: int
    overdue_s: float
    started: int
    done: int
    ended: int
    queued: int
    cores: dict[str, float]
    transactions: float
    rows_read: float
    rows_written: float
    connections: int
    grown: dict[str, float]
    why: tuple[str, ...]
    broken: tuple[str, ...]
    due: float = 0.0

    @property
    def is_told(self) -> bool:
        """Tell whether enough was due for a verdict; what broke is told in any case."""
        return bool(self.broken) or self.due >= LEAST_JOBS


@dataclass(frozen=True, slots=True)
class Stage:
    """A studio at work: its home, its server, its processes."""

    folder: Path
    server: Server
    loop: Unit
    workers: Sequence[Unit]


def measure(stage: Stage, size: Size, rate: float, seconds: float) -> Load:
    """Wait until everything was done once, warm up, and measure."""
    with (
        psycopg.connect(stage.server.postgres.dsn(), autocommit=True) as con,
        Approver(stage.folder) as approver,
    ):
        first_s = _wait_for_start(con, stage.loop)
        pause(WARM_S)
        before = _Snapshot.take(con, stage)
        pause(seconds)
        after = _Snapshot.take(con, stage)
        load = _compare(con, before, after, size, rate, first_s)
    approver.raise_error()
    return load


def _wait_for_start(con: psycopg.Connection, loop: Unit) -> float:
    """Return how long it took until every schedule, all due at once, was done once."""
    began = first = time.monotonic()
    while time.monotonic() - began < LONGEST_START_S:
        loop.tend()
        row = con.execute(STARTED).fetchone()
        if row and row[0] == 0:
            first = time.monotonic()
        elif (late := con.execute(OVERDUE).fetchone()) and late[0] == 0:
            break
        pause(0.25)
    return time.monotonic() - first


@dataclass(frozen=True, slots=True)
class _Snapshot:
    at: object
    clock: float
    cpu_s: dict[str, float]
    machine_s: float
    work: meter.Work
    sizes: dict[str, int]
    connections: int

    @classmethod
    def take(cls, con: psycopg.Connection, stage: Stage) -> "_Snapshot":
        units = {"loop": [stage.loop], "workers": list(stage.workers)}
        cpu = {
            name: sum(meter.cpu_s(unit.process.pid) for unit in some if unit.process)
            for name, some in units.items()
        }
        cpu["postgres"] = meter.cpu_s(stage.server.pid)
        now = con.execute("SELECT clock_timestamp()").fetchone()
        assert now is not None
        return cls(
            now[0],
            time.monotonic(),
            cpu,
            meter.machine_s(),
            meter.work(con),
            meter.sizes(con),
            meter.connections(con),
        )


def _compare(
    con: psycopg.Connection,
    before: _Snapshot,
    after: _Snapshot,
    size: Size,
    rate: float,
    first_s: float,
) -> Load:
    seconds = after.clock - before.clock
    lag = con.execute(LAGS, (before.at, after.at)).fetchone()
    late = con.execute(LATE_NOW, (after.at, after.at)).fetchone()
    jobs = con.execute(JOBS, {"since": before.at}).fetchone()
    assert lag is not None
    assert late is not None
    assert jobs is not None
    lags = tuple(float(one) for one in lag[1] or (0, 0, 0))
    took = tuple(float(one) for one in lag[2] or (0, 0))
    grown = {
        name: (bytes_ - before.sizes.get(name, 0)) / MIB for name, bytes_ in after.sizes.items()
    }
    cores = {name: (after.cpu_s[name] - used) / seconds for name, used in before.cpu_s.items()}
    wanted = size.jobs * rate * seconds / DAY_S
    return Load(
        rate=rate,
        seconds=seconds,
        first_s=first_s,
        ticks=lag[0],
        failed_ticks=lag[3],
        lag_s=(lags[0], lags[1], lags[2]),
        took_s=(took[0], took[1]),
        overdue=late[0],
        overdue_s=float(late[1]),
        started=jobs[0],
        done=jobs[1],
        ended=jobs[2],
        queued=jobs[3],
        cores=cores
        | {"others": (after.machine_s - before.machine_s) / seconds - sum(cores.values())},
        transactions=(after.work.transactions - before.work.transactions) / seconds,
        rows_read=(after.work.read - before.work.read) / seconds,
        rows_written=(after.work.written - before.work.written) / seconds,
        connections=after.connections,
        grown={name: mib for name, mib in grown.items() if mib > 0},
        why=tuple(f"{row[1]} times: {row[0]}" for row in con.execute(WHY, (before.at,)).fetchall()),
        broken=tuple(_broken(lags[1], float(late[1]), jobs, wanted)),
        due=wanted,
    )


def _broken(lag_s: float, overdue_s: float, jobs: Sequence[int], wanted: float) -> list[str]:
    broken = []
    # A few more or fewer in a minute are chance, not the studio's fault.
    chance = 2 * math.sqrt(wanted)
    if lag_s > GOAL_LAG_S or overdue_s > GOAL_LAG_S:
        broken.append(f"ticks are late: p99 {lag_s:.2f} s, one is overdue by {overdue_s:.1f} s")
    if jobs[0] < KEEPS_UP * wanted - chance:
        broken.append(f"{jobs[0]} jobs were started and {wanted:.0f} were due")
    if jobs[1] < KEEPS_UP * min(wanted, jobs[0]) - chance:
        broken.append(f"{jobs[1]} jobs were done of {jobs[0]}; {jobs[3]} are under way")
    return broken


def _too_few(load: Load) -> str:
    return f"{load.due:.0f} jobs were due, {LEAST_JOBS} are needed; use more --seconds"


def report(load: Load) -> str:
    """Return what was measured, in words."""
    a_day = DAY_S / load.seconds
    total = sum(load.grown.values())
    most = sorted(load.grown.items(), key=lambda pair: -pair[1])[:NAMED]
    cores = ", ".join(f"{name} {cores:.2f}" for name, cores in load.cores.items())
    lines = [
        f"rate {load.rate:g} ({load.seconds:.0f} s)",
        f"  first round, everything due at once: {load.first_s:.1f} s",
        f"  ticks: {load.ticks} ({load.ticks / load.seconds:.2f}/s), {load.failed_ticks} failed; "
        f"lag p50 {load.lag_s[0] * 1000:.0f} ms, p99 {load.lag_s[1] * 1000:.0f} ms, most "
        f"{load.lag_s[2] * 1000:.0f} ms; took p50 {load.took_s[0] * 1000:.0f} ms, "
        f"p99 {load.took_s[1] * 1000:.0f} ms",
        f"  jobs: {load.started} started ({load.started * a_day:,.0f} a day), {load.done} done, "
        f"{load.ended} ended otherwise, {load.queued} under way",
        f"  database: {load.transactions:.0f} transactions/s, {load.rows_read:,.0f} rows read/s, "
        f"{load.rows_written:.0f} rows written/s, {load.connections} connections",
        f"  cores: {cores}",
        f"  growth: {total:.1f} MiB, {total * a_day / 1024:.2f} GiB a day: "
        + ", ".join(f"{name} {mib * a_day:.0f} MiB" for name, mib in most),
        *(f"  ended: {one}" for one in load.why),
        f"  growth per finished job: {total * 1024 / load.done:.0f} KiB"
        if load.done
        else "  growth per finished job: none was finished",
        *(f"  broken: {one}" for one in load.broken),
        *([] if load.is_told else [f"  too short to tell: {_too_few(load)}"]),
    ]
    return "\n".join(lines)
