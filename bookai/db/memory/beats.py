"""Who is on duty where: a row for each agent and process, beaten every few seconds.

Postgres's clock counts: it is the one that all processes share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bookai.db.pool import Pool

BEAT_S = 5.0
DEAD_AFTER_S = 3 * BEAT_S
"""Three beats missed: gone. The router of every process counts the same."""

FORGET_S = 3600.0

BEAT_AGENTS = """
INSERT INTO agents (name, capabilities, kind, last_seen_at)
SELECT name, string_to_array(capabilities, ','), kind, now() - make_interval(secs => age_s)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[])
       AS b (name, capabilities, kind, age_s)
 ORDER BY name
ON CONFLICT (name) DO UPDATE
   SET capabilities = excluded.capabilities, kind = excluded.kind,
       last_seen_at = greatest(agents.last_seen_at, excluded.last_seen_at)
"""
BEAT_PLACE = """
INSERT INTO agent_beats (agent, place, kind, capacity, in_flight, breaker, beat_at)
SELECT agent, $1, kind, capacity, in_flight, breaker, now() - make_interval(secs => age_s)
  FROM unnest($2::text[], $3::text[], $4::float8[], $5::integer[], $6::integer[], $7::text[])
       AS b (agent, kind, age_s, capacity, in_flight, breaker)
ON CONFLICT (agent, place) DO UPDATE
   SET kind = excluded.kind, capacity = excluded.capacity, in_flight = excluded.in_flight,
       breaker = excluded.breaker, beat_at = excluded.beat_at
"""
LEAVE = "DELETE FROM agent_beats WHERE place = $1"
FORGET = "DELETE FROM agent_beats WHERE beat_at < now() - make_interval(secs => $1)"


@dataclass(frozen=True, slots=True)
class Beat:
    """One agent as a process has it; it was heard of `age_s` seconds ago."""

    agent: str
    capabilities: tuple[str, ...]
    kind: str
    capacity: int
    in_flight: int
    breaker: str
    age_s: float = 0.0


async def beat(pool: Pool, place: str, beats: Sequence[Beat]) -> None:
    """Write down who is on duty in the process called `place`, and how each stands."""
    if not beats:
        return
    ordered = sorted(beats, key=lambda one: one.agent)  # two processes must not deadlock
    names, kinds = [one.agent for one in ordered], [one.kind for one in ordered]
    ages = [one.age_s for one in ordered]
    capabilities = [",".join(sorted(one.capabilities)) for one in ordered]
    async with pool.acquire() as con, con.transaction():
        await con.execute(BEAT_AGENTS, names, capabilities, kinds, ages)
        await con.execute(
            BEAT_PLACE,
            place,
            names,
            kinds,
            ages,
            [one.capacity for one in ordered],
            [one.in_flight for one in ordered],
            [one.breaker for one in ordered],
        )


async def leave(pool: Pool, place: str) -> None:
    """Take a process's agents off duty at once, instead of after three missed beats."""
    await pool.execute(LEAVE, place)


async def forget_silent(pool: Pool, after_s: float = FORGET_S) -> None:
    """Drop the beats of processes that are long gone; what their agents did stays."""
    await pool.execute(FORGET, after_s)
