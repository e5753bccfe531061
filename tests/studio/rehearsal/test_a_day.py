"""What a simulated day tells, and what it leaves behind."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import asyncpg
import av
import pytest

from agents.publisher import SIMULATED
from bookai.db import approvals, audit, jobs, outbox
from bookai.db.pool import connect, open_pool
from studio.rehearsal.peers.video import Fault
from studio.rehearsal.run import Dsns, rehearse
from studio.rehearsal.world import START, make_world
from tests.studio.rehearsal.conftest import HOURS, SEED, Rehearsed

# Functions with a search path of their own, and defaults, that see the server's own clock.
SELECT_BLIND = """
SELECT oid::regprocedure::text
  FROM pg_proc, unnest(proconfig) AS said
 WHERE pronamespace = 'rehearsal'::regnamespace
   AND said LIKE 'search_path=%'
   AND said NOT LIKE 'search_path=rehearsal, pg_catalog%'
UNION ALL
SELECT adrelid::regclass::text
  FROM pg_attrdef
 WHERE pg_get_expr(adbin, adrelid) ~* '(pg_catalog.now|current_timestamp|localtime)'
"""
INSERT_POST = """
INSERT INTO social_posts (job_id, platform, account, title, digest)
VALUES ((SELECT min(job_id) FROM video_jobs), 'gallery', 'local', 'A title', repeat('a', 64))
"""
INSERT_ACCOUNT = """
INSERT INTO social_accounts (platform, account)
VALUES ('gallery', 'local') ON CONFLICT DO NOTHING
"""
A_DAY_S = 240.0  # on an idle machine it takes a few seconds


@pytest.mark.timeout(A_DAY_S)
def test_channels_make_ask_and_publish(day: Rehearsed) -> None:
    films = day.report.films
    out = {film.channel for film in films if film.published_at}

    # The fourth's slot, and some posts', are after the fourteen hours.
    assert len({film.channel for film in films}) >= 3
    assert len(out) >= 2
    assert all(film.decided == "approved" for film in day.report.films if film.published_at)


@pytest.mark.timeout(A_DAY_S)
def test_every_promise_is_kept(day: Rehearsed) -> None:
    assert [proof for proof in day.report.proofs if not proof.ok] == []
    assert day.report.ok


@pytest.mark.timeout(A_DAY_S)
def test_what_broke_was_met_and_every_post_is_out_once(day: Rehearsed) -> None:
    broke = {one.what for one in day.report.broken}

    assert {"the platform: busy", "the platform: lost answer"} <= broke
    assert [one.unmet for one in day.report.broken if one.unmet] == []
    titles = Counter(film.title for film in day.report.films if film.published_at)
    assert set(titles.values()) == {1}


@pytest.mark.timeout(A_DAY_S)
def test_a_rule_is_earned_says_yes_within_its_cap_and_is_lost_by_a_strike(day: Rehearsed) -> None:
    (climb,) = day.report.climbs
    ruled = [film for film in day.report.films if film.decided_by == climb.rule]

    assert (climb.rule, climb.by_rule, climb.level) == ("rule:publish:makers", 1, "locked")
    assert [film.channel for film in ruled] == ["makers"]
    # Each step is "Mon 12:00 " and what was done.
    did = [step[10:].partition(":")[0].partition(" by ")[0] for step in climb.steps]
    assert did == ["granted", "earned", "yes", "locked"]
    assert "strike: the platform warned simulated-makers" in climb.steps[-1]


@pytest.mark.timeout(A_DAY_S)
def test_no_slot_of_the_loop_is_lost_or_done_twice(day: Rehearsed) -> None:
    watched = next(one for one in day.report.ticks if one.name == "watch")
    feeds = len(make_world(SEED).papers)
    assert watched.slots == watched.ticks == feeds * (HOURS + 1)


@pytest.mark.timeout(A_DAY_S)
async def test_all_that_was_written_says_that_it_is_simulated(day: Rehearsed) -> None:
    async with open_pool(day.dsns.app, size=2) as pool:
        events = await audit.search(
            pool, kind=None, actor=None, job_id=None, before=None, limit=500
        )
        rows = await jobs.list_rows(pool, jobs.Which(), 100)
        made = [await jobs.load(pool, row.job_id) for row in rows]
        asked = await approvals.list_(pool)
        posts = await outbox.list_(pool)

    assert all(json.loads(event.body)["simulated"] is True for event in events)
    assert all(job.simulated for job in made)
    assert all(row.post.caption.startswith(SIMULATED) for row in asked)
    assert {post.platform for post in posts} == {"simulated"}


@pytest.mark.timeout(A_DAY_S)
async def test_the_film_says_so_too(day: Rehearsed) -> None:
    async with open_pool(day.dsns.app, size=2) as pool:
        asked = await approvals.list_(pool)

    with av.open(asked[0].video_path) as film:
        assert "rehearsal" in film.metadata["comment"]
    assert Path(asked[0].video_path).is_relative_to(day.home)


@pytest.mark.timeout(A_DAY_S)
async def test_nothing_of_the_database_sees_the_servers_own_clock(day: Rehearsed) -> None:
    con = await connect(day.dsns.admin)
    try:
        assert await con.fetch(SELECT_BLIND) == []
    finally:
        await con.close()


@pytest.mark.timeout(A_DAY_S)
async def test_the_database_itself_arms_no_post_for_a_real_platform(day: Rehearsed) -> None:
    async with open_pool(day.dsns.app, size=1) as pool:
        await pool.execute(INSERT_ACCOUNT)
        with pytest.raises(asyncpg.CheckViolationError, match="rehearsal_posts_nowhere"):
            await pool.execute(INSERT_POST)


@pytest.mark.timeout(A_DAY_S)
async def test_the_same_seed_tells_the_same(day: Rehearsed, empty: Dsns, tmp_path: Path) -> None:
    until = START + timedelta(hours=1)

    again = await rehearse(make_world(SEED), 1 / 24, tmp_path, seed=SEED, dsns=empty)

    assert again.acts == day.report.acts[: len(again.acts)]
    assert again.acts
    before = [film for film in day.report.films if (film.published_at or until) < until]
    assert [(one.title, one.published_at) for one in again.films if one.published_at] == [
        (one.title, one.published_at) for one in before
    ]


def test_another_seed_has_other_faults() -> None:
    orders = {tuple(make_world(seed).faults) for seed in range(20)}

    wanted: set[Fault] = {"busy", "lost answer", "rejected", "late index"}
    assert len(orders) > 5
    assert all(wanted <= set(order) for order in orders)
