"""What breaks first: how much of each thing that ends was used, and at which rate it is all used.

What each rate used is put on a straight line. Rates that were not carried do not count: where
something is full already, the rest is used less than it would be.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from benchmarks.capacity.crowd import DAY_S
from benchmarks.capacity.goals import is_carried, missed
from benchmarks.capacity.load import Growth, Load
from bookai.running import LoopSettings, RetentionSettings
from studio.loop.run import INSIDE

WORKERS = 2
HANDS = 16
RENDER_CPU_S = 6.0
"""Of a real render and check (docs/why/render-speed.md); the stand-ins use next to nothing."""

FILM_MIB = 14
"""What a film takes on disk (docs/how-to/keep-the-disk-from-filling.md)."""

CONNECTIONS = "connections of Postgres"
MIB_IN_GIB, GIB_IN_TIB = 1024, 1024


@dataclass(frozen=True, slots=True)
class Use:
    """How much of something was used at `rate`, of `most`; all of it is at `full_at`."""

    name: str
    used: float
    most: float
    rate: float
    full_at: float

    def told(self, jobs_a_day: float) -> str:
        """Say it in words; `jobs_a_day` are those of rate 1."""
        seen = f"{self.used:.2f} of {self.most:g} at rate {self.rate:g}"
        if math.isinf(self.full_at):
            return f"{self.name}: {seen}, and not seen to grow with the rate"
        jobs = self.full_at * jobs_a_day
        return f"{self.name}: {seen}, all of it at rate {self.full_at:.1f} ({jobs:,.0f} jobs a day)"


_USED: dict[str, Callable[[Load], tuple[float, float]]] = {
    "processor (cores)": lambda one: (one.own_cores, one.cpus),
    f"processor with real renders of {RENDER_CPU_S:g} s (cores)": lambda one: (
        one.own_cores + RENDER_CPU_S * one.jobs.done / one.seconds,
        one.cpus,
    ),
    "the loop's one thread (cores)": lambda one: (one.cores["loop"], 1),
    "the loop's ticks side by side": lambda one: (one.ticks.inside, INSIDE),
    "its ticks that ask the world": lambda one: (one.ticks.outside, LoopSettings().at_once),
    "hands of the workers": lambda one: (one.jobs.hands, WORKERS * HANDS),
    CONNECTIONS: lambda one: (one.database.connections, one.database.allowed),
}


def uses(loads: Sequence[Load]) -> tuple[Use, ...]:
    """Return what is used up first, second and so on."""
    told = [one for one in loads if is_carried(one)] or [loads[0]]
    found = []
    for name, used in _USED.items():
        # Connections are held at rest too, and overload does not make them fewer.
        points = [(one.rate, *used(one)) for one in (loads if name == CONNECTIONS else told)]
        rate, amount, most = points[-1]
        found.append(Use(name, amount, most, rate, _full_at(name, points)))
    return tuple(sorted(found, key=lambda one: one.full_at))


def _full_at(name: str, points: Sequence[tuple[float, float, float]]) -> float:
    rates, used, most = zip(*points, strict=True)
    if len(points) == 1:
        if name == CONNECTIONS:
            return math.inf
        # What is used at rest is not known: so it is full a little later than this.
        return rates[0] * most[0] / used[0] if used[0] > 0 else math.inf
    slope, rest = linear_regression(rates, used)
    return (most[-1] - rest) / slope if slope > 0 else math.inf


def breaks_first(loads: Sequence[Load], jobs_a_day: float) -> tuple[str, ...]:
    """Say what is used up first, what broke in fact, and how fast the disk fills."""
    first, *others = uses(loads)
    lines = []
    if not any(map(is_carried, loads)):
        lines.append(
            "no rate was shown to be carried: what follows may be of a studio that fell behind"
        )
    lines.append(f"what breaks first: {first.told(jobs_a_day)}")
    lines += [f"  then {one.told(jobs_a_day)}" for one in others]
    broken = next((one for one in loads if missed(one)), None)
    if broken is None:
        lines.append(f"  no goal was missed up to rate {loads[-1].rate:g}")
    else:
        why = "; ".join(f"{one.what}: {one.found}" for one in missed(broken))
        lines.append(f"  the first rate that missed a goal is {broken.rate:g}: {why}")
    most = max(loads, key=lambda one: one.jobs.done / one.seconds)
    a_day = most.jobs.done * DAY_S / most.seconds
    lines.append(f"  most jobs done: {a_day:,.0f} a day, at rate {most.rate:g}")
    return (*lines, *disk(loads, jobs_a_day))


def per_thousand(load: Load) -> dict[str, Growth]:
    """Return by how much each table grows with 1,000 jobs, the largest first."""
    done = load.jobs.done
    if not done:
        return {}
    grown = {
        name: Growth(one.mib * 1000 / done, round(one.rows * 1000 / done))
        for name, one in load.grown.items()
    }
    return dict(sorted(grown.items(), key=lambda pair: -pair[1].mib))


def disk(loads: Sequence[Load], jobs_a_day: float) -> tuple[str, ...]:
    """Say what a day adds to the disk, and how long a TiB lasts."""
    told = [one for one in loads if is_carried(one)] or [loads[0]]
    load = told[-1]
    grown = per_thousand(load).values()
    if not grown:
        return (f"growth is not told: no job was done at rate {load.rate:g}",)
    mib, rows = sum(one.mib for one in grown), sum(one.rows for one in grown)
    share = jobs_a_day / 1000
    tables = mib * share / MIB_IN_GIB
    log = load.database.wal_mib * load.seconds / load.jobs.done * jobs_a_day / MIB_IN_GIB
    films = FILM_MIB * jobs_a_day / MIB_IN_GIB
    days = RetentionSettings().media_days
    lasts = GIB_IN_TIB / (tables + films)
    return (
        f"growth with 1,000 jobs: {mib:,.0f} MiB and {rows:,} rows "
        f"(of {load.jobs.done} jobs at rate {load.rate:g})",
        f"growth a day with {jobs_a_day:,.0f} jobs: {tables:.1f} GiB of tables, and "
        f"{films:,.0f} GiB of films of {FILM_MIB} MB, kept for {days:g} days; a TiB is full in "
        f"{lasts:.0f} days. The log of changes is written with {log:.1f} GiB a day and used again",
    )
