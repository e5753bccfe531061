"""What the videos earned: clicks and commissions as the networks report them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from bookai.db.pool import Pool
from bookai.errors import Refused
from bookai.market import EarningsBy, EarningsReport, EarningsRow, Money, ReportState

# What was said of a sale: its latest statement stands, less what was reversed since. A reversal of
# a sale that we never heard of counts by itself. The sale belongs to the day when it happened.
_SALES = """
WITH words AS MATERIALIZED (
    SELECT network, external_id, currency, link_id, state, commission_minor,
           occurred_at, reported_at
      FROM affiliate_conversions
     WHERE (network, external_id) IN (SELECT network, external_id FROM affiliate_conversions
                                       WHERE occurred_at >= $1 AND occurred_at < $2)
), sales AS (
    SELECT network, external_id, currency, min(occurred_at) AS occurred_at, max(link_id) AS link_id
      FROM words
     GROUP BY network, external_id, currency
    HAVING min(occurred_at) >= $1 AND min(occurred_at) < $2
), said AS (
    SELECT DISTINCT ON (network, external_id, currency)
           network, external_id, currency, state, commission_minor, reported_at
      FROM words
     WHERE state <> 'reversed'
     ORDER BY network, external_id, currency, reported_at DESC,
              array_position(ARRAY['pending', 'approved', 'paid'], state) DESC
), back AS (
    SELECT w.network, w.external_id, w.currency, sum(w.commission_minor) AS reversed
      FROM words AS w
      LEFT JOIN said USING (network, external_id, currency)
     WHERE w.state = 'reversed'
       AND (said.reported_at IS NULL OR w.reported_at >= said.reported_at)
     GROUP BY w.network, w.external_id, w.currency
), stood AS (
    SELECT sales.occurred_at, sales.link_id, currency, said.state,
           coalesce(said.commission_minor, 0) AS stated, coalesce(back.reversed, 0) AS reversed
      FROM sales
      LEFT JOIN said USING (network, external_id, currency)
      LEFT JOIN back USING (network, external_id, currency)
)
"""
_KEY_AND_LABEL = """
       CASE $4::text
            WHEN 'day' THEN to_char(e.at AT TIME ZONE $3, 'YYYY-MM-DD')
            WHEN 'channel' THEN j.channel
            WHEN 'video' THEN j.job_id::text
            ELSE p.product_id::text END AS key,
       CASE $4::text
            WHEN 'video' THEN coalesce(j.record -> 'trend' ->> 'title', j.source)
            WHEN 'product' THEN p.name END AS label,
       CASE $4::text
            WHEN 'video' THEN coalesce(
                 (SELECT sum(r.views)::bigint FROM post_results AS r
                    JOIN social_posts AS s ON s.post_id = r.post_id
                   WHERE s.job_id = j.job_id),
                 (j.record -> 'report' ->> 'views')::bigint) END AS views
"""
_WHOSE = """
  LEFT JOIN affiliate_links AS l ON l.link_id = e.link_id
  LEFT JOIN video_jobs AS j ON j.job_id = l.job_id
  LEFT JOIN affiliate_products AS p ON p.product_id = l.product_id
"""
SUM_MONEY = f"""
{_SALES}, e AS (SELECT occurred_at AS at, * FROM stood),
told AS (
SELECT e.currency, e.state, e.stated, e.reversed, {_KEY_AND_LABEL}
  FROM e {_WHOSE}
)
SELECT key, label, views, currency, count(*) AS sales, sum(reversed)::bigint AS reversed,
       coalesce(sum(stated + reversed) FILTER (WHERE state = 'pending'), 0)::bigint AS pending,
       coalesce(sum(stated + reversed) FILTER (WHERE state IS DISTINCT FROM 'pending'), 0)::bigint
           AS confirmed,
       coalesce(sum(stated + reversed) FILTER (WHERE state = 'paid'), 0)::bigint AS paid
  FROM told
 GROUP BY key, label, views, currency
"""  # noqa: S608  # the parts are constants of this file
COUNT_CLICKS = f"""
WITH e AS (
SELECT link_id, clicked_at AS at FROM affiliate_clicks
 WHERE clicked_at >= $1 AND clicked_at < $2
), told AS (
SELECT {_KEY_AND_LABEL}
  FROM e {_WHOSE}
)
SELECT key, label, views, count(*) AS clicks
  FROM told
 GROUP BY key, label, views
"""  # noqa: S608  # the parts are constants of this file
SELECT_READS = """
SELECT n.name AS network, k.kind, max(r.read_at) AS read_at, max(r.newest_at) AS newest_at
  FROM affiliate_networks AS n
 CROSS JOIN (VALUES ('clicks'), ('conversions')) AS k (kind)
  LEFT JOIN earnings_reads AS r ON r.network = n.name AND r.kind = k.kind
 GROUP BY n.name, k.kind
 ORDER BY n.name, k.kind
"""
_NOBODYS = "no link of ours"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until before `until`; days are those of `time_zone`, an IANA name."""

    since: datetime
    until: datetime
    time_zone: str


async def sum_up(pool: Pool, span: Span, by: EarningsBy, limit: int) -> EarningsReport:
    """Return what was earned in a span by day, channel, video or product.

    Days come oldest first, the others by clicks and sales, the busiest first.

    Raises:
        Refused: the database does not know the time zone.
    """
    asked = (span.since, span.until, span.time_zone, by)
    try:
        # One snapshot: clicks and money of the same moment.
        async with pool.acquire() as con, con.transaction(isolation="repeatable_read"):
            money = await con.fetch(SUM_MONEY, *asked)
            clicks = await con.fetch(COUNT_CLICKS, *asked)
            reads = await con.fetch(SELECT_READS)
    except asyncpg.InvalidParameterValueError as error:
        raise Refused(
            f"the database knows no time zone {span.time_zone!r}. Use an IANA name, such as "
            "Europe/Berlin."
        ) from error
    rows = _rows(money, clicks)
    order = _by_day if by == "day" else _busiest
    rows.sort(key=order)
    reports = tuple(
        ReportState(
            network=row["network"],
            kind=row["kind"],
            read_at=row["read_at"],
            # A report that ends before the range says nothing of its last day, however late read.
            complete=row["read_at"] is not None
            and row["read_at"] >= span.until
            and row["newest_at"] >= span.until - A_DAY,
            newest_at=row["newest_at"],
        )
        for row in reads
    )
    return EarningsReport(
        since=span.since,
        until=span.until,
        clicks=sum(row["clicks"] for row in clicks),
        money=_totals(money),
        rows=tuple(rows[:limit]),
        left_out=max(0, len(rows) - limit),
        reports=reports,
        note=_note(reports),
    )


def _rows(money: Iterable[Mapping[str, Any]], clicks: Iterable[Mapping[str, Any]]) -> list[Any]:
    paid: dict[str | None, list[Money]] = defaultdict(list)
    clicked: dict[str | None, int] = {}
    told: dict[str | None, tuple[str, int | None]] = {}
    for row in sorted(money, key=lambda one: one["currency"]):
        paid[row["key"]].append(_money(row))
        told[row["key"]] = (row["label"] or row["key"] or _NOBODYS, row["views"])
    for row in clicks:
        clicked[row["key"]] = row["clicks"]
        told[row["key"]] = (row["label"] or row["key"] or _NOBODYS, row["views"])
    return [
        EarningsRow(
            key=key, label=label, clicks=clicked.get(key, 0), money=tuple(paid[key]), views=views
        )
        for key, (label, views) in told.items()
    ]


def _money(row: Mapping[str, Any]) -> Money:
    return Money(**{name: row[name] for name in Money.model_fields})


def _totals(money: Iterable[Mapping[str, Any]]) -> tuple[Money, ...]:
    """Add up, each currency by itself: there is no rate at which to join them."""
    totals: dict[str, dict[str, int]] = {}
    for row in money:
        total = totals.setdefault(row["currency"], defaultdict(int))
        for name in ("sales", "pending", "confirmed", "paid", "reversed"):
            total[name] += row[name]
    return tuple(Money(currency=code, **totals[code]) for code in sorted(totals))


def _by_day(row: EarningsRow) -> tuple[bool, str]:
    return row.key is None, row.key or ""


def _busiest(row: EarningsRow) -> tuple[int, int, str]:
    return -row.clicks, -sum(one.sales for one in row.money), row.label


def _note(reports: tuple[ReportState, ...]) -> str:
    """Tell what zero may hide: a report that was never read, or not until the range's end."""
    never = [f"{one.kind} of {one.network}" for one in reports if one.read_at is None]
    partly = [
        f"{one.kind} of {one.network} (last read {one.read_at:%Y-%m-%d}, newest row of "
        f"{one.newest_at:%Y-%m-%d})"
        for one in reports
        if one.read_at is not None and not one.complete
    ]
    parts = []
    if never:
        parts.append(f"Never read, so not known: {', '.join(never)}.")
    if partly:
        parts.append(
            f"Nothing told of the range's last day, so more may come: {', '.join(partly)}."
        )
    if never or partly:
        parts.append("To read a network's report: bookai earnings import FILE.csv")
    return " ".join(parts)
