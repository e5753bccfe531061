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
    decided: str
    slot_at: datetime | None
    published_at: datetime | None
    views: int | None
    state: str
    reason: str | None


class Broken(Record):
    """Something that broke, when first, how often, and how it was met."""

    what: str
    at: datetime | None
    times: int
    met: str


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
    earned: tuple[Earned, ...]
    ticks: tuple[TickRow, ...]
    proofs: tuple[Proof, ...]
    real_films: int
    took_s: float

    @property
    def ok(self) -> bool:
        """Tell whether every promise was kept."""
        return all(one.ok for one in self.proofs)
