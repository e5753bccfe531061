"""A soak in words: for the terminal, and as the figures of its page."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.unattended.soaking import Found, Plan

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


_ENDS = (
    "every promise was kept",
    "NOT every promise was kept",
    "no promise was broken, and not of each it can be told that it was kept",
)


def tell(plan: "Plan", found: "Found") -> str:
    """Return everything that was found."""
    films = "stand-in films" if plan.with_stubs else "real renders"
    lines = [
        f"soak of {found.seconds / 60:.1f} min at {plan.speed:g} times the cadence, {films}, "
        f"seed {plan.seed}; others kept {found.others_cores:.1f} cores busy",
        *(f"  {what}: {said}" for what, said in rows(found)),
        *(f"  {event.at:7.1f} s  {event.what}" for event in found.events),
        *(f"  broken: {one}" for one in found.verdict.broken),
        *(f"  not told: {one}" for one in found.verdict.not_told),
        _ENDS[found.exit_code],
    ]
    return "\n".join(lines) + "\n"


def rows(found: "Found") -> tuple[tuple[str, str], ...]:
    """Return what was promised and what was found, as pairs."""
    verdict, ticks = found.verdict, found.verdict.ticks
    kills = sum("kill -9" in event.what for event in found.events)
    restarts = sum("Postgres" in event.what for event in found.events)
    return (
        ("broken on purpose", f"{kills} kill -9, {restarts} restarts of Postgres, 1 time no loop"),
        ("elections of a leader", f"{ticks.elections}"),
        (
            "slots that passed, settled",
            f"{ticks.slots}, {ticks.settled} by {ticks.count} ticks; {len(ticks.wrong)} wrong",
        ),
        ("ticks taken up from a dead leader", f"{ticks.again}"),
        ("ticks that failed", "; ".join((f"{ticks.failed}", *ticks.reasons))),
        ("lag of ticks", f"p50 {ticks.lag_p50_s:.2f} s, p99 {ticks.lag_p99_s:.2f} s"),
        ("jobs", _counts(verdict.jobs) + f"; {len(verdict.stuck)} stuck"),
        ("posts", f"{_counts(verdict.posts)}; pages in the gallery: {verdict.pages}"),
        ("approvals given", f"{found.approved}"),
        ("audit log", verdict.audit),
        (
            "memory of a loop and a worker never killed, early and late",
            _pair(verdict.memory_mib, "MiB"),
        ),
        ("memory of Postgres, early and late", _pair(verdict.postgres_mib, "MiB")),
        ("connections, early and late", _pair(verdict.connections, "")),
        ("alerts", _alerts(found)),
        ("starts", _counts(found.starts)),
        ("exit codes at the end", ", ".join(f"{k} {v}" for k, v in found.exits.items())),
    )


def put_into(page: Path, plan: "Plan", found: "Found") -> None:
    """Put the figures between the page's marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    films = "stand-in films" if plan.with_stubs else "real renders"
    table = [
        f"{found.seconds / 60:.0f} minutes at {plan.speed:g} times the cadence, {films}, seed "
        f"{plan.seed}; others kept {found.others_cores:.1f} of the machine's cores busy.",
        "",
        "| what | found |",
        "|---|---|",
        *(f"| {what} | {said.replace('|', '/')} |" for what, said in rows(found)),
        *(f"| **broken** | {one.replace('|', '/')} |" for one in found.verdict.broken),
        *(f"| not told | {one.replace('|', '/')} |" for one in found.verdict.not_told),
    ]
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n{END}{after}", encoding="utf-8")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _pair(values: tuple[float, float], unit: str) -> str:
    if values == (0.0, 0.0):
        return "not told: too seldom was everybody at work"
    return f"{values[0]:.0f} and {values[1]:.0f} {unit}".strip()


def _alerts(found: "Found") -> str:
    if found.alerts is None:
        return "not evaluated: there is no prometheus on PATH"
    return (
        ", ".join(f"{a.name} ({a.severity}) {a.since:.0f}-{a.until:.0f} s" for a in found.alerts)
        or "none"
    )
