"""The router: who is asked next, by expected seconds to success. No clock, no I/O, no globals."""

from collections.abc import Mapping, Set
from enum import Enum
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Final, Literal

from bookai.router.evidence import Event, Outcome
from bookai.router.member import Member, Row, Ticket
from bookai.router.params import Params
from bookai.router.patience import last_resort, worth_waiting
from bookai.router.score import Score, Standing, scores
from bookai.router.table import Luck, Table

NOBODY: frozenset[str] = frozenset()
NO_ROWS: frozenset[int] = frozenset()
NO_SECONDS: dict[int, float] = {}
# Decay reaches prices in slices, so that no choice pays for all members at once.
SLICE = 8
MOST_AT_ONCE = 256
MOST_A_SECOND = 2000.0
LONG_S = 3600.0  # by then everything is owed a look


class Wait(Enum):
    """The answer of `choose` when those who could do it are merely busy."""

    WAIT = "wait"


WAIT: Final = Wait.WAIT


class Router:
    """Keeps what is known of each member and chooses among them.

    `now` is seconds on one axis, the same in every call. A choice changes nothing; `begin` takes a
    slot and `end` gives it back.
    """

    def __init__(self, params: Params, rng: Random) -> None:
        self.params = params
        self._rng = rng
        self._luck = Luck(rng)
        self._members: dict[str, Member] = {}
        self._gone: dict[str, Member] = {}
        self._tables: dict[str, Table] = {}
        self._wakes: list[tuple[float, str]] = []
        self._turns: list[Member] = []  # the order in which decay reaches members
        self._turn = 0
        self._owed = 0.0
        self._looked_at = -inf
        self._due = -inf  # when there is next something to look at
        self._seen = -inf

    @property
    def names(self) -> tuple[str, ...]:
        """Return all members, in the order of their joining."""
        return tuple(self._members)

    def capabilities(self, name: str) -> tuple[str, ...]:
        """Return what a member can do."""
        return tuple(self._members[name].rows)

    def add(
        self,
        name: str,
        skills: Mapping[str, float],
        *,
        now: float,
        capacity: int = 1,
        cost_s: float = 0.0,
    ) -> None:
        """Let a member join, or change what it can do; what is known of it stays.

        `skills` gives the success rate it declares for each capability, 0 to 1; `cost_s` is what
        its price is worth in seconds. Joining is a sign of life.
        """
        if capacity < 1:
            raise ValueError(f"{name!r} needs a capacity of 1 or more, not {capacity}.")
        member = self._members.get(name)
        if member is None:
            member = self._gone.pop(name, None) or Member(name, self._rng.random())
            self._members[name] = member
            self._turns.append(member)
            self._due = -inf
        member.capacity, member.cost_s = capacity, cost_s
        member.memory.declare(skills, self.params)
        for capability in member.rows.keys() - skills.keys():
            self._drop_row(member, capability)
        for capability in skills:
            if capability not in member.rows:
                table = self._tables.setdefault(capability, Table(self._luck))
                member.rows[capability] = Row(table, table.append(member))
        self.beat(name, now)

    def remove(self, name: str) -> None:
        """Let a member leave. Its attempts may still end; should it come back, it is known."""
        member = self._members.pop(name, None)
        if member is None:
            return
        for capability in list(member.rows):
            self._drop_row(member, capability)
        self._turns.remove(member)
        member.wake_at = inf  # while it is gone nobody looks: coming back, it asks anew
        self._gone[name] = member

    def _drop_row(self, member: Member, capability: str) -> None:
        row = member.rows.pop(capability)
        member.share_latency(row, None)
        moved = row.table.pop(row.place)
        if moved is not None:
            moved.rows[capability].place = row.place
        if not row.table:
            del self._tables[capability]

    def beat(self, name: str, now: float) -> None:
        """Note a sign of life. One who was silent behind an open breaker may be tried at once."""
        member = self._members[name]
        if now - member.beat_at > self.params.stale_s / 2:
            member.evidence.breaker.half_open(now)
        member.beat_at = now
        self._refresh(member, now)

    def chill(self, name: str, capability: str, seconds: float) -> None:
        """Say how long this pair would take to get warm, such as loading a model; 0 is warm."""
        member = self._members[name]
        member.rows[capability].cold_s = seconds
        member.reprice(self._seen, self.params)

    def pause(self, name: str, now: float, seconds: float) -> None:
        """Ask this member nothing for a while; 0 ends a pause."""
        member = self._members[name]
        member.paused_until = now + seconds
        self._refresh(member, now)

    def choose(
        self,
        capability: str,
        now: float,
        exclude: Set[str] = NOBODY,
        favour: Mapping[str, float] | None = None,
    ) -> str | Literal[Wait.WAIT] | None:
        """Return who should be asked; WAIT: those who could are busy; None: there is nobody.

        WAIT as well when only such are free as will most likely fail (`Params.hopeless`).
        `favour` takes seconds off a member's expected time: it has the work warm in a cache.
        """
        if now >= self._due:
            self._look(now)
        table = self._tables.get(capability)
        if table is None:
            return None
        without = self._rows(capability, exclude) if exclude else NO_ROWS
        best = None
        if 0 < self.params.draws < len(table):
            best = table.best_drawn(self.params.draws, without)
        if best is None:
            off_s = self._off(capability, favour) if favour else NO_SECONDS
            best = table.best(without, off_s)
        if best is not None:
            if table.mean[best] < self.params.hopeless and worth_waiting(
                table, capability, best, without, now, self.params
            ):
                return WAIT
            return table.members[best].name
        if len(without) == len(table):
            return None
        last = last_resort(table, capability, without, now, self.params)
        return WAIT if last is None else last

    def _rows(self, capability: str, names: Set[str]) -> Set[int]:
        rows = (self._members[name].rows.get(capability) for name in names if name in self._members)
        return {row.place for row in rows if row is not None}

    def _off(self, capability: str, favour: Mapping[str, float]) -> dict[int, float]:
        off_s = {}
        for name, seconds in favour.items():
            member = self._members.get(name)
            if member is not None and capability in member.rows:
                off_s[member.rows[capability].place] = seconds
        return off_s

    def expected(self, name: str, capability: str) -> float:
        """Return the success last seen of a member, 0 to 1; 0 for what it cannot do."""
        member = self._members.get(name)
        row = member.rows.get(capability) if member else None
        return row.table.mean[row.place] if row else 0.0

    def begin(self, name: str, capability: str, now: float) -> Ticket:
        """Take one of a member's slots."""
        member = self._members[name]
        craft = member.evidence.crafts[capability]
        ticket = Ticket(member, capability, member.state(craft, now) != "closed")
        member.in_flight += 1
        member.probes += ticket.probe
        member.reprice(now, self.params)
        return ticket

    def end(self, ticket: Ticket, outcome: Outcome, seconds: float, now: float) -> None:
        """Give the slot back and learn how it went.

        Raises:
            RuntimeError: this ticket has been given back before.
        """
        if ticket.ended:
            raise RuntimeError(f"{ticket.name!r} ended the same {ticket.capability!r} twice.")
        ticket.ended = True
        member = ticket.member
        member.in_flight -= 1
        member.probes -= ticket.probe
        if outcome == "busy":
            member.paused_until = max(member.paused_until, now + self.params.busy_s)
        member.memory.take(Event(now, ticket.capability, outcome, seconds), self.params)
        self._refresh(member, now)

    def learn(
        self,
        name: str,
        capability: str,
        outcome: Outcome,
        seconds: float,
        now: float,
        ended_at: float,
    ) -> None:
        """Learn an outcome of another process or of the past, in any order.

        Members join first: of one that never did, nothing is kept.
        """
        member = self._members.get(name) or self._gone.get(name)
        if member is None:
            return
        member.memory.take(Event(ended_at, capability, outcome, seconds), self.params)
        self._refresh(member, now)

    def explain(self, capability: str, now: float, exclude: Set[str] = NOBODY) -> tuple[Score, ...]:
        """Return every candidate as the last choice saw it, best first, the excluded last.

        Ask between `choose` and `begin`.
        """
        table = self._tables.get(capability)
        if table is None:
            return ()
        return scores(table, capability, exclude, now, self.params)

    def state(self, name: str, now: float | None = None) -> Standing:
        """Return how a member stands; any thread may ask. Without `now`: as of the last event."""
        member = self._members[name]
        now = self._seen if now is None else max(now, self._seen)
        crafts = member.evidence.crafts
        success = {
            capability: member.success(crafts[capability], now, self.params)[0]
            for capability in tuple(member.rows)
        }
        breaker = member.evidence.breaker.state(now)
        return Standing(name, member.in_flight, member.capacity, success, breaker, member.beat_at)

    def next_change(self, now: float) -> float | None:
        """Return when time alone may next free somebody: a pause, a breaker. None: never."""
        if now >= self._due:
            self._look(now)
        return self._wakes[0][0] if self._wakes else None

    def _refresh(self, member: Member, now: float) -> None:
        self._seen = max(self._seen, now)
        member.refresh(now, self.params)
        wake_at = member.next_change(now, self.params)
        if wake_at < member.wake_at:
            member.wake_at = wake_at
            self._due = min(self._due, wake_at)
            heappush(self._wakes, (wake_at, member.name))

    def _look(self, now: float) -> None:
        """Do what time has brought: pauses and breakers that are over, silence, decay."""
        wakes = self._wakes
        while wakes and wakes[0][0] <= now:
            wake_at, name = heappop(wakes)
            member = self._members.get(name)
            if member is not None and member.wake_at == wake_at:
                member.wake_at = inf
                self._refresh(member, now)
        self._decay(now)

    def _decay(self, now: float) -> None:
        """Refresh as many members as are owed for the time gone by, in turn."""
        count = len(self._turns)
        a_second = min(count / self.params.refresh_s, MOST_A_SECOND)
        gone_s = min(LONG_S, max(0.0, now - self._looked_at))
        self._owed = min(self._owed + gone_s * a_second, count)
        self._looked_at = now
        slice_ = min(SLICE, count)
        if self._owed >= slice_:
            for _ in range(min(int(self._owed), MOST_AT_ONCE)):
                self._turn = (self._turn + 1) % count
                self._refresh(self._turns[self._turn], now)
            self._owed = 0.0
        next_slice = now + (slice_ - self._owed) / a_second if count else inf
        self._due = min(next_slice, self._wakes[0][0]) if self._wakes else next_slice
