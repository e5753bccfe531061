"""The rungs: who granted what, how far a channel has come, and what takes it down again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bookai.db.audit.body import clean
from bookai.db.pool import Con, Pool
from bookai.decisions import Rung

Why = Literal["operator", "strike", "takedown", "passport", "rejection"]
Fallen = Literal["manual", "locked"]
MAX_REASON = 500

_COLUMNS = """
       u.capability, u.channel, u.level, u.granted, u.after, u.per_day, u.time_zone,
       u.voice_version, u.passport, u.granted_by, u.granted_at, u.in_a_row, u.reason, u.changed_at,
       u.changed_by,
       (SELECT count(*)
          FROM autonomy_approvals y
         WHERE y.channel = u.channel
           AND y.day >= ($1::timestamptz AT TIME ZONE u.time_zone)::date) AS used_today
"""
SELECT_RUNG = f"""
SELECT {_COLUMNS}
  FROM autonomy u
 WHERE u.capability = 'publish'
   AND u.channel = $2
"""  # noqa: S608  # a constant of ours
SELECT_RUNGS = f"SELECT {_COLUMNS} FROM autonomy u ORDER BY u.channel"  # noqa: S608  # as above
GRANT = "SELECT autonomy_grant($1, $2, $3, $4, $5, $6, $7)"
LOCK = "SELECT autonomy_lock($1, $2, $3, $4, $5, $6, $7)"
COUNT_LEVELS = "SELECT level, count(*) AS n FROM autonomy GROUP BY level"
COUNTS = """
SELECT EXISTS (SELECT
                 FROM autonomy
                WHERE capability = 'publish'
                  AND channel = $1
                  AND level = 'limited'
                  AND changed_at <= $2)
"""
WAS_LOCKED_BY = """
SELECT EXISTS (SELECT
                 FROM audit_log
                WHERE job_id = $1
                  AND kind = 'autonomy.locked'
                  AND body::jsonb -> 'approval_id' = to_jsonb($2::bigint))
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator grants: after how many unedited approvals in a row, and how many a day.

    `time_zone` says where the channel's day begins; `voice_version` is that of its brand voice,
    `passport` the SHA-256 of each other value of its passport that a rule is bound to, by its key.
    """

    after: int
    per_day: int
    time_zone: str
    voice_version: int
    passport: Mapping[str, str]

    def changed(self, rung: Rung) -> tuple[str, ...]:
        """Return what is another than was granted, by its name; nothing where the grant holds."""
        own = ("after", "per_day", "time_zone", "voice_version")
        found = [name for name in own if getattr(self, name) != getattr(rung, name)]
        keys = sorted({*self.passport, *rung.passport})
        found += [key for key in keys if self.passport.get(key) != rung.passport.get(key)]
        return tuple(found)


async def get(db: Pool | Con, channel: str, now: datetime) -> Rung | None:
    """Return where a channel stands; None when nobody ever granted it anything."""
    row = await db.fetchrow(SELECT_RUNG, now, channel)
    return Rung.model_validate(dict(row)) if row else None


async def list_(db: Pool | Con, now: datetime) -> tuple[Rung, ...]:
    """Return all channels that were ever granted something, by name."""
    return tuple(Rung.model_validate(dict(row)) for row in await db.fetch(SELECT_RUNGS, now))


async def count_levels(db: Pool | Con) -> dict[str, int]:
    """Return how many channels stand on each rung."""
    return {row["level"]: row["n"] for row in await db.fetch(COUNT_LEVELS)}


async def grant(db: Pool | Con, channel: str, terms: Terms, by: str) -> None:
    """Put a rule in force and begin the row anew, with its audit event; the caller checks `by`.

    It counts from now on, by the database's own clock.
    """
    said = (terms.after, terms.per_day, terms.time_zone, terms.voice_version, dict(terms.passport))
    await db.execute(GRANT, channel, *said, by)


async def lock(  # noqa: PLR0913  # one fall: of whom, how far, why, by whom, over what
    db: Pool | Con,
    channel: str,
    reason: str,
    by: str,
    *,
    level: Fallen = "locked",
    keeps_grant: bool = False,
    about: tuple[int, int] | None = None,
) -> bool:
    """Take a channel's autonomy away, with its audit event; False when there was none to take.

    With `keeps_grant` it can climb again by approvals alone, else an operator grants it anew.
    `about` are the job and the approval that were the occasion.
    """
    told = clean(reason)[:MAX_REASON]
    job_id, approval_id = about or (None, None)
    done: bool = await db.fetchval(LOCK, channel, level, told, by, keeps_grant, job_id, approval_id)
    return done


async def counts(db: Pool | Con, channel: str, approved_at: datetime) -> bool:
    """Tell whether a yes by rule of that time counts now: the channel was not locked since."""
    found: bool = await db.fetchval(COUNTS, channel, approved_at)
    return found


async def was_locked_by(con: Con, job_id: int, approval_id: int) -> bool:
    """Tell whether this answer took the channel's autonomy away."""
    found: bool = await con.fetchval(WAS_LOCKED_BY, job_id, approval_id)
    return found
