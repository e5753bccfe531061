"""Write the naive forecast for new stories, and score those whose day has passed."""

from datetime import datetime

from bookai.db.results import forecasts
from studio.office import Office


async def recompute(office: Office, at: datetime) -> str:
    """Forecast and score; say how many, and whether the forecasts have any skill."""
    pool = office.database.pool
    scored, lost = await forecasts.score(pool, at)
    made = await forecasts.forecast(pool, at)
    unknown = f", {lost} outcomes nobody read in time" if lost else ""
    return f"{made} forecasts, {scored} scored{unknown}; {await forecasts.skill(pool)}"
