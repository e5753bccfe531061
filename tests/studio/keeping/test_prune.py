"""Retention: what nobody can ask for any more goes, with one event; all else stays."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from langchain_core.runnables import RunnableConfig

from bookai.db import audit, control, jobs, outbox, planning
from bookai.db.checkpoints import new_saver, open_checkpoint_pool
from bookai.db.planning import Claim
from bookai.db.runs.fence import take
from bookai.settings import Settings
from studio.keeping import folders
from studio.keeping import prune as module
from studio.keeping.prune import prune
from studio.office import Office, open_office
from tests.bookai.db.approvals.asked import ask
from tests.bookai.db.test_checkpoints import graph
from tests.bookai.db.test_outbox import URL
from tests.conftest import execute
from tests.peers.approving import approve
from tests.peers.posting import POST

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=31)
BY = "operator:test"


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


async def a_job(office: Office, status: str = "done") -> int:
    """Return a job with a folder of a film, a voice and scenes."""
    pool = office.database.pool
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", BY)
        await jobs.set_status(con, job_id, status)
    put(office.settings.work_dir / str(job_id) / "video.mp4", 1000)
    return job_id


def put(path: Path, size: int, used_at: datetime = NOW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used_at.timestamp(), used_at.timestamp()))
    return path


def there(office: Office) -> set[int]:
    work = office.settings.work_dir
    return {int(path.name) for path in work.iterdir() if path.name.isdecimal()}


async def events(office: Office) -> list[dict[str, object]]:
    found = await audit.search(office.database.pool, kind="keeping.pruned")
    return [json.loads(event.body) for event in found]


async def test_media_of_ended_jobs_go_after_their_days_with_one_event(office: Office) -> None:
    first, second = await a_job(office), await a_job(office, "refused")

    early = await prune(office, NOW + timedelta(days=29))
    said = await prune(office, LATER)
    again = await prune(office, LATER)

    assert (early, again) == ("removed: nothing", "removed: nothing")
    assert said.startswith("removed: media of 2 jobs")
    assert list(office.settings.work_dir.iterdir()) == []
    (event,) = await events(office)
    assert (event["media_of"], event["media_bytes"]) == ([first, second], 2000)


async def test_a_run_goes_on_until_nothing_is_left_or_its_time_is_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_JOBS", 2)
    for _ in range(7):
        await a_job(office)
    times = iter((0.0, module.LONGEST_S))

    short = await prune(office, LATER, lambda: next(times))
    whole = await prune(office, LATER)

    assert short.startswith("removed: media of 2 jobs")
    assert whole.startswith("removed: media of 5 jobs")
    assert there(office) == set()


async def test_what_is_not_written_down_is_not_removed(office: Office, admin_dsn: str) -> None:
    job_id = await a_job(office)
    execute(admin_dsn, "ALTER TABLE audit_log RENAME TO audit_log_elsewhere")

    with pytest.raises(asyncpg.PostgresError):
        await prune(office, LATER)

    assert there(office) == {job_id}
    assert (office.settings.work_dir / str(job_id) / "video.mp4").is_file()


async def test_media_of_a_job_that_has_not_ended_stay(office: Office) -> None:
    alive = {await a_job(office, status) for status in ("queued", "running", "waiting")}

    await prune(office, LATER)

    assert there(office) == alive


async def test_media_that_somebody_may_still_ask_for_stay(office: Office) -> None:
    pool = office.database.pool
    asked, approved, unknown = [await a_job(office, "failed") for _ in range(3)]
    await ask(pool, asked, now=NOW)
    await approve(pool, approved, POST)
    await approve(pool, unknown, POST)
    claim = await outbox.arm(pool, unknown, POST)
    await outbox.mark_sending(pool, claim.post_id, claim.attempt, "host:1")
    await outbox.mark_unknown(pool, claim.post_id, claim.attempt, "the answer got lost")

    await prune(office, LATER)
    before = there(office)
    await outbox.mark_posted(pool, claim.post_id, "v1", URL)
    await prune(office, LATER)

    assert before == {asked, approved, unknown}
    assert there(office) == {asked, approved}  # what is certainly out needs its file no more


async def test_a_kept_for_ever_is_kept(office: Office) -> None:
    job_id = await a_job(office)
    keep = office.settings.retention.model_copy(update={"media_days": None})
    settings = office.settings.model_copy(update={"retention": keep})

    await prune(replace(office, settings=settings), NOW + timedelta(days=9999))

    assert there(office) == {job_id}


async def test_scenes_used_longest_ago_go_first_until_the_rest_fits(office: Office) -> None:
    kept = office.settings.retention.model_copy(update={"cache_gib": 0.1})
    settings = office.settings.model_copy(update={"retention": kept})
    size = int(0.06 * 1024**3)
    old, new = await a_job(office), await a_job(office)
    paths = []
    for job_id, days in ((old, 3), (new, 2)):
        path = office.settings.work_dir / str(job_id) / ".scenes" / "a.scene"
        path.parent.mkdir()
        with path.open("wb") as file:
            file.truncate(size)  # a hole takes no room on the disk
        when = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (when, when))
        paths.append(path)

    said = await prune(replace(office, settings=settings), NOW)

    assert said == "removed: scenes of 1 jobs"
    assert [path.exists() for path in paths] == [False, True]


async def test_what_killed_processes_left_goes_after_a_day(office: Office) -> None:
    job_id = await a_job(office, "running")
    folder = office.settings.work_dir / str(job_id)
    left = folder / ".render-old"
    left.mkdir()
    aside = put(office.settings.work_dir / f"{folders.GONE}7-abcd" / "video.mp4", 10)

    await prune(office, NOW + timedelta(hours=1))
    half = (left.exists(), aside.exists())
    await prune(office, NOW + timedelta(days=2))

    assert half == (True, False)  # a folder set aside is nobody's
    assert not left.exists()
    assert there(office) == {job_id}


async def test_an_ended_job_keeps_its_last_checkpoint_and_then_none(office: Office) -> None:
    pool = office.database.pool
    job_id = await a_job(office, "running")
    fence = await take(pool, job_id)
    config: RunnableConfig = {"configurable": {"thread_id": f"job-{job_id}"}}
    async with open_checkpoint_pool(office.database.dsn, size=2) as savers:
        run = graph().compile(checkpointer=new_saver(savers, fence))
        await run.ainvoke({"word": "so"}, config, durability="sync")

    async def count() -> int:
        found: int = await pool.fetchval("SELECT count(*) FROM checkpoints")
        return found

    before = await count()
    await prune(office, NOW + timedelta(hours=2))
    running = await count()
    async with pool.acquire() as con, con.transaction():
        await jobs.set_status(con, job_id, "done")
    trimmed = await prune(office, NOW + timedelta(hours=2))
    last = await count()
    removed = await prune(office, NOW + timedelta(days=8))

    assert before == running > 1
    assert (trimmed, last) == ("removed: 1 jobs' checkpoints cut", 1)
    assert (removed, await count()) == ("removed: 1 jobs' checkpoints", 0)


async def test_old_ticks_go_but_each_schedule_keeps_its_newest(office: Office) -> None:
    pool = office.database.pool
    await pool.execute("INSERT INTO loop_epochs (holder) VALUES ('here')")
    await pool.execute(
        "INSERT INTO loop_schedules (name, scope, every_s, since, next_slot)"
        " VALUES ('disk', '', 30, $1, $1)",
        NOW,
    )
    for n in range(3):
        slot = NOW + timedelta(seconds=30 * n)
        await pool.execute(
            "INSERT INTO loop_ticks (name, scope, slot, until, epoch, state, began_at, ended_at)"
            " SELECT 'disk', '', $1, $2, max(epoch), 'done', $1, $1 FROM loop_epochs",
            slot,
            slot + timedelta(seconds=30),
        )

    said = await prune(office, NOW + timedelta(days=15))

    assert said == "removed: 2 ticks"
    assert await pool.fetchval("SELECT count(*) FROM loop_ticks") == 1


async def test_a_past_slot_goes_when_its_job_has_ended(office: Office) -> None:
    pool = office.database.pool
    ended, late, recent = await a_job(office), await a_job(office, "waiting"), await a_job(office)
    async with pool.acquire() as con, con.transaction():
        for job_id, days in ((ended, 0), (late, 0.5), (recent, 10)):
            slot = Claim("default", NOW + timedelta(days=days), job_id)
            assert await planning.claim(con, slot, NOW, ())
    media = office.settings.retention.model_copy(update={"media_days": None})
    settings = office.settings.model_copy(update={"retention": media})

    early = await prune(replace(office, settings=settings), NOW + timedelta(days=29))
    said = await prune(replace(office, settings=settings), LATER)

    assert (early, said) == ("removed: nothing", "removed: 1 past slots")
    left = await pool.fetch("SELECT job_id FROM publish_slots ORDER BY job_id")
    assert [row["job_id"] for row in left] == [late, recent]
    assert [event["slots"] for event in await events(office)] == [1]


async def test_a_pause_changes_nothing_of_it(office: Office) -> None:
    async with office.database.pool.acquire() as con, con.transaction():
        await control.pause(con, control.EVERYTHING, "away", BY)
    await a_job(office)

    assert (await prune(office, LATER)).startswith("removed: media of 1 jobs")
