"""How the studio stands, in one question: what its metrics say that nobody counts as it happens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bookai.db.pool import Pool
from bookai.db.processes.register import FORGET_S, KINDS
from bookai.db.processes.standing import DISK

SILENT_AFTER = 3.0
"""A source is silent that was not read for so many times as long as it should have been."""

# Each part is an index scan over what is open, or the end of an index. Other users' connections
# show no details to the application, so only their number is told.
SELECT_NUMBERS = """
SELECT (SELECT count(*) FROM approvals WHERE state = 'pending') AS approvals,
       coalesce((SELECT extract(epoch FROM now() - min(requested_at))
                   FROM approvals WHERE state = 'pending'), 0)::float8 AS approval_s,
       (SELECT coalesce(jsonb_object_agg(state, n), '{}'::jsonb)
          FROM (SELECT state, count(*) AS n
                  FROM social_posts WHERE state <> 'posted' GROUP BY state) p) AS posts,
       coalesce((SELECT extract(epoch FROM now() - min(updated_at))
                   FROM social_posts WHERE state = 'unknown'), 0)::float8 AS unknown_s,
       (SELECT coalesce(jsonb_object_agg(level, n), '{}'::jsonb)
          FROM (SELECT level, count(*) AS n FROM autonomy GROUP BY level) a) AS autonomy,
       (SELECT count(*) FROM pauses WHERE scope = '') AS studio_pauses,
       (SELECT count(*) FROM pauses WHERE scope <> '') AS channel_pauses,
       EXISTS (SELECT FROM pauses WHERE paused_by = $3) AS disk_paused,
       greatest(coalesce((SELECT extract(epoch FROM clock_timestamp() - min(next_slot))
                            FROM loop_schedules WHERE active), 0), 0)::float8 AS overdue_s,
       (SELECT jsonb_object_agg(kind, n)
          FROM (SELECT k.kind, count(p.name) AS n
                  FROM unnest($5::text[]) AS k (kind)
                  LEFT JOIN processes p
                    ON p.kind = k.kind AND p.seen_at >= now() - make_interval(secs => $6)
                 GROUP BY k.kind) x) AS processes,
       (SELECT jsonb_build_object(
                   'silent', count(*) FILTER (WHERE is_silent),
                   'new', count(*) FILTER (WHERE is_new AND NOT is_silent),
                   'fresh', count(*) FILTER (WHERE NOT is_new AND NOT is_silent))
          FROM (SELECT s.last_read_at IS NULL AS is_new,
                       coalesce(s.last_read_at, s.created_at, now())
                           < now() - make_interval(secs => w.every_s) AS is_silent
                  FROM unnest($1::text[], $2::float8[]) AS w (url, every_s)
                  LEFT JOIN sources s ON s.url = w.url) f) AS sources,
       coalesce((SELECT extract(epoch FROM at)
                   FROM audit_log
                  WHERE kind = $4
                  ORDER BY id DESC
                  LIMIT 1), 0)::float8 AS backup_at,
       pg_database_size(current_database()) AS bytes,
       coalesce((SELECT extract(epoch FROM clock_timestamp() - min(xact_start))
                   FROM pg_stat_activity
                  WHERE datname = current_database()
                    AND pid <> pg_backend_pid()), 0)::float8 AS transaction_s,
       (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database) AS connections,
       current_setting('max_connections')::int AS room
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that ought to be read every `every_s` seconds."""

    url: str
    every_s: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is open and how old it is: names in `_s` are seconds, `backup_at` is unix time."""

    approvals: int
    approval_s: float
    posts: Mapping[str, int]
    unknown_s: float
    autonomy: Mapping[str, int]
    studio_pauses: int
    channel_pauses: int
    disk_paused: bool
    overdue_s: float
    processes: Mapping[str, int]
    sources: Mapping[str, int]
    backup_at: float
    bytes: int
    transaction_s: float
    connections: int
    room: int


async def look(pool: Pool, sources: Iterable[Watched], backup_kind: str) -> Numbers:
    """Return the numbers; `backup_kind` is the audit event of a backup that is complete."""
    watched = {one.url: one.every_s * SILENT_AFTER for one in sources}
    row = await pool.fetchrow(
        SELECT_NUMBERS,
        list(watched),
        list(watched.values()),
        DISK,
        backup_kind,
        list(KINDS),
        FORGET_S,
    )
    assert row is not None, "a row of sub-selects is always there"
    return Numbers(**row)
