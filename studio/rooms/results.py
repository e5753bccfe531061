"""What came home after publishing, as a client reads it."""

from datetime import datetime

from bookai.db.pool import Pool
from bookai.db.results import forecasts, pages, posts
from mcp_server.rooms.sheets import DeadPage, PostResult, ResultsSheet

MOST_PAGES = 20


async def results(pool: Pool, limit: int, at: datetime) -> ResultsSheet:
    """Return what became of the newest posts, of product pages, and of forecasts."""
    skill = await forecasts.skill(pool)
    found = await posts.list_(pool, None, limit)
    dead = await pages.dead(pool)
    return ResultsSheet(
        posts=tuple(_result(one, at) for one in found),
        dead_pages=tuple(
            DeadPage(**{name: getattr(one, name) for name in DeadPage.model_fields})
            for one in dead[:MOST_PAGES]
        ),
        forecasts_scored=skill.scored,
        forecasts=str(skill),
    )


def _result(one: posts.PostResult, at: datetime) -> PostResult:
    names = PostResult.model_fields.keys() - {"stale"}
    return PostResult(**{name: getattr(one, name) for name in names}, stale=one.is_stale(at))
