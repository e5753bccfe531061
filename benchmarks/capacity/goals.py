"""What is promised of a rate, and whether the figures show that it was kept."""

from dataclasses import dataclass

from benchmarks.capacity.load import LATE_S, Load

GOAL_LAG_S = 1.0
LEAST_SLOTS = 20
"""The calendar says what is due: no chance is in it, and so few are enough."""

LEAST_TICKS = 100
ON_TIME = 0.99
BUSY_CORES = 0.3


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise and what was found; `is_met` is None where too little was seen to say either."""

    what: str
    found: str
    is_met: bool | None

    def __str__(self) -> str:
        """Return it as a line of the report."""
        word = {True: "met", False: "missed", None: "not told"}[self.is_met]
        return f"goal {word}: {self.what}: {self.found}"


def goals(load: Load) -> tuple[Goal, ...]:
    """Return each promise of a rate."""
    ticks, slots, jobs = load.ticks, load.slots, load.jobs
    lag_s = max(ticks.lag_s[1], ticks.overdue_s)
    late = f"p50 {slots.late_s[0]:.1f} s, p99 {slots.late_s[1]:.1f} s after it"
    return (
        Goal(
            f"ticks begin within {GOAL_LAG_S:g} s of their slots (p99)",
            f"{ticks.lag_s[1]:.3f} s of {ticks.count} ticks, {ticks.overdue_s:.1f} s overdue",
            _is_met(lag_s <= GOAL_LAG_S, ticks.count, LEAST_TICKS),
        ),
        Goal("no tick fails", f"{ticks.failed} of {ticks.count}", ticks.failed == 0),
        Goal(
            "the planner gives each slot its video",
            f"{slots.filled} of {slots.due} slots",
            _is_met(slots.filled >= slots.due, slots.due, LEAST_SLOTS),
        ),
        Goal(
            f"videos are out within {LATE_S:g} s of their slots",
            f"{slots.out} of {slots.due}; {late}",
            _is_met(slots.out >= ON_TIME * slots.due, slots.due, LEAST_SLOTS),
        ),
        Goal("no job comes to nothing", f"{jobs.ended} did", jobs.ended == 0),
    )


def missed(load: Load) -> tuple[Goal, ...]:
    """Return what was not kept."""
    return tuple(one for one in goals(load) if one.is_met is False)


def is_carried(load: Load) -> bool:
    """Tell whether every promise was shown to be kept."""
    return all(one.is_met for one in goals(load))


def busy(load: Load) -> str | None:
    """Say that others took so much of the machine that what was missed may be their doing."""
    others = load.cores["others"]
    if others <= BUSY_CORES:
        return None
    return (
        f"others kept {others:.1f} of {load.cpus} cores busy at rate {load.rate:g}: "
        "what was missed may be their doing; measure on a quiet machine"
    )


def exit_code(load: Load) -> int:
    """Return 0 when all was kept, 1 when something was not, 2 when too little was seen to tell."""
    return 1 if missed(load) else 0 if is_carried(load) else 2


def _is_met(held: bool, seen: int, least: int) -> bool | None:
    """What was broken is told however little was seen; that it was kept is not."""
    if not held:
        return False
    return True if seen >= least else None
