"""A clock that stands, for Python and for the database's rules, until a test moves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg

# As a rehearsal does it, but for the functions alone that the migrations pinned to their schema:
# with this in everybody's path, whoever opens an office would migrate into it.
CREATE_CLOCK = r"""
CREATE SCHEMA standing;
CREATE TABLE standing.clock (at timestamptz NOT NULL);
INSERT INTO standing.clock VALUES (now());
CREATE FUNCTION standing.clock_timestamp() RETURNS timestamptz
LANGUAGE sql STABLE AS 'SELECT at FROM standing.clock';
GRANT USAGE ON SCHEMA standing TO PUBLIC;
GRANT SELECT ON standing.clock TO PUBLIC;
DO $$
DECLARE
    found text;
BEGIN
    FOR found IN
        SELECT oid::regprocedure::text
          FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
           AND EXISTS (SELECT FROM unnest(proconfig) AS set (said)
                        WHERE said LIKE 'search\_path=%')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = standing, pg_catalog, public, pg_temp',
                       found);
    END LOOP;
END $$
"""
SET_CLOCK = "UPDATE standing.clock SET at = %s"


class StandingClock:
    """One time for both; a test may put it back, which a rehearsal cannot."""

    def __init__(self, con: psycopg.Connection, at: datetime) -> None:
        self._con = con
        self.at = at

    @property
    def at(self) -> datetime:
        """The time, aware UTC."""
        return self._at

    @at.setter
    def at(self, at: datetime) -> None:
        self._con.execute(SET_CLOCK, (at,))
        self._at = at

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def standing_clock(admin_dsn: str, at: datetime) -> Iterator[StandingClock]:
    """Let a database's clock stand at `at` until a test moves it."""
    with psycopg.connect(admin_dsn, autocommit=True) as con:
        con.execute(CREATE_CLOCK.encode())
        yield StandingClock(con, at)
