"""The batch's line of progress: how many, how fast, how long still."""

from dataclasses import dataclass

from studio.batch.records import Made


@dataclass(slots=True)
class Tally:
    """Counts rows. Those `kept` and those not understood say nothing of this run's speed."""

    total: int
    began: float
    kept: int = 0
    done: int = 0
    failed: int = 0
    worked: int = 0

    def keep(self) -> None:
        """Count a row that an earlier run finished."""
        self.kept += 1

    def count(self, made: Made) -> None:
        """Count a row of this run."""
        self.done += 1
        self.failed += not made.ok
        self.worked += made.seconds > 0

    @property
    def settled(self) -> int:
        """How many rows are behind us."""
        return self.kept + self.done

    def line(self, now: float) -> str:
        """Return the state at `now` (seconds of the clock of `began`) in one line."""
        spent = max(now - self.began, 1e-9)
        parts = [f"{self.settled} of {self.total}"]
        if self.worked:
            parts.append(f"{60 * self.worked / spent:.1f} a minute")
            left = (self.total - self.settled) * spent / self.worked
            parts.append(f"{_clock(left)} left")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
