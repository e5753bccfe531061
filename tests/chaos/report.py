"""What a number of runs came to: as text for the terminal, as Markdown for the docs."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.schedule import KINDS
from tests.chaos.stage import Outcome


@dataclass(slots=True)
class Tally:
    """The sums over runs."""

    runs: int = 0
    videos: int = 0
    published: int = 0
    checked: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    planned: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    violations: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Add one run."""
        self.runs += 1
        self.videos += len(outcome.schedule.wishes)
        self.published += outcome.published
        self.checked += outcome.checked
        for index, fault in enumerate(outcome.schedule.faults):
            self.planned[fault.kind] += 1
            self.fired[fault.kind] += index in outcome.fired
        if outcome.violations:
            self.violations[outcome.schedule.seed] = outcome.violations

    def text(self) -> str:
        """Return the summary for a terminal."""
        rows = [f"{kind:<24}{self.planned[kind]:>8}{self.fired[kind]:>8}" for kind in KINDS]
        return "\n".join(
            (f"{'fault':<24}{'planned':>8}{'struck':>8}", *rows, self._sums(), self._broken())
        )

    def markdown(self) -> str:
        """Return the summary for a page."""
        rows = [f"| {kind} | {self.planned[kind]} | {self.fired[kind]} |" for kind in KINDS]
        table = ("| fault | planned | struck |", "|---|---:|---:|", *rows)
        return "\n".join((*table, "", self._sums(), "", self._broken(), ""))

    def _sums(self) -> str:
        return (
            f"{self.runs} seeds, {self.videos} videos, {self.published} published; "
            f"{sum(self.planned.values())} faults planned, {sum(self.fired.values())} struck; "
            f"{self.checked} invariants checked; {self.seconds:.0f} s, of which the processors "
            f"worked {self.cpu_seconds:.0f} s"
        )

    def _broken(self) -> str:
        if not self.violations:
            return "no invariant was broken"
        return f"BROKEN in {len(self.violations)} seeds: {', '.join(map(str, self.violations))}"


def story(outcome: Outcome, logs: str) -> str:
    """Return a run's schedule, what was wrong, and the command that runs it again."""
    lines = [*outcome.schedule.lines()]
    for index, _ in enumerate(outcome.schedule.faults):
        mark = "struck" if index in outcome.fired else "did not come to pass"
        at = len(outcome.schedule.wishes) + 1 + index
        lines[at] += f": {mark}"
    lines += [f"  BROKEN: {one}" for one in outcome.violations]
    if outcome.violations:
        lines.append(f"  again: python -m tests.chaos --seed {outcome.schedule.seed} --verbose")
    lines.append(f"  {outcome.seconds:.1f} s")
    return "\n".join((*lines, logs)) if logs else "\n".join(lines)
