"""Everything that is counted before a video is started, in one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bookai.db.pool import Con, Pool

DECIDED_DAYS = 7
PRICED_JOBS = 30
LAST_ENDED = 8
MICROCENTS_PER_CENT = 1_000_000

SELECT_COUNTS = f"""
WITH alive AS (
    SELECT j.job_id, j.status, j.not_before, s.slot_at, a.state AS approval, a.expires_at,
           EXISTS (SELECT FROM social_posts p
                    WHERE p.job_id = j.job_id
                      AND p.state IN ('sending', 'unknown', 'posted')) AS is_out
      FROM video_jobs j
      LEFT JOIN publish_slots s ON s.job_id = j.job_id
      LEFT JOIN approvals a ON a.approval_id = (j.record ->> 'approval_id')::bigint
     WHERE j.channel = $1
       AND j.status IN ('queued', 'running', 'waiting')
), claimed AS (
    SELECT s.slot_at, s.channel = $1 AS ours,
           j.status IN ('refused', 'failed', 'cancelled') AS unused
      FROM publish_slots s
      JOIN video_jobs j ON j.job_id = s.job_id
     WHERE s.channel = ANY ($2)
       AND s.slot_at > $3
), posted AS (
    SELECT p.published_at AS at, j.channel = $1 AS ours
      FROM social_posts p
      JOIN video_jobs j ON j.job_id = p.job_id
     WHERE p.platform = $4
       AND p.state = 'posted'
       AND p.published_at >= $6
       AND j.channel = ANY ($2)
     UNION ALL
    SELECT p.sent_at, j.channel = $1
      FROM social_posts p
      JOIN video_jobs j ON j.job_id = p.job_id
     WHERE p.platform = $4
       AND p.state IN ('sending', 'unknown')
       AND p.sent_at >= $6
       AND j.channel = ANY ($2)
), decided AS (
    SELECT (decided_at AT TIME ZONE $7)::date AS day, count(*) AS n,
           count(*) FILTER (WHERE starts_with(decided_by, 'operator:')) AS by_people
      FROM approvals
     WHERE channel = $1
       AND decided_at >= $8
       AND decided_at <= $3
     GROUP BY 1
), ended AS (
    SELECT j.job_id, j.status, j.updated_at, j.reason,
           EXISTS (SELECT FROM approvals a
                    WHERE a.job_id = j.job_id AND a.decided_at IS NOT NULL) AS decided
      FROM video_jobs j
     WHERE j.channel = $1
       AND j.requested_by = 'schedule'
       AND j.created_at >= $8
     ORDER BY j.job_id DESC
     LIMIT {LAST_ENDED}
), priced AS (
    SELECT j.job_id, j.created_at
      FROM video_jobs j
     WHERE $9
       AND j.channel = $1
       AND j.status IN ('waiting', 'done')
       AND j.created_at >= $8
     ORDER BY j.created_at DESC
     LIMIT {PRICED_JOBS}
)
SELECT ARRAY(SELECT slot_at FROM claimed WHERE ours AND NOT unused ORDER BY 1) AS taken,
       ARRAY(SELECT slot_at FROM claimed WHERE ours AND unused ORDER BY 1) AS unused,
       ARRAY(SELECT slot_at FROM claimed WHERE NOT ours AND NOT unused ORDER BY 1) AS others,
       ARRAY(SELECT to_jsonb(alive) FROM alive ORDER BY job_id) AS alive,
       ARRAY(SELECT at FROM posted WHERE ours ORDER BY 1) AS out_ours,
       ARRAY(SELECT at FROM posted WHERE NOT ours ORDER BY 1) AS out_others,
       ARRAY(SELECT n FROM decided WHERE day < ($3::timestamptz AT TIME ZONE $7)::date
              ORDER BY day) AS decided_days,
       (SELECT coalesce(sum(by_people), 0) FROM decided
         WHERE day = ($3::timestamptz AT TIME ZONE $7)::date)::integer AS decided_today,
       (SELECT coalesce(sum(n - by_people), 0) FROM decided
         WHERE day = ($3::timestamptz AT TIME ZONE $7)::date)::integer AS ruled_today,
       (SELECT count(*) FROM video_jobs
         WHERE channel = $1 AND created_at >= $5)::integer AS created_today,
       ARRAY(SELECT to_jsonb(ended) FROM ended ORDER BY job_id DESC) AS ended,
       (SELECT count(*) FROM priced)::integer AS priced,
       (SELECT coalesce(sum((l.body::jsonb ->> 'microcents')::bigint), 0)::bigint
          FROM priced
          JOIN audit_log l ON l.job_id = priced.job_id AND l.kind = 'model.called') AS price,
       (SELECT coalesce(sum((l.body::jsonb ->> 'microcents')::bigint), 0)::bigint
          FROM video_jobs j
          JOIN audit_log l ON l.job_id = j.job_id AND l.kind = 'model.called' AND l.at >= $5
         WHERE $9
           AND j.channel = $1
           AND (j.created_at >= $5 OR j.updated_at >= $5)) AS spent,
       (SELECT coalesce(sum(held + spent), 0)::bigint
          FROM model_days
         WHERE day = ($3::timestamptz AT TIME ZONE 'UTC')::date) AS studio_spent,
       (SELECT CASE WHEN scope = '' THEN 'the studio' ELSE 'the channel' END
               || ' is paused by ' || paused_by || ': ' || reason
          FROM pauses WHERE scope IN ('', $1) ORDER BY scope LIMIT 1) AS paused
"""  # noqa: S608  # two numbers of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: a channel, who shares its platform's cap, and where its days begin.

    `peers` are the channels that the platform counts together, the channel itself among them.
    `money` is whether its models' costs are asked too, which takes longer.
    """

    channel: str
    peers: Sequence[str]
    platform: str
    zone: str
    at: datetime
    day_began: datetime
    posts_since: datetime
    week_began: datetime
    money: bool


@dataclass(frozen=True, slots=True)
class Underway:
    """A job that has not ended. `approval` is the state of its approval, None before it is asked.

    `slot_at` is None for a job that nobody planned or whose slot an operator gave up; `is_out` when
    its post is out, or may be.
    """

    job_id: int
    status: str
    slot_at: datetime | None = None
    not_before: datetime | None = None
    approval: str | None = None
    expires_at: datetime | None = None
    is_out: bool = False


@dataclass(frozen=True, slots=True)
class Out:
    """When something of the channel's own, and of those who share its cap, went out."""

    ours: tuple[datetime, ...] = ()
    others: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """One of the last jobs that the schedule made; `decided` when an operator had his say."""

    job_id: int
    status: str
    updated_at: datetime
    reason: str | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was found. Days are those of the channel's zone.

    `taken` are its future slots in use, `unused` those whose jobs ended without a post, `others`
    slots of channels that share its cap. `decided_days` has one number for each of the last seven
    days on which anything was decided, oldest first; `ruled_today` is what no person decided, but
    a rule that one wrote. `mean_microcents` is what a video's models cost on average, None where
    that is not known; `studio_microcents` is what all of the studio's models cost today (UTC).
    """

    taken: tuple[datetime, ...] = ()
    unused: tuple[datetime, ...] = ()
    others: tuple[datetime, ...] = ()
    alive: tuple[Underway, ...] = ()
    out: Out = field(default_factory=Out)
    decided_days: tuple[int, ...] = ()
    decided_today: int = 0
    ruled_today: int = 0
    created_today: int = 0
    last: tuple[Ended, ...] = ()
    spent_microcents: int = 0
    mean_microcents: float | None = None
    studio_microcents: int = 0
    paused: str | None = None


async def count(db: Pool | Con, asked: Asked) -> Counts:
    """Return everything that a plan of this channel rests on."""
    row = await db.fetchrow(
        SELECT_COUNTS,
        asked.channel,
        list(asked.peers),
        asked.at,
        asked.platform,
        asked.day_began,
        asked.posts_since,
        asked.zone,
        asked.week_began,
        asked.money,
    )
    return Counts(
        taken=tuple(row["taken"]),
        unused=tuple(row["unused"]),
        others=tuple(row["others"]),
        alive=tuple(Underway(**_aware(one)) for one in row["alive"]),
        out=Out(tuple(row["out_ours"]), tuple(row["out_others"])),
        decided_days=tuple(row["decided_days"]),
        decided_today=row["decided_today"],
        ruled_today=row["ruled_today"],
        created_today=row["created_today"],
        last=tuple(Ended(**_aware(one)) for one in row["ended"]),
        spent_microcents=row["spent"],
        mean_microcents=row["price"] / row["priced"] if row["priced"] else None,
        studio_microcents=row["studio_spent"],
        paused=row["paused"],
    )


_TIMES = frozenset({"slot_at", "not_before", "expires_at", "updated_at"})


def _aware(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its times as such: in JSON they are text."""
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value else value
        for name, value in found.items()
    }
