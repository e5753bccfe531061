"""The ladder is followed through the audit log: every yes by rule needs a rule that holds."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bookai.db.audit import Event
from studio.rehearsal.telling.ladder import climbs_of
from studio.rehearsal.telling.proofs import by_rule_only

AT = datetime(2026, 3, 23, 12, tzinfo=UTC)
RUNG: dict[str, Any] = {
    "after": 3,
    "capability": "publish",
    "channel": "makers",
    "granted_by": "operator:simulated-ben",
    "per_day": 1,
    "reason": "as told",
    "time_zone": "America/New_York",
}
_numbers = count(1)


def event(kind: str, actor: str = "studio", hours: float = 0, **body: object) -> Event:
    return Event(
        event_id=next(_numbers),
        at=AT + timedelta(hours=hours),
        kind=kind,
        actor=actor,
        job_id=5,
        body=json.dumps(body),
        sealed=False,
    )


def rung(kind: str, level: str, hours: float = 0) -> Event:
    return event(f"autonomy.{kind}", "studio", hours, **RUNG, level=level)


def ruled(hours: float = 0, approval_id: int = 9) -> Event:
    return event(
        "approval.decided",
        "rule:publish:makers",
        hours,
        approval_id=approval_id,
        decision="approved",
        channel="makers",
        job_id=5,
    )


def problems(*events: Event) -> str:
    _, _, named = by_rule_only(events, (), {}).found.partition("; ")
    return named


def test_a_channel_tells_its_rule_and_each_step() -> None:
    granted, earned = rung("granted", "manual"), rung("earned", "limited", 1)

    (climb,) = climbs_of([granted, earned, ruled(2), rung("locked", "locked", 3)], {5: "A knot"})

    assert (climb.rule, climb.by_rule, climb.level) == ("rule:publish:makers", 1, "locked")
    assert climb.steps == (
        "Mon 12:00 as told: after 3 unedited approvals in a row, 1 a day",
        "Mon 13:00 earned: as told",
        "Mon 14:00 yes by rule: A knot",
        "Mon 15:00 locked: as told",
    )


def test_a_yes_within_the_rule_keeps_the_promise() -> None:
    assert problems(rung("granted", "manual"), rung("earned", "limited"), ruled()) == ""


def test_a_yes_before_it_was_earned_or_after_the_lock_breaks_it() -> None:
    granted, earned = rung("granted", "manual"), rung("earned", "limited")

    assert problems(granted, ruled()) == "approval 9 was given while manual"
    locked = rung("locked", "locked")
    assert problems(granted, earned, locked, ruled()) == "approval 9 was given while locked"


def test_more_than_the_cap_of_the_channels_own_day_breaks_it() -> None:
    earned = (rung("granted", "manual"), rung("earned", "limited"))

    # Eight hours after noon in UTC it is the same day in New York, seventeen after it the next.
    assert problems(*earned, ruled(), ruled(17, 10)) == ""
    assert problems(*earned, ruled(), ruled(8, 10)) == "approval 10 is number 2 of 2026-03-23"


def test_a_no_or_a_strike_that_locks_nothing_breaks_it() -> None:
    earned = (rung("granted", "manual"), rung("earned", "limited"))
    ben = "operator:simulated-ben"
    rejected = event("approval.decided", ben, approval_id=4, decision="rejected", channel="makers")
    struck = event("autonomy.strike", ben, channel="makers", reason="r")

    assert problems(*earned, rejected) == "the no to approval 4 did not lock makers"
    assert problems(*earned, rung("locked", "locked"), rejected) == ""
    assert problems(*earned, struck, ruled()) == "approval 9 was given while limited"
