"""What a process must know to call itself ready, in one question."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bookai.db.keeping.schema import is_fit
from bookai.db.pool import Pool

DISK = "studio:disk"
"""Who pauses the making of videos when the disk is nearly full."""

SILENT_S = 20.0
"""So long a leader of the loop may be silent before another takes its place."""

SELECT_STANDING = """
SELECT (SELECT max(version) FROM schema_migrations) AS schema,
       ARRAY(SELECT ARRAY[version, (to_jsonb(m) ->> 'works_with')::integer]
               FROM schema_migrations m
              WHERE version > $3
              ORDER BY version) AS newer,
       EXISTS (SELECT FROM pauses WHERE paused_by = $1) AS disk_is_full,
       (SELECT holder
          FROM loop_epochs
         WHERE ended_at IS NULL
           AND seen_at > clock_timestamp() - make_interval(secs => $2)
         ORDER BY epoch DESC
         LIMIT 1) AS leader
"""

SELECT_FIRST = "SELECT applied_at FROM schema_migrations WHERE version = 0"


@dataclass(frozen=True, slots=True)
class Standing:
    """The schema's number, whether the disk is full, and who leads the loop, if anybody does.

    `strange` is the first newer schema that does not work with a program of ours, None without one.
    """

    schema: int
    strange: int | None
    disk_is_full: bool
    leader: str | None


async def stand(pool: Pool, known: int = 0) -> Standing:
    """Return how the studio stands now; it takes as long as the database needs to answer.

    `known` is the newest schema that the asking program knows.
    """
    row = await pool.fetchrow(SELECT_STANDING, DISK, SILENT_S, known)
    assert row is not None, "a row of sub-selects is always there"
    return Standing(
        schema=row["schema"],
        strange=next(
            (version for version, floor in row["newer"] if not is_fit(floor, known)), None
        ),
        disk_is_full=row["disk_is_full"],
        leader=row["leader"],
    )


async def studio_id(pool: Pool) -> str:
    """Return what tells this studio from any other, in every process and after a restore."""
    at: datetime = await pool.fetchval(SELECT_FIRST)
    return at.astimezone(UTC).isoformat()
