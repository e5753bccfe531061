"""What a rehearsal tells: everything in it is simulated, and the same seed tells the same."""

from datetime import datetime

from bookai.models import Record


class Film(Record):
    """One video of the rehearsal, from its story to what became of it."""

    job_id: int
    channel: str
    title: str
    asked_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    decided: str
    slot_at: datetime | None
    published_at: datetime | None
    views: int | None
    state: str
    reason: str | None


class Broken(Record):
    """Something that broke, when first, how often, how it was met, and each time that it was not.

    All of it is counted from the studio's own rows.
    """

    what: str
    at: datetime
    times: int
    met: str
    unmet: tuple[str, ...] = ()


class Climb(Record):
    """A channel to which a rule was granted: the terms, how often it said yes, what moved it."""

    channel: str
    rule: str
    granted_by: str
    level: str
    after: int
    per_day: int
    by_rule: int
    steps: tuple[str, ...]


class TickRow(Record):
    """What the loop did of one kind."""

    name: str
    ticks: int
    slots: int
    failed: int


class Earned(Record):
    """What the simulated viewers brought in, in one currency's smallest unit."""

    currency: str
    clicks: int
    sales: int
    minor: int


class Proof(Record):
    """One promise, whether it was kept, and what was found."""

    promise: str
    ok: bool
    found: str


class RehearsalReport(Record):
    """A whole rehearsal; `took_s` is the only figure that another run may change."""

    simulated: bool = True
    seed: int
    begins_at: datetime
    ends_at: datetime
    home: str | None = None
    films: tuple[Film, ...]
    acts: tuple[str, ...]
    broken: tuple[Broken, ...]
    climbs: tuple[Climb, ...]
    earned: tuple[Earned, ...]
    ticks: tuple[TickRow, ...]
    proofs: tuple[Proof, ...]
    real_films: int
    took_s: float

    @property
    def ok(self) -> bool:
        """Tell whether every promise was kept."""
        return all(one.ok for one in self.proofs)
