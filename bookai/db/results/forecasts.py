"""Forecasts of what chosen stories will gain, and what they did gain: written before, scored after.

The only model is the naive one: tomorrow brings as much as the last day did. Whatever comes later
has to beat it, and it has itself to beat a guess that knows nothing of the story.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median

from bookai.db.pool import Pool

MODEL = "persistence"
HORIZON_H = 24
HORIZON = timedelta(hours=HORIZON_H)
LOOK_BACK = timedelta(days=1)
LEAST_APART = timedelta(minutes=30)
"""Two counts closer than this show the feed's own clock, not a growth."""
LATE = timedelta(hours=6)
"""The count that tells the outcome may be read so much after the horizon; later ones tell less."""
LEAST_SCORED = 30
"""With fewer outcomes nobody can tell skill from luck."""

# `interval_low` and `interval_high` are one number: the naive model knows no spread.
INSERT_FORECASTS = """
INSERT INTO trend_predictions
       (trend_id, model, horizon_h, interval_low, interval_high, predicted_at)
SELECT t.trend_id, $1, $2, gain, gain, $3
  FROM trends t
 CROSS JOIN LATERAL (
       SELECT (last.engagement - first.engagement)
              / extract(epoch FROM last.seen_at - first.seen_at)::float8
              * $2 * 3600 AS gain
         FROM trend_items i
         JOIN LATERAL (SELECT engagement, seen_at FROM trend_marks
                        WHERE item_id = i.item_id
                          AND seen_at BETWEEN $3::timestamptz - $4::interval AND $3
                        ORDER BY seen_at LIMIT 1) AS first ON true
         JOIN LATERAL (SELECT engagement, seen_at FROM trend_marks
                        WHERE item_id = i.item_id
                          AND seen_at BETWEEN $3::timestamptz - $4::interval AND $3
                        ORDER BY seen_at DESC LIMIT 1) AS last ON true
        WHERE i.url = t.url
          AND last.seen_at >= first.seen_at + $5::interval
        ORDER BY last.seen_at DESC, i.item_id
        LIMIT 1) AS growth
 WHERE t.chosen_at BETWEEN $3::timestamptz - $4::interval AND $3
    ON CONFLICT (trend_id, model, horizon_h) DO NOTHING
"""
# What the item counted at the horizon, less what it counted when the forecast was made.
SCORE_DUE = """
UPDATE trend_predictions AS p
   SET outcome = told.gain, scored_at = $2
  FROM (SELECT DISTINCT ON (m.prediction_id)
               m.prediction_id, (late.engagement - early.engagement)::float8 AS gain
          FROM trend_predictions m
          JOIN trends t ON t.trend_id = m.trend_id
          JOIN trend_items i ON i.url = t.url
          JOIN LATERAL (SELECT engagement FROM trend_marks
                         WHERE item_id = i.item_id
                           AND seen_at <= m.predicted_at
                         ORDER BY seen_at DESC LIMIT 1) AS early ON true
          JOIN LATERAL (SELECT engagement FROM trend_marks
                         WHERE item_id = i.item_id
                           AND seen_at BETWEEN m.predicted_at + $3::interval
                                           AND m.predicted_at + $3::interval + $4::interval
                         ORDER BY seen_at LIMIT 1) AS late ON true
         WHERE m.model = $1
           AND m.scored_at IS NULL
           AND m.predicted_at <= $2::timestamptz - $3::interval
         ORDER BY m.prediction_id, i.item_id) AS told
 WHERE p.prediction_id = told.prediction_id
"""
# Nobody read the feed in time: that is not known, and not zero.
GIVE_UP = """
UPDATE trend_predictions
   SET scored_at = $2
 WHERE model = $1
   AND scored_at IS NULL
   AND predicted_at <= $2::timestamptz - $3::interval - $4::interval
"""
SELECT_SCORED = """
SELECT interval_low AS forecast, outcome
  FROM trend_predictions
 WHERE model = $1
   AND outcome IS NOT NULL
 ORDER BY scored_at DESC
 LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Skill:
    """How good the forecasts were, over `scored` outcomes.

    `error` is the mean absolute error in points, votes or views; `naive_error` that of always
    guessing the outcomes' own median, which is a hard rival, as it knows the outcomes.
    """

    scored: int
    error: float = 0.0
    naive_error: float = 0.0

    @property
    def share(self) -> float:
        """How much smaller the error is than the rival's: 1 is perfect, 0 or less is no skill."""
        return 1 - self.error / self.naive_error if self.naive_error else 0.0

    def __str__(self) -> str:
        """Say it without promising anything."""
        if self.scored < LEAST_SCORED:
            return f"no skill known yet: {self.scored} of {LEAST_SCORED} outcomes"
        told = (
            f"mean error {self.error:.1f} against {self.naive_error:.1f} of one guess for all, "
            f"n = {self.scored}"
        )
        return f"skill {self.share:.2f} ({told})" if self.share > 0 else f"no skill ({told})"


async def forecast(pool: Pool, at: datetime) -> int:
    """Write a forecast for each story chosen in the last day whose growth is known; count them."""
    done: str = await pool.execute(INSERT_FORECASTS, MODEL, HORIZON_H, at, LOOK_BACK, LEAST_APART)
    return int(done.rpartition(" ")[2])


async def score(pool: Pool, at: datetime) -> tuple[int, int]:
    """Score what is past its horizon; return how many outcomes are known, and how many will not."""
    async with pool.acquire() as con, con.transaction():
        scored: str = await con.execute(SCORE_DUE, MODEL, at, HORIZON, LATE)
        lost: str = await con.execute(GIVE_UP, MODEL, at, HORIZON, LATE)
    return int(scored.rpartition(" ")[2]), int(lost.rpartition(" ")[2])


async def skill(pool: Pool) -> Skill:
    """Return how good the forecasts were, over the last thousand outcomes."""
    rows = await pool.fetch(SELECT_SCORED, MODEL)
    if not rows:
        return Skill(0)
    middle = median(row["outcome"] for row in rows)
    return Skill(
        scored=len(rows),
        error=fmean(abs(row["forecast"] - row["outcome"]) for row in rows),
        naive_error=fmean(abs(middle - row["outcome"]) for row in rows),
    )
