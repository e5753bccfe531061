"""Agents as operators see them: who is on duty, and why one was chosen."""

from collections.abc import Mapping
from datetime import datetime

from bookai.models import Record


class AgentRow(Record):
    """An agent, its track record, and where it is on duty now.

    `breaker` is closed, half_open or open, by the worst of the processes in `places`; an agent that
    missed three beats `is_alive` no more.
    """

    name: str
    capabilities: tuple[str, ...]
    tries: int
    wins: int
    success_rate: float
    median_seconds: float | None
    last_error: str | None
    kind: str = "local"
    is_alive: bool = False
    last_beat_at: datetime | None = None
    in_flight: int = 0
    capacity: int = 0
    breaker: str | None = None
    places: tuple[str, ...] = ()


class CandidateRow(Record):
    """One who could have been chosen: its score's terms as text; why it was left out, if it was."""

    name: str
    terms: Mapping[str, str]
    excluded: str | None


class ChoiceRow(Record):
    """One choice of an agent for a step of a job, and what came of it; `words` tells it all.

    `outcome`: running, ok, refused, failed, timeout, cancelled, lost. `fault` says whose a failure
    was: quality, infra, busy, client. `candidates` stand best first.
    """

    capability: str
    round: int
    agent: str
    outcome: str
    fault: str | None
    error: str | None
    seconds: float | None
    started_at: datetime
    place: str | None
    candidates: tuple[CandidateRow, ...]
    words: str
