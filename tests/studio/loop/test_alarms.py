"""The alarms of the leader: set for as long as it leads, and at the slots, whenever it began."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import loop
from bookai.db.pool import Pool
from bookai.settings import Settings
from studio.loop.lead import _AtSlots, lead_the_loop
from studio.loop.schedule import Schedule
from studio.office import open_office


async def nothing(_at: datetime) -> str:
    return ""


def test_an_alarm_that_began_beside_the_slots_goes_on_at_them() -> None:
    schedule = Schedule("plan", "news", 300, nothing)
    began = datetime(2026, 11, 26, 9, 0, 0, 123456, tzinfo=UTC)

    first = _AtSlots(schedule).get_next_fire_time(began, began)
    second = _AtSlots(schedule).get_next_fire_time(first, first)

    assert first == loop.after("plan", "news", 300, began)
    assert second - first == timedelta(seconds=300)


@pytest.mark.timeout(30)
async def test_a_leader_is_woken_at_every_slot_and_not_only_when_it_looks_again(
    settings: Settings, pool: Pool
) -> None:
    stop, times = asyncio.Event(), list[datetime]()

    async def run(at: datetime) -> str:
        times.append(at)
        if len(times) == 4:
            stop.set()
        return ""

    async with open_office(settings) as office:
        await lead_the_loop(office, lambda: [Schedule("disk", "", 0.5, run)], stop)

    assert times[-1] - times[0] < timedelta(seconds=20)
