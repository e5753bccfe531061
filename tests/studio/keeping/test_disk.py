"""The disk guard pauses in good time, ends its own pause, and leaves an operator's alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bookai.db import audit, control, jobs
from bookai.db.control import EVERYTHING, held, list_pauses
from bookai.settings import Settings
from studio.engine import LOCK_PREFIX
from studio.keeping.disk import guard_disk
from studio.office import Office, open_office

NOW = datetime.now(UTC)
ANN = "operator:ann"


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


def with_limits(office: Office, pause_gib: float, go_gib: float) -> Office:
    disk = office.settings.disk.model_copy(update={"pause_gib": pause_gib, "go_gib": go_gib})
    return replace(office, settings=office.settings.model_copy(update={"disk": disk}))


def full(office: Office) -> Office:
    """The office as if far more room was needed than any disk has."""
    return with_limits(office, 100_000, 100_000)


def roomy(office: Office) -> Office:
    return with_limits(office, 0.05, 0.05)


async def by(office: Office) -> list[str]:
    return [pause.paused_by for pause in await list_pauses(office.database.pool)]


async def test_too_little_room_pauses_once_and_enough_ends_it(office: Office) -> None:
    first = await guard_disk(full(office), NOW)
    second = await guard_disk(full(office), NOW)
    during = await by(office)
    third = await guard_disk(roomy(office), NOW)

    assert first.startswith("paused: ")
    assert second.endswith("paused until 100000 GiB are")
    assert during == ["studio:disk"]
    assert (third.startswith("goes on: "), await by(office)) == (True, [])
    kinds = [event.kind for event in await audit.search(office.database.pool, kind="studio.")]
    assert kinds == ["studio.resumed", "studio.paused"]


async def test_between_the_limits_nothing_changes(office: Office) -> None:
    between = with_limits(office, 0.05, 100_000)

    await guard_disk(between, NOW)
    unpaused = await by(office)
    await guard_disk(full(office), NOW)
    await guard_disk(between, NOW)

    assert (unpaused, await by(office)) == ([], ["studio:disk"])


async def test_an_operators_pause_takes_its_place_and_outlives_it(office: Office) -> None:
    pool = office.database.pool
    await guard_disk(full(office), NOW)
    async with pool.acquire() as con, con.transaction():
        assert await control.pause(con, EVERYTHING, "I look at it", ANN)

    await guard_disk(full(office), NOW)
    await guard_disk(roomy(office), NOW)

    assert await by(office) == [ANN]


async def test_what_is_ready_may_still_be_published(office: Office) -> None:
    pool = office.database.pool
    made = []
    for stage in ("render", "publish"):
        async with pool.acquire() as con, con.transaction():
            made.append(await jobs.create(con, "a.md", "default", ANN))
        await pool.execute("UPDATE video_jobs SET queue = $2 WHERE job_id = $1", made[-1], stage)
    await guard_disk(full(office), NOW)

    making, publishing = [await held(pool, job_id) for job_id in made]
    async with pool.acquire() as con, con.transaction():
        await control.resume(con, EVERYTHING, "", ANN, LOCK_PREFIX)
        await control.pause(con, EVERYTHING, "stop", ANN)

    assert making is not None
    assert publishing is None
    assert await held(pool, made[1]) is not None  # an operator's pause holds back all
