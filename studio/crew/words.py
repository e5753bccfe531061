"""Who is on duty, and why an agent was chosen: in plain words, from what was written down."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bookai.db.executions import Past, TrackRecord
from bookai.db.memory import DEAD_AFTER_S
from bookai.duty import AgentRow, CandidateRow, ChoiceRow

TERMS = (
    ("score_s", "expected {} s until it succeeds"),
    ("success", "success {}"),
    ("latency_s", "takes {} s"),
    ("evidence", "by {} attempts remembered"),
    ("load", "load {}"),
    ("cold_s", "{} s to warm up"),
    ("cost_s", "cost counted as {} s"),
)
_ENDINGS = {
    "ok": "did it",
    "refused": "refused",
    "failed": "failed",
    "timeout": "was out of time",
    "cancelled": "was cancelled",
    "lost": "was lost with its process",
    "running": "is at it",
}
_FAULTS = {
    "quality": "by what it made",
    "infra": "by what it runs on",
    "busy": "for now",
    "client": "for a reason of the task's own",
}


def agent_row(record: TrackRecord) -> AgentRow:
    """Return an agent as operators and their tools see it."""
    worst = [state for state in ("open", "half_open", "closed") if state in record.breakers]
    return AgentRow(
        name=record.name,
        capabilities=record.capabilities,
        tries=record.tries,
        wins=record.wins,
        success_rate=record.wins / record.tries if record.tries else 0.0,
        median_seconds=record.median_s,
        last_error=record.last_error,
        kind=record.kind,
        is_alive=bool(record.places) and record.silent_s <= DEAD_AFTER_S,
        last_beat_at=record.last_seen_at,
        in_flight=record.in_flight,
        capacity=record.capacity,
        breaker=worst[0] if worst else None,
        places=record.places,
    )


def explain(attempts: Sequence[Past]) -> tuple[ChoiceRow, ...]:
    """Return one row an attempt, in the order in which they began."""
    rows = []
    for _, of_step in groupby(attempts, key=lambda one: (one.capability, one.round_)):
        before: list[Past] = []
        for one in of_step:
            rows.append(_row(one, before))
            before.append(one)
    return tuple(rows)


def _row(one: Past, before: Sequence[Past]) -> ChoiceRow:
    candidates = tuple(_candidate(terms) for terms in one.candidates)
    return ChoiceRow(
        capability=one.capability,
        round=one.round_,
        agent=one.agent,
        outcome=one.outcome,
        fault=one.fault,
        error=one.error,
        seconds=one.seconds,
        started_at=one.started_at,
        place=one.place,
        candidates=candidates,
        words=_words(one, before, candidates),
    )


def _candidate(terms: Mapping[str, str | None]) -> CandidateRow:
    told = {key: value for key, value in terms.items() if value is not None}
    excluded = told.pop("excluded", None)
    return CandidateRow(name=told.pop("name", "?"), terms=told, excluded=excluded)


def _words(one: Past, before: Sequence[Past], candidates: Iterable[CandidateRow]) -> str:
    by_name = {row.name: row for row in candidates}
    mine = by_name.pop(one.agent, None)
    others = "; ".join(f"{row.name}: {_told(row)}" for row in by_name.values())
    why = _why(one, before, by_name)
    return " ".join(
        part
        for part in (
            f"{one.agent} {why}" + (f" ({_terms(mine)})." if mine else "."),
            f"The others: {others}." if others else "",
            f"It {_ending(one)}.",
        )
        if part
    )


def _why(one: Past, before: Sequence[Past], others: Mapping[str, CandidateRow]) -> str:
    stood_in = [past for past in before if past.agent != one.agent and past.outcome != "ok"]
    if stood_in:
        last = stood_in[-1]
        return f"stood in at {one.capability} for {last.agent}, which {_ending(last)}"
    if before:
        return f"took up {one.capability} again after it {_ending(before[-1])}"
    if not others:
        return f"was the only one that can {one.capability}"
    if all(row.excluded for row in others.values()):
        return f"was the only one free to {one.capability}"
    return f"was expected to finish {one.capability} soonest"


def _told(row: CandidateRow) -> str:
    terms = _terms(row)
    return f"left out, {row.excluded} ({terms})" if row.excluded else terms


def _terms(row: CandidateRow) -> str:
    told = [
        text.format(row.terms[name])
        for name, text in TERMS
        if name in row.terms and not _is_nothing(name, row.terms[name])
    ]
    return ", ".join(told)


def _is_nothing(name: str, value: str) -> bool:
    return name in ("cold_s", "cost_s") and not value.strip("0.")


def _ending(one: Past) -> str:
    ending = _ENDINGS.get(one.outcome, one.outcome)
    if one.fault in _FAULTS:
        ending = f"{ending} {_FAULTS[one.fault]}"
    took = f" after {one.seconds:.1f} s" if one.seconds is not None else ""
    return f"{ending}{took}" + (f": {one.error}" if one.error else "")
