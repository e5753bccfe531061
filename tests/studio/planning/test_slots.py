"""Slots fall on the channel's own clock, whatever its zone does with it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.channels import DAYS, CadenceSettings
from studio.planning.slots import begin_of, moment, slots_between

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        # Summer time begins: 02:30 is not shown, 03:00 is the next time that is.
        (BERLIN, date(2027, 3, 28), time(2, 30), "2027-03-28 01:00"),
        (NEW_YORK, date(2027, 3, 14), time(2, 30), "2027-03-14 07:00"),
        # It ends: 02:30 is shown twice, and the first counts.
        (BERLIN, date(2027, 10, 31), time(2, 30), "2027-10-31 00:30"),
        (NEW_YORK, date(2026, 11, 1), time(1, 30), "2026-11-01 05:30"),
        (BERLIN, date(2027, 10, 31), time(9), "2027-10-31 08:00"),
        (BERLIN, date(2027, 10, 30), time(9), "2027-10-30 07:00"),
        # Five hours and three quarters, the whole year.
        (KATHMANDU, date(2027, 3, 28), time(9), "2027-03-28 03:15"),
        (KATHMANDU, date(2027, 10, 31), time(0, 0), "2027-10-30 18:15"),
        # A whole day that Samoa left out.
        (ZoneInfo("Pacific/Apia"), date(2011, 12, 30), time(9), "2011-12-30 10:00"),
    ],
)
def test_a_slot_is_when_the_channels_clock_shows_it(
    zone: ZoneInfo, day: date, at: time, expected: str
) -> None:
    assert moment(day, at, zone) == utc(expected)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2027-03-28", ["01:00", "07:00"]),  # 02:30 and 03:00 fall together
        ("2027-10-31", ["00:30", "02:00", "08:00"]),
        ("2027-06-01", ["00:30", "01:00", "07:00"]),
    ],
)
def test_a_day_has_each_slot_once(day: str, expected: list[str]) -> None:
    cadence = CadenceSettings(times=("02:30", "03:00", "09:00"))
    begin = begin_of(date.fromisoformat(day), BERLIN)

    found = slots_between(cadence, BERLIN, begin, begin + timedelta(hours=22))

    assert [f"{one:%H:%M}" for one in found] == expected


def test_only_the_named_days_have_slots() -> None:
    cadence = CadenceSettings(times=("23:30",), days=("sat",))
    week = utc("2026-11-23 00:00")

    found = slots_between(cadence, NEW_YORK, week, week + timedelta(days=14))

    assert found == (utc("2026-11-29 04:30"), utc("2026-12-06 04:30"))


@settings(max_examples=50)
@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.times().map(lambda at: f"{at:%H:%M}"), max_size=6, unique=True),
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    hours=st.tuples(st.integers(0, 166_000), st.integers(1, 100), st.integers(1, 100)),
)
def test_looking_in_two_stretches_finds_each_slot_once_and_in_order(
    zone: str, times: list[str], days: list[str], hours: tuple[int, int, int]
) -> None:
    cadence = CadenceSettings.model_validate({"times": tuple(times), "days": tuple(days)})
    there = ZoneInfo(zone)
    begin, middle, end = (
        utc("2011-01-01 00:00") + timedelta(hours=sum(hours[: n + 1])) for n in range(3)
    )

    whole = slots_between(cadence, there, begin, end)

    assert whole == (
        *slots_between(cadence, there, begin, middle),
        *slots_between(cadence, there, middle, end),
    )
    assert list(whole) == sorted(set(whole))
    assert all(begin < one <= end for one in whole)
