"""Fill a fresh database with what a studio of that size would have after some days."""

import psycopg

from benchmarks.capacity.crowd import Size, channel
from benchmarks.unattended.feeds import Feeds
from bookai.db import offers
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.house import migrations_dir
from bookai.text.product_list import Product

# Two KiB stand for what a finished job's record keeps in the row itself; the rest lies beside it.
# The last job of each feed is so old that the next comes at its own moment, not all at once.
JOBS = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, percent, record,
                        created_at, updated_at)
SELECT %(url)s || (n %% %(feeds)s) || '.xml', %(channel)s || lpad(((n %% %(feeds)s)
       %% %(channels)s)::text, 3, '0'), 'schedule', 'done', 'report', 100,
       jsonb_build_object('filler', repeat(md5(n::text), 60)),
       at.born, at.born
  FROM generate_series(0, %(jobs)s - 1) AS n
 CROSS JOIN LATERAL (SELECT now() - make_interval(secs => n * %(apart_s)s) AS born) AS at
"""
SLOW = "ALTER DATABASE bookai SET synchronous_commit = on"


async def fill(server: EmbeddedPostgres, size: Size, feeds: Feeds, rate: float, days: int) -> None:
    """Migrate, then write products and finished jobs."""
    await migrate(server.dsn(), migrations_dir(), server.role_passwords())
    async with open_pool(server.app_dsn(), size=1) as pool:
        await offers.import_products(pool, [_product(number) for number in range(size.products)])
    base = feeds.url(0).removesuffix("0.xml")
    jobs = max(size.feeds, size.jobs * days)
    with psycopg.connect(server.dsn(), autocommit=True) as con:
        con.execute(
            JOBS,
            {
                "url": base,
                "channel": channel(0)[:-3],
                "feeds": size.feeds,
                "channels": size.channels,
                "jobs": jobs,
                "apart_s": size.source_every_s(rate) / size.feeds,
            },
        )
        con.execute("VACUUM ANALYZE")


def _product(number: int) -> Product:
    return Product(
        network="catalogue",
        sku=f"P-{number}",
        name=f"Product number {number}",
        category="clocks",
        price_minor=1000 + number,
        currency="EUR",
        commission_bps=500,
        url=f"https://example.com/{number}",
        terms=("clock", f"thing {number}"),
    )
