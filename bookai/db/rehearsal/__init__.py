"""The database of a rehearsal: a clock of its own, and a mark on all that is written there.

Its schema `rehearsal` lies before `pg_catalog` in the search path of that one database. So `now()`
and `clock_timestamp()` are the rehearsal's wherever the studio or its queue asks the server for the
time, in statements, in defaults and in triggers, and not one statement has to be written twice.
"""

from dataclasses import dataclass
from datetime import datetime

from bookai.db.pool import Con, Pool, connect
from bookai.errors import Refused

PLATFORM = "simulated"
"""The only platform on which a rehearsal's database lets a post be armed."""

FIND_TABLE = """
SELECT format('%I.%I', schemaname, tablename)
  FROM pg_catalog.pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
 LIMIT 1
"""
CREATE_CLOCK = """
CREATE SCHEMA rehearsal;
CREATE TABLE rehearsal.clock (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    at       timestamptz NOT NULL
);
CREATE FUNCTION rehearsal.now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT at FROM rehearsal.clock';
CREATE FUNCTION rehearsal.clock_timestamp() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT at FROM rehearsal.clock';
GRANT USAGE ON SCHEMA rehearsal TO PUBLIC;
GRANT SELECT ON rehearsal.clock TO PUBLIC;
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = rehearsal, pg_catalog, public',
                   current_database());
    -- Nothing here has to outlive the machine's power.
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
END $$;
"""
# Functions that the migrations pinned to their schema would still see the server's own clock.
REPIN = """
DO $$
DECLARE
    found text;
BEGIN
    FOR found IN
        SELECT oid::regprocedure::text
          FROM pg_catalog.pg_proc
         WHERE pronamespace = 'rehearsal'::regnamespace
           AND EXISTS (SELECT FROM unnest(proconfig) AS set (said)
                        WHERE said LIKE 'search\\_path=%')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = rehearsal, pg_catalog, pg_temp', found);
    END LOOP;
END $$
"""
# Below every program that works here: what is not marked cannot be written, and what is not for
# the simulated platform cannot be armed, whoever asks and however wrong his settings are.
MARK = """
CREATE FUNCTION rehearsal_mark_event() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body = '{}' THEN
        NEW.body := '{"simulated":true}';
    ELSE
        NEW.body := left(NEW.body, -1) || ',"simulated":true}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rehearsal_mark BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION rehearsal_mark_event();
CREATE FUNCTION rehearsal_mark_job() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.record := NEW.record || '{"simulated": true}';
    RETURN NEW;
END $$;
CREATE TRIGGER rehearsal_mark BEFORE INSERT OR UPDATE OF record ON video_jobs
    FOR EACH ROW EXECUTE FUNCTION rehearsal_mark_job();
ALTER TABLE social_posts
    ADD CONSTRAINT rehearsal_posts_nowhere CHECK (platform = 'simulated');
"""
SET_CLOCK = """
INSERT INTO rehearsal.clock (at) VALUES ($1)
ON CONFLICT (only_row) DO UPDATE SET at = excluded.at WHERE clock.at <= excluded.at
RETURNING at
"""
IS_REHEARSAL = "SELECT to_regclass('rehearsal.clock') IS NOT NULL"
SELECT_NEXT = """
SELECT (SELECT min(coalesce(scheduled_at, now())) FROM procrastinate_jobs WHERE status = 'todo')
       AS entry_at,
       (SELECT min(expires_at) FROM approvals WHERE state = 'pending') AS expiry_at
"""
SELECT_TICKS = """
SELECT name, count(*)::integer AS ticks, sum(covered)::integer AS slots,
       count(*) FILTER (WHERE state = 'failed')::integer AS failed
  FROM loop_ticks
 GROUP BY name
 ORDER BY name
"""
SELECT_UNMARKED = """
SELECT (SELECT count(*) FROM audit_log WHERE (body::jsonb ->> 'simulated') IS DISTINCT FROM 'true')
     + (SELECT count(*) FROM video_jobs WHERE (record ->> 'simulated') IS DISTINCT FROM 'true')
     + (SELECT count(*) FROM social_posts WHERE platform <> 'simulated')
"""
SELECT_LINKS = """
SELECT l.job_id, l.sub_id, p.network, p.price_minor, p.currency, p.commission_bps
  FROM affiliate_links l
  JOIN affiliate_products p USING (product_id)
  JOIN social_posts s USING (job_id)
 WHERE s.state = 'posted'
 ORDER BY l.link_id
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A tracked link of a post that is out, and what its product costs and pays."""

    job_id: int
    sub_id: str
    network: str
    price_minor: int
    currency: str
    commission_bps: int


@dataclass(frozen=True, slots=True)
class Due:
    """When the queue's next entry may be taken, and when the next unanswered approval ends."""

    entry_at: datetime | None
    expiry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the loop did of one name: its ticks, the slots they settled, how many failed."""

    name: str
    ticks: int
    slots: int
    failed: int


async def prepare(admin_dsn: str, at: datetime) -> None:
    """Give an empty database a clock that stands at `at`; migrate it after this.

    Raises:
        Refused: there is something in it already. A rehearsal never works on anybody's data.
    """
    con = await connect(admin_dsn)
    try:
        if (found := await con.fetchval(FIND_TABLE)) is not None:
            raise Refused(
                f"this database holds {found} already, and a rehearsal needs an empty one: "
                "it would move its clock and mark all that is in it as simulated."
            )
        async with con.transaction():
            await con.execute(CREATE_CLOCK)
            await con.fetchval(SET_CLOCK, at)
    finally:
        await con.close()


async def close_off(admin_dsn: str) -> None:
    """Mark whatever will be written, and let no post be armed but for the simulated platform.

    To be called once, after the migrations and before anybody works.
    """
    con = await connect(admin_dsn)
    try:
        async with con.transaction():
            await con.execute(REPIN)
            await con.execute(MARK)
    finally:
        await con.close()


async def set_clock(con: Con, at: datetime) -> None:
    """Move the clock on to `at`, as the database's owner.

    Raises:
        Refused: that lies before what the clock says.
    """
    if await con.fetchval(SET_CLOCK, at) is None:
        raise Refused(f"the clock of a rehearsal does not go back to {at}")


async def is_rehearsal(db: Pool | Con) -> bool:
    """Tell whether this database is one of a rehearsal."""
    return bool(await db.fetchval(IS_REHEARSAL))


async def next_due(pool: Pool) -> Due:
    """Return when the queue has something to do next, and when an unanswered approval ends."""
    return Due(**await pool.fetchrow(SELECT_NEXT))


async def list_ticks(pool: Pool) -> tuple[Ticks, ...]:
    """Return what the loop did, by name."""
    return tuple(Ticks(**row) for row in await pool.fetch(SELECT_TICKS))


async def list_links(pool: Pool) -> tuple[Link, ...]:
    """Return the tracked links of what is out."""
    return tuple(Link(**row) for row in await pool.fetch(SELECT_LINKS))


async def count_unmarked(pool: Pool) -> int:
    """Return how many events, jobs and posts do not say that they are simulated: none, ever."""
    found: int = await pool.fetchval(SELECT_UNMARKED)
    return found
