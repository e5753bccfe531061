"""The measured rates as a table in a page of the docs, between two marks."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.capacity.crowd import DAY_S
from benchmarks.capacity.load import GOAL_LAG_S, Load

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
NAMED = 8


def put_into(page: Path, loads: Sequence[Load], days: int) -> None:
    """Put the figures between the page's marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    carried = [one for one in loads if not one.broken] or [loads[0]]
    text = "\n".join((*_table(loads), "", *_growth(carried[-1]), "", *_broken(loads)))
    head = f"{loads[0].seconds:.0f} s a rate, after {days} days of history:"
    page.write_text(f"{before}{BEGIN}\n{head}\n\n{text}\n{END}{after}", encoding="utf-8")


def _table(loads: Sequence[Load]) -> list[str]:
    rows = {
        "jobs started a day": [f"{one.started * DAY_S / one.seconds:,.0f}" for one in loads],
        "jobs done a day": [f"{one.done * DAY_S / one.seconds:,.0f}" for one in loads],
        "ticks a second": [f"{one.ticks / one.seconds:.1f}" for one in loads],
        "lag of ticks, p50": [f"{one.lag_s[0] * 1000:.0f} ms" for one in loads],
        f"lag of ticks, p99 (goal {GOAL_LAG_S:g} s)": [
            f"{one.lag_s[1] * 1000:.0f} ms" for one in loads
        ],
        "a tick takes, p50 and p99": [
            f"{one.took_s[0] * 1000:.0f}, {one.took_s[1] * 1000:.0f} ms" for one in loads
        ],
        "first round, everything due at once": [f"{one.first_s:.0f} s" for one in loads],
        "transactions a second": [f"{one.transactions:.0f}" for one in loads],
        "rows read a second": [f"{one.rows_read:,.0f}" for one in loads],
        "rows written a second": [f"{one.rows_written:.0f}" for one in loads],
        "connections": [f"{one.connections}" for one in loads],
        **{
            f"cores: {name}": [f"{one.cores[name]:.2f}" for one in loads] for name in loads[0].cores
        },
        "growth, GiB a day": [
            f"{sum(one.grown.values()) * DAY_S / one.seconds / 1024:.2f}" for one in loads
        ],
        "carried": [_carried(one) for one in loads],
    }
    return [
        "| rate | " + " | ".join(f"{one.rate:g}" for one in loads) + " |",
        "|---" * (len(loads) + 1) + "|",
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()),
    ]


def _carried(load: Load) -> str:
    if not load.is_told:
        return "too short to tell"
    return "no" if load.broken else "yes"


def _growth(load: Load) -> list[str]:
    most = sorted(load.grown.items(), key=lambda pair: -pair[1])[:NAMED]
    a_day = DAY_S / load.seconds / load.rate
    told = ", ".join(f"{name} {mib * a_day:,.0f}" for name, mib in most)
    return [f"What grows a day at rate 1, nothing pruned, in MiB (seen at {load.rate:g}): {told}."]


def _broken(loads: Sequence[Load]) -> list[str]:
    short = [f"{one.rate:g}" for one in loads if not one.is_told]
    told = [f"Too short to tell at rate {', '.join(short)}."] if short else []
    told += [f"Rate {one.rate:g} breaks: {'; '.join(one.broken)}." for one in loads if one.broken]
    return told or [f"Nothing broke up to rate {loads[-1].rate:g}."]
