"""The capacity run: its calendar loads every channel, and its verdicts follow from its figures."""

import math
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.capacity.crowd import Size, calendar_of, settings_text
from benchmarks.capacity.goals import busy, exit_code, goals, is_carried, missed
from benchmarks.capacity.limits import breaks_first, uses
from benchmarks.capacity.load import Database, Growth, Jobs, Load, Slots, Ticks
from benchmarks.unattended.feeds import Feeds

SIZE = Size(feeds=500, channels=200, products=10_000, jobs=10_000)
START = datetime(2026, 11, 24, 12, 0, 3, tzinfo=UTC)
CARRIED = Load(
    rate=1,
    seconds=240,
    first_s=5,
    ticks=Ticks(1000, 0, (0.001, 0.02, 0.1), (0.01, 0.05), 160, (0.02, 0.05), 0.2, 0.1, 0),
    slots=Slots(28, 28, 28, (2.0, 5.0)),
    jobs=Jobs(28, 28, 28, (12.0, 15.0), 28, 0, 10, 1.2, 0, ()),
    database=Database(100, 2000, 30, 50, 80, 0.1),
    cores={"loop": 0.05, "workers": 0.3, "postgres": 0.05, "harness": 0.1, "others": 0.0},
    cpus=2,
    grown={"audit_log_p0": Growth(2.8, 560), "tasks": Growth(0.7, 280)},
)


@pytest.mark.parametrize("rate", [1, 5, 10, 20])
def test_every_channel_has_times_and_as_many_slots_come_up_as_are_due(rate: float) -> None:
    calendar = calendar_of(SIZE, rate, START)
    begin = calendar.opens + timedelta(minutes=5)

    text = settings_text(SIZE, Feeds(1, 1.0), calendar)

    channels = tomllib.loads(text)["channels"].values()
    assert len(channels) == 200
    assert all(2 <= len(one["cadence"]["times"]) <= 96 for one in channels)
    seen = calendar.count(begin, begin + timedelta(minutes=20))
    assert seen == pytest.approx(SIZE.slots_in(1200, rate), abs=7 * rate)


def test_slots_are_full_from_the_first_minute_on() -> None:
    calendar = calendar_of(SIZE, 5, START)

    first = calendar.count(calendar.opens, calendar.opens + timedelta(minutes=1))

    assert first in (34, 35)


def test_one_slot_without_a_video_is_a_goal_missed() -> None:
    poor = replace(CARRIED, slots=Slots(28, 27, 27, (2.0, 5.0)))

    assert is_carried(CARRIED)
    assert [one.what for one in missed(poor)] == [
        "the planner gives each slot its video",
        "videos are out within 30 s of their slots",
    ]
    assert (exit_code(CARRIED), exit_code(poor)) == (0, 1)


def test_of_few_slots_nothing_is_said() -> None:
    short = replace(CARRIED, slots=Slots(7, 7, 7, (2.0, 5.0)))
    poor = replace(CARRIED, slots=Slots(7, 6, 6, (2.0, 5.0)))

    assert [str(one).split(":")[0] for one in goals(short)] == [
        "goal met",
        "goal met",
        "goal not told",
        "goal not told",
        "goal met",
    ]
    assert (exit_code(short), exit_code(poor)) == (2, 1), "what was broken is told in any case"


def test_a_machine_that_others_kept_busy_is_named() -> None:
    noisy = replace(CARRIED, cores={**CARRIED.cores, "others": 1.4})

    assert busy(CARRIED) is None
    assert "1.4 of 2 cores" in (busy(noisy) or "")


def test_what_is_used_up_first_is_read_off_the_rates_that_were_carried() -> None:
    cores = {"loop": 0.1, "workers": 1.3, "postgres": 0.2, "harness": 0.3, "others": 0.0}
    five = replace(CARRIED, rate=5, cores=cores)
    full = replace(five, rate=10, slots=Slots(69, 30, 10, (60.0, 90.0)))

    found = {one.name: one for one in uses([CARRIED, five, full])}

    # 0.4 cores at rate 1, 1.6 at rate 5: 0.3 more with each, and 0.1 at rest.
    assert found["processor (cores)"].full_at == pytest.approx(1.9 / 0.3)
    assert math.isinf(found["connections of Postgres"].full_at)


def test_the_first_to_break_the_first_goal_missed_and_the_disk_are_told() -> None:
    full = replace(CARRIED, rate=5, slots=Slots(69, 30, 10, (60.0, 90.0)))

    lines = breaks_first([CARRIED, full], 10_000)

    assert lines[0].startswith("what breaks first: processor with real renders")
    assert any("missed a goal is 5" in line for line in lines)
    assert "growth with 1,000 jobs: 125 MiB and 30,000 rows (of 28 jobs at rate 1)" in lines
