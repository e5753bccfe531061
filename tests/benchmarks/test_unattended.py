"""The soak's judge sees what is lost and what is doubled; its picture can be read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import psycopg

from benchmarks.unattended.feeds import title
from benchmarks.unattended.plot import draw
from benchmarks.unattended.soaking import Event, Sample
from benchmarks.unattended.verdict import (
    Ticks,
    Verdict,
    _count,
    _follow,
    _not_told,
    _thirds,
    left,
    under_way,
)
from bookai.db import jobs
from bookai.db.loop import schedules
from bookai.db.pool import Pool
from bookai.db.queue import Entry, enqueue

SINCE = datetime(2026, 11, 24, 12, 0, 3, tzinfo=UTC)


def slots(count: int) -> list[datetime]:
    """The first slot of a schedule, off the grid, and those on it that follow."""
    found = [SINCE]
    while len(found) < count:
        found.append(schedules.after("plan", "news", 5.0, found[-1]))
    return found


def plan(count: int) -> dict[str, Any]:
    return {
        "name": "plan",
        "scope": "news",
        "every_s": 5.0,
        "since": SINCE,
        "next_slot": slots(count)[-1],
    }


def ticks(*pairs: tuple[int, int]) -> list[dict[str, Any]]:
    at = slots(20)
    return [{"slot": at[one], "until": at[until]} for one, until in pairs]


def test_a_chain_of_ticks_from_the_first_slot_to_the_next_is_whole() -> None:
    assert _follow(plan(5), ticks((0, 1), (1, 3), (3, 4))) == []
    assert _count(plan(5)) == 4


def test_a_lost_slot_and_one_that_was_done_twice_are_found() -> None:
    [lost] = _follow(plan(5), ticks((0, 1), (2, 4)))
    [twice] = _follow(plan(5), ticks((0, 2), (1, 4)))

    assert "lost between" in lost
    assert "was done twice" in twice


def test_what_is_missing_at_the_ends_is_found_too() -> None:
    assert "first slots are lost" in _follow(plan(5), ticks((1, 4)))[0]
    assert "is settled, next is" in _follow(plan(5), ticks((0, 3)))[0]
    assert _follow(plan(5), []) == ["plan news was never done"]


def test_memory_is_compared_without_the_start() -> None:
    values = [500.0] * 3 + [100.0] * 9 + [130.0] * 8
    few = [100.0] * 6

    assert _thirds(values) == (100.0, 130.0)
    assert _thirds(few) == (0.0, 0.0), "too few to tell"


def test_the_picture_is_readable_and_shows_each_blow() -> None:
    samples = [Sample(at, 800 + at, 120, 40) for at in range(0, 600, 5)]
    events = [Event(30, "kill -9 serve"), Event(200, "Postgres SIGQUIT, away for 1.0 s")]

    root = ElementTree.fromstring(draw(samples, events))

    lines = [one.get("class") for one in root.iter("{http://www.w3.org/2000/svg}line")]
    assert (lines.count("kill"), lines.count("away")) == (3, 3)


def test_no_two_stories_have_a_title_alike() -> None:
    assert len({title(feed, story) for feed in range(20) for story in range(100)}) == 2000


def test_a_schedule_that_began_just_now_has_settled_nothing() -> None:
    assert _count(plan(5) | {"next_slot": SINCE + timedelta(0)}) == 0


def test_what_was_seen_too_seldom_or_by_nobody_is_not_called_kept() -> None:
    ticks = Ticks(1, 1, 1, 0, 0, 1, 0.0, 0.0, (), ())
    seen, nothing = (100.0, 101.0), (0.0, 0.0)
    short = Verdict(ticks, {}, (), {}, 0, "", nothing, nothing, nothing)
    long = Verdict(ticks, {}, (), {}, 0, "", seen, seen, seen)

    assert len(_not_told(short, is_watched=False)) == 2
    assert _not_told(long, is_watched=True) == ()


async def test_a_job_that_a_living_worker_holds_and_never_ends_is_named(
    pool: Pool, admin_dsn: str
) -> None:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        entry = Entry(task="t", args={"job_id": job_id}, queue="graph", lock="l", once="l")
        number = await enqueue(con, entry)

    with psycopg.connect(admin_dsn, autocommit=True) as owner:
        owner.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        owner.execute("UPDATE video_jobs SET status = 'running', stage = 'render'")
        stayed, count = left(owner), under_way(owner)
        owner.execute("UPDATE video_jobs SET status = 'done'")
        ended = left(owner)

    assert stayed == {
        job_id: f"job {job_id} is running at render though its workers live; "
        f"entry {number} is doing"
    }
    assert (count, ended) == (1, {})
