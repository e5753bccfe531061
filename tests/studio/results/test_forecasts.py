"""Forecasts are written before their outcome is known, and claim no skill that nobody saw."""

from datetime import UTC, datetime, timedelta

from bookai.db import jobs
from bookai.db.market import trends
from bookai.db.pool import Pool
from bookai.db.results import forecasts
from bookai.db.results.forecasts import Skill
from bookai.models import Feed, FeedItem
from studio.office import Office
from studio.results import recompute

URL, FEED = "https://news.example/toads", "https://news.example/rss"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def chosen(pool: Pool) -> None:
    """A story that a job chose now."""
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, FEED, "default", "schedule")
        await con.execute(
            "INSERT INTO trends (job_id, title, url, score, chosen_at)"
            " VALUES ($1, 'Toads', $2, 1, $3)",
            job_id,
            URL,
            NOW,
        )


async def seen(pool: Pool, at: datetime, points: int) -> None:
    """The feed as it was read at that time."""
    await trends.claim(pool, {FEED: 0}, at)
    item = FeedItem(title="Toads", url=URL, engagement=points)
    await trends.note(pool, FEED, Feed(title="News", url=FEED, items=(item,)), at)


async def rows(pool: Pool) -> list[tuple[float | None, float | None]]:
    found = await pool.fetch("SELECT interval_low, outcome FROM trend_predictions")
    return [(row["interval_low"], row["outcome"]) for row in found]


async def test_tomorrow_is_said_to_be_as_today_and_scored_a_day_later(office: Office) -> None:
    pool = office.database.pool
    await seen(pool, NOW - timedelta(hours=4), 100)
    await seen(pool, NOW, 140)
    await chosen(pool)

    made = await recompute(office, NOW)
    again = await recompute(office, NOW + timedelta(hours=1))
    await seen(pool, NOW + timedelta(hours=25), 200)
    scored = await recompute(office, NOW + timedelta(hours=25))

    assert made == "1 forecasts, 0 scored; no skill known yet: 0 of 30 outcomes"
    assert again.startswith("0 forecasts, 0 scored")
    assert scored == "0 forecasts, 1 scored; no skill known yet: 1 of 30 outcomes"
    assert await rows(pool) == [(240.0, 60.0)]


async def test_an_outcome_that_nobody_read_in_time_is_unknown_and_not_zero(office: Office) -> None:
    pool = office.database.pool
    await seen(pool, NOW - timedelta(hours=4), 100)
    await seen(pool, NOW, 140)
    await chosen(pool)
    await recompute(office, NOW)

    said = await recompute(office, NOW + timedelta(hours=31))

    assert "1 outcomes nobody read in time" in said
    assert await rows(pool) == [(240.0, None)]
    assert (await forecasts.skill(pool)).scored == 0


async def test_a_story_whose_growth_is_not_known_gets_no_forecast(office: Office) -> None:
    pool = office.database.pool
    await seen(pool, NOW, 140)
    await chosen(pool)

    assert (await recompute(office, NOW)).startswith("0 forecasts")


def test_skill_is_what_beats_one_guess_for_all() -> None:
    assert "no skill known yet" in str(Skill(29, 1.0, 9.0))
    assert str(Skill(40, 9.0, 9.0)).startswith("no skill (")
    assert str(Skill(40, 3.0, 9.0)).startswith("skill 0.67 (")
