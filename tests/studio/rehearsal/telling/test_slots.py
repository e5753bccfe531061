"""Slots are counted from the loop's grid: a gap is a lost one, an overlap is one done twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import loop
from bookai.db.loop import ScheduleRow
from bookai.db.rehearsal.standing import Mark, Stuck
from studio.rehearsal.telling.proofs import each_slot_once, none_stuck
from studio.rehearsal.telling.slots import count_slots

SINCE = datetime(2026, 3, 23, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=5)
SCHEDULE = ScheduleRow(
    "plan", "makers", 3600.0, SINCE, UNTIL, True, None, None, None, None, None, None
)


def marks(state: str = "done") -> list[Mark]:
    found, at = list[Mark](), SINCE
    while at < UNTIL:
        until = loop.after("plan", "makers", 3600.0, at)
        found.append(Mark(at, until, 1, state, None))
        at = until
    return found


def count(ticks: list[Mark]) -> tuple[int, int, int]:
    slots = count_slots([SCHEDULE], {("plan", "makers"): ticks}, UNTIL)
    return slots.all, len(slots.lost), len(slots.doubled)


def test_a_week_without_a_gap_has_each_slot_once() -> None:
    assert count(marks()) == (6, 0, 0)


def test_a_slot_without_a_tick_is_lost_and_named() -> None:
    ticks = marks()
    del ticks[2]

    slots = count_slots([SCHEDULE], {("plan", "makers"): ticks}, UNTIL)
    proof = each_slot_once(slots, ())

    assert not proof.ok
    assert f"lost: plan makers at {marks()[2].slot:%a %H:%M}" in proof.found


def test_one_tick_may_settle_several_slots() -> None:
    ticks = marks()
    ticks[1:3] = [replace(ticks[1], until=ticks[2].until, covered=2)]

    assert count(ticks) == (6, 0, 0)


def test_ticks_that_overlap_did_a_slot_twice() -> None:
    ticks = marks()
    ticks[1] = replace(ticks[1], until=ticks[2].until)

    assert count(ticks) == (6, 0, 1)


@pytest.mark.parametrize("ticks", [[], marks("running")])
def test_what_was_due_and_never_done_or_never_ended_is_lost(ticks: list[Mark]) -> None:
    assert count(ticks) == (6, 6, 0)


def test_a_stuck_job_breaks_the_promise_and_is_named() -> None:
    stuck = Stuck(4, "running", "render", "a worker took it, and lives no more")

    proof = none_stuck([stuck], 9)

    assert not proof.ok
    assert proof.found == (
        "1 of 9 jobs; job 4 is running at render: a worker took it, and lives no more"
    )
