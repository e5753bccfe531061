"""What the studio was let do by itself: under whose rule, what it did, and what took it away."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bookai.db import audit
from bookai.db.audit import Event
from bookai.db.pool import Pool
from bookai.decisions import RULE
from studio.rehearsal.record import Climb

MOST = 100_000
KINDS = ("autonomy.", "approval.edited", "approval.decided")
ASKED = frozenset({"autonomy.strike", "autonomy.operator"})
"""What an operator said; the lock that follows has an event of its own."""


async def ladder_events(pool: Pool) -> tuple[Event, ...]:
    """Return what moved a channel on the ladder, and each decision, the oldest first."""
    found = [one for kind in KINDS for one in await audit.search(pool, kind=kind, limit=MOST)]
    return tuple(sorted(found, key=lambda one: one.event_id))


def climbs_of(events: Sequence[Event], titles: Mapping[int, str]) -> tuple[Climb, ...]:
    """Return each channel to which a rule was granted, with its steps, by name.

    `titles` are those of the videos, by job.
    """
    steps: defaultdict[str, list[str]] = defaultdict(list)
    last: dict[str, Mapping[str, Any]] = {}
    by_rule: Counter[str] = Counter()
    for event in events:
        body = json.loads(event.body)
        if event.kind.startswith("autonomy."):
            if event.kind not in ASKED:
                last[body["channel"]] = body
                steps[body["channel"]].append(f"{event.at:%a %H:%M} {_step(event.kind, body)}")
        elif event.actor.startswith(RULE):
            channel = event.actor.rpartition(":")[2]
            by_rule[channel] += 1
            title = titles[body["job_id"]]
            steps[channel].append(f"{event.at:%a %H:%M} yes by rule: {title}")
    return tuple(
        Climb(
            channel=channel,
            rule=f"{RULE}{body['capability']}:{channel}",
            granted_by=body["granted_by"],
            level=body["level"],
            after=body["after"],
            per_day=body["per_day"],
            by_rule=by_rule[channel],
            steps=tuple(steps[channel]),
        )
        for channel, body in sorted(last.items())
    )


def _step(kind: str, body: Mapping[str, Any]) -> str:
    match kind:
        case "autonomy.granted":
            terms = f"after {body['after']} unedited approvals in a row, {body['per_day']} a day"
            return f"{body['reason']}: {terms}"
        case "autonomy.earned":
            return f"earned: {body['reason']}"
        case "autonomy.locked":
            return f"locked: {body['reason']}"
        case _:
            return f"begun anew: {body['reason']}"


@dataclass(slots=True)
class _Rung:
    level: str = "manual"
    per_day: int = 0
    zone: str = "UTC"
    struck: bool = False
    locked_at: list[datetime] = field(default_factory=list)
    days: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Breaches:
    """Goes along the audit log and keeps what no rule allowed, in words."""

    found: list[str] = field(default_factory=list)
    _rungs: defaultdict[str, _Rung] = field(default_factory=lambda: defaultdict(_Rung))
    _edited: set[int] = field(default_factory=set)
    _channel_of: dict[int, str] = field(default_factory=dict)

    def see(self, event: Event, channel: str) -> None:
        """Look at the next event, which is about `channel`."""
        body, rung = json.loads(event.body), self._rungs[channel]
        if event.kind in ASKED:
            rung.struck = rung.level == "limited"
        elif event.kind.startswith("autonomy."):
            rung.level, rung.struck = body["level"], False
            rung.per_day, rung.zone = body["per_day"], body["time_zone"]
            if event.kind == "autonomy.locked":
                rung.locked_at.append(event.at)
        elif event.kind == "approval.edited":
            self._edited.add(body["approval_id"])
        elif event.actor.startswith(RULE):
            self._by_rule(event, body["approval_id"], rung)
        elif body["decision"] == "rejected" or body["approval_id"] in self._edited:
            self._no(rung, body["approval_id"], channel)

    def locked_between(self, channel: str, begin: datetime, end: datetime) -> bool:
        """Tell whether a channel lost its rule after `begin` and not after `end`."""
        return any(begin < at <= end for at in self._rungs[channel].locked_at)

    @property
    def locks(self) -> int:
        """How often a channel lost its rule."""
        return sum(len(one.locked_at) for one in self._rungs.values())

    def _by_rule(self, event: Event, approval_id: int, rung: _Rung) -> None:
        if rung.level != "limited" or rung.struck:
            self.found.append(f"approval {approval_id} was given while {rung.level}")
        day = f"{event.at.astimezone(ZoneInfo(rung.zone)):%Y-%m-%d}"
        rung.days[day] += 1
        if rung.days[day] > rung.per_day:
            self.found.append(f"approval {approval_id} is number {rung.days[day]} of {day}")

    def _no(self, rung: _Rung, approval_id: int, channel: str) -> None:
        if rung.level == "limited":
            self.found.append(f"the no to approval {approval_id} did not lock {channel}")
