"""The measured rates as a table in a page of the docs, between two marks."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.capacity.crowd import DAY_S
from benchmarks.capacity.goals import GOAL_LAG_S, LEAST_SLOTS, busy, goals, is_carried, missed
from benchmarks.capacity.limits import breaks_first, per_thousand
from benchmarks.capacity.load import LATE_S, Load

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
NAMED = 8


def put_into(page: Path, loads: Sequence[Load], days: int, jobs_a_day: int) -> None:
    """Put the figures between the page's marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = "\n".join(
        (
            f"After {days} days of history, on {loads[0].cpus} cores:",
            "",
            *_table(loads),
            "",
            *(f"- {one}" for load in loads for one in _told(load)),
            "",
            *(f"- {one.strip()}" for one in breaks_first(loads, jobs_a_day)),
            "",
            *_growth([one for one in loads if is_carried(one)] or loads[:1]),
        )
    )
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _table(loads: Sequence[Load]) -> list[str]:
    rows = {
        "measured for": [f"{one.seconds:.0f} s" for one in loads],
        "slots that came up": [f"{one.slots.due}" for one in loads],
        **_work(loads),
        **_loop(loads),
        **_database(loads),
        **{
            f"cores: {name}": [f"{one.cores[name]:.2f}" for one in loads] for name in loads[0].cores
        },
        "carried": [_carried(one) for one in loads],
    }
    return [
        "| rate | " + " | ".join(f"{one.rate:g}" for one in loads) + " |",
        "|---" * (len(loads) + 1) + "|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]


def _work(loads: Sequence[Load]) -> dict[str, list[str]]:
    return {
        "of them with a video": [f"{one.slots.filled}" for one in loads],
        f"of them out within {LATE_S:g} s": [f"{one.slots.out}" for one in loads],
        "started by the planner": [f"{one.jobs.by_plan}" for one in loads],
        "jobs started a day": [f"{one.jobs.started * DAY_S / one.seconds:,.0f}" for one in loads],
        "jobs done a day": [f"{one.jobs.done * DAY_S / one.seconds:,.0f}" for one in loads],
        "from start to question, p50 and p99": [
            f"{one.jobs.made_s[0]:.0f}, {one.jobs.made_s[1]:.0f} s" for one in loads
        ],
        "hands busy": [f"{one.jobs.hands:.1f}" for one in loads],
    }


def _loop(loads: Sequence[Load]) -> dict[str, list[str]]:
    return {
        "ticks a second": [f"{one.ticks.count / one.seconds:.1f}" for one in loads],
        f"lag of ticks, p50 and p99 (goal {GOAL_LAG_S:g} s)": [
            _ms(one.ticks.lag_s[:2]) for one in loads
        ],
        "a tick takes, p50 and p99": [_ms(one.ticks.took_s) for one in loads],
        "looks of the planner": [f"{one.ticks.plans}" for one in loads],
        "a look takes, p50 and p99": [_ms(one.ticks.plan_s) for one in loads],
        "first round, everything due at once": [f"{one.first_s:.0f} s" for one in loads],
    }


def _database(loads: Sequence[Load]) -> dict[str, list[str]]:
    return {
        "transactions a second": [f"{one.database.transactions:.0f}" for one in loads],
        "rows read a second": [f"{one.database.rows_read:,.0f}" for one in loads],
        "rows written a second": [f"{one.database.rows_written:.0f}" for one in loads],
        "log of changes, MiB a second": [f"{one.database.wal_mib:.2f}" for one in loads],
        "connections": [f"{one.database.connections}" for one in loads],
    }


def _told(load: Load) -> list[str]:
    lines = [f"Rate {load.rate:g}, {one}." for one in goals(load)]
    found = busy(load)
    return [*lines, f"{found[0].upper()}{found[1:]}."] if found else lines


def _carried(load: Load) -> str:
    if missed(load):
        return "no"
    return "yes" if is_carried(load) else f"not told: fewer than {LEAST_SLOTS} slots"


def _growth(loads: Sequence[Load]) -> list[str]:
    rows = list(per_thousand(loads[-1]).items())[:NAMED]
    if not rows:
        return []
    return [
        f"What grows most with 1,000 jobs, nothing pruned, as seen at rate {loads[-1].rate:g}:",
        "",
        "| table | MiB | rows |",
        "|---|---|---|",
        *(f"| {name} | {one.mib:.1f} | {one.rows:,} |" for name, one in rows),
    ]


def _ms(seconds: Sequence[float]) -> str:
    return ", ".join(f"{one * 1000:.0f}" for one in seconds) + " ms"
