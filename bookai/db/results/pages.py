"""Whether the pages of products answer: a dead one is marked and named, never deleted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bookai.db import audit
from bookai.db.audit.body import clean
from bookai.db.pool import Con, Pool

State = Literal["answers", "unsure", "dead"]

ACTOR = "studio"
LONGEST = 500
EACH = timedelta(days=7)
"""How often a page that answers is looked at."""
SURE_AFTER = 2
LOOK_TWICE = timedelta(hours=20)

COUNT_ACTIVE = "SELECT count(*) FROM affiliate_products WHERE active"
# A product that got another address is looked at like a new one.
SELECT_DUE = """
SELECT p.product_id, p.network, p.sku, p.name, p.url,
       CASE WHEN c.url = p.url THEN c.state END AS state,
       CASE WHEN c.url = p.url THEN c.missed ELSE 0 END AS missed
  FROM affiliate_products p
  LEFT JOIN offer_checks c ON c.product_id = p.product_id
 WHERE p.active
   AND (c.product_id IS NULL OR c.next_at <= $1 OR c.url <> p.url)
 ORDER BY c.next_at NULLS FIRST, p.product_id
 LIMIT $2
"""
UPSERT_CHECK = """
INSERT INTO offer_checks AS c
       (product_id, url, state, missed, error, checked_at, since, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
ON CONFLICT (product_id) DO UPDATE
   SET url = excluded.url, state = excluded.state, missed = excluded.missed,
       error = excluded.error, checked_at = excluded.checked_at, next_at = excluded.next_at,
       since = CASE WHEN c.state = excluded.state THEN c.since ELSE excluded.since END
"""
SELECT_DEAD = """
SELECT p.product_id, p.network, p.sku, p.name, p.url, c.error, c.since
  FROM offer_checks c
  JOIN affiliate_products p ON p.product_id = c.product_id AND p.url = c.url
 WHERE c.state = 'dead'
   AND p.active
 ORDER BY c.since, p.product_id
"""


@dataclass(frozen=True, slots=True)
class DuePage:
    """A product whose page is to be looked at, and what was known of it."""

    product_id: int
    network: str
    sku: str
    name: str
    url: str
    state: State | None
    missed: int


@dataclass(frozen=True, slots=True)
class DeadPage:
    """A product whose page is gone since a moment; it is not offered meanwhile."""

    product_id: int
    network: str
    sku: str
    name: str
    url: str
    error: str | None
    since: datetime


async def due(
    pool: Pool, at: datetime, every: timedelta, least: int, most: int
) -> tuple[DuePage, ...]:
    """Return products to be looked at now: as many as let each have its turn within `EACH`.

    `every` is how far apart these looks are.
    """
    active: int = await pool.fetchval(COUNT_ACTIVE)
    share = -(-active * every // EACH) if active else 0
    rows = await pool.fetch(SELECT_DUE, at, min(max(share, least), most))
    return tuple(DuePage(**row) for row in rows)


async def note_answers(pool: Pool, page: DuePage, at: datetime) -> None:
    """Note that a page answers; one that was dead is offered again."""
    async with pool.acquire() as con, con.transaction():
        await con.execute(
            UPSERT_CHECK, page.product_id, page.url, "answers", 0, None, at, at + EACH
        )
        if page.state == "dead":
            await _tell(con, "offer.back", page, "")


async def note_missing(pool: Pool, page: DuePage, why: str, at: datetime) -> bool:
    """Note that there is no such page; return whether the product is dead only now.

    One miss may be a shop at work on its pages: the second, most of a day later, is believed.
    """
    missed = page.missed + 1
    state: State = "dead" if missed >= SURE_AFTER else "unsure"
    is_news = state == "dead" and page.state != "dead"
    told = clean(why)[:LONGEST]
    again = at + (EACH if state == "dead" else LOOK_TWICE)
    async with pool.acquire() as con, con.transaction():
        await con.execute(UPSERT_CHECK, page.product_id, page.url, state, missed, told, at, again)
        if is_news:
            await _tell(con, "offer.dead", page, why)
    return is_news


async def note_unsure(pool: Pool, page: DuePage, why: str, at: datetime, again: datetime) -> None:
    """Note that nobody knows: the shop was busy, away, or lets no program in; look `again` then.

    What was dead stays dead, and what was offered stays offered.
    """
    state: State = "dead" if page.state == "dead" else "unsure"
    told = clean(why)[:LONGEST]
    await pool.execute(UPSERT_CHECK, page.product_id, page.url, state, page.missed, told, at, again)


async def dead(pool: Pool) -> tuple[DeadPage, ...]:
    """Return the products whose page is gone, those gone longest first."""
    return tuple(DeadPage(**row) for row in await pool.fetch(SELECT_DEAD))


async def _tell(con: Con, kind: str, page: DuePage, why: str) -> None:
    body = {
        "product_id": page.product_id,
        "network": page.network,
        "sku": page.sku,
        "url": page.url,
        "reason": why[:LONGEST],
    }
    await audit.append(con, kind, ACTOR, body)
