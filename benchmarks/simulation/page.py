"""The results as a table in a page of the docs, between two marks."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.simulation.policies import OURS, POLICIES
from benchmarks.simulation.scenarios import SCENARIOS
from benchmarks.simulation.summary import FAULTY, Summary, percentile

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
HEAD = "| policy | all | worst 10 s | p50 s | tries | regret | routed around, p90 s |"


def renew(page: Path, summary: Summary, seeds: Sequence[int], tasks: int) -> None:
    """Put the table in the place of the one that stands in the page.

    Raises:
        ValueError: the page has no marks.
    """
    text = page.read_text(encoding="utf-8")
    marked = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{page} has no place for the table: {BEGIN} … {END}")
    new = f"{BEGIN}\n{table(summary, seeds, tasks)}\n{END}"
    page.write_text(marked.sub(lambda _: new, text), encoding="utf-8")


def table(summary: Summary, seeds: Sequence[int], tasks: int) -> str:
    others = [name for name in SCENARIOS if name != "all"]
    lines = [
        f"Success in percent (standard deviation between seeds), {tasks:,} tasks, "
        f"seeds {seeds[0]}-{seeds[-1]};\nthe columns up to routing around faults are of "
        '"all", "tries" are attempts a task:\n',
        HEAD + "".join(f" {name} |" for name in others),
        "|---" * (7 + len(others)) + "|",
    ]
    for policy in POLICIES:
        bold = "**" if policy in OURS else ""
        around = percentile(summary.routed_around(policy, FAULTY), 0.9)
        cells = [
            f"{bold}{policy.name}{bold}",
            f"{summary.ok(policy, 'all'):.2f} ({summary.spread(policy, 'all'):.1f})",
            f"{100 * summary.mean(policy, 'all', 'worst_10_s'):.0f}",
            f"{summary.mean(policy, 'all', 'p50_s'):.2f}",
            f"{summary.mean(policy, 'all', 'attempts'):.2f}",
            f"{summary.mean(policy, 'all', 'regret'):.3f}",
            f"{around:.0f}",
            *(f"{summary.ok(policy, name):.2f}" for name in others),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
