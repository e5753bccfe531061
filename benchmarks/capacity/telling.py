"""One rate's figures in words, for the terminal."""

from benchmarks.capacity.crowd import DAY_S
from benchmarks.capacity.goals import busy, goals
from benchmarks.capacity.limits import per_thousand
from benchmarks.capacity.load import Load

NAMED = 8


def report(load: Load) -> str:
    """Return everything that was measured of a rate."""
    ticks, jobs, database = load.ticks, load.jobs, load.database
    a_day = DAY_S / load.seconds
    cores = ", ".join(f"{name} {cores:.2f}" for name, cores in load.cores.items())
    most = list(per_thousand(load).items())[:NAMED]
    lines = [
        f"rate {load.rate:g} ({load.seconds:.0f} s, {load.slots.due} slots due)",
        f"  first round, everything due at once: {load.first_s:.1f} s",
        f"  ticks: {ticks.count} ({ticks.count / load.seconds:.1f}/s), {ticks.failed} failed; "
        f"lag {_ms(*ticks.lag_s)} (p50, p99, most); took {_ms(*ticks.took_s)}",
        f"  plans: {ticks.plans} looks, took {_ms(*ticks.plan_s)} (p50, p99); "
        f"{ticks.inside:.2f} ticks inside and {ticks.outside:.2f} outside side by side",
        f"  jobs: {jobs.started} started, {jobs.by_plan} of them by the planner "
        f"({jobs.started * a_day:,.0f} a day), {jobs.made} made, {jobs.done} done, "
        f"{jobs.ended} ended otherwise, {jobs.underway} under way",
        f"  from start to question: p50 {jobs.made_s[0]:.1f} s, p99 {jobs.made_s[1]:.1f} s; "
        f"{jobs.hands:.1f} hands busy, up to {jobs.waited} waited for one",
        f"  database: {database.transactions:.0f} transactions/s, "
        f"{database.rows_read:,.0f} rows read/s, {database.rows_written:.0f} rows written/s, "
        f"{database.wal_mib:.2f} MiB/s of log, "
        f"{database.connections} of {database.allowed} connections",
        f"  cores of {load.cpus}: {cores}",
        "  growth with 1,000 jobs: "
        + ", ".join(f"{name} {one.mib:.1f} MiB in {one.rows:,} rows" for name, one in most),
        *(f"  ended: {one}" for one in jobs.why),
        *(f"  {one}" for one in (*goals(load), busy(load)) if one),
    ]
    return "\n".join(lines)


def _ms(*seconds: float) -> str:
    return ", ".join(f"{one * 1000:.0f}" for one in seconds) + " ms"
