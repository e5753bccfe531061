"""Fill a fresh database with what a studio of that size would have after some days."""

import psycopg

from benchmarks.capacity.crowd import Size, channel
from bookai.db import offers
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.house import migrations_dir
from bookai.text.product_list import Product

# Two KiB stand for what a finished job's record keeps in the row itself; the rest lies beside it.
# Titles of six words: the planner compares each new story with all that its channel told.
JOBS = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, percent, record,
                        created_at, updated_at)
SELECT 'https://example.com/story/' || n,
       %(channel)s || lpad((n %% %(channels)s)::text, 3, '0'), 'schedule', 'done', 'report', 100,
       jsonb_build_object(
           'trend', jsonb_build_object(
               'url', 'https://example.com/story/' || n,
               'title', regexp_replace(md5(n::text), '(.{6})', '\\1 ', 'g')),
           'filler', repeat(md5(n::text), 60)),
       at.born, at.born
  FROM generate_series(0, %(jobs)s - 1) AS n
 CROSS JOIN LATERAL (SELECT now() - make_interval(secs => (n + 1) * %(apart_s)s) AS born) AS at
"""
ACCOUNTS = """
INSERT INTO social_accounts (platform, account)
SELECT DISTINCT 'gallery', channel FROM video_jobs
"""
APPROVALS = """
INSERT INTO approvals (job_id, channel, requested_by, state, digest, post, video_path,
                       requested_at, expires_at, decided_by, decided_at)
SELECT job_id, channel, requested_by, 'approved', repeat(md5(job_id::text), 2),
       jsonb_build_object('filler', repeat(md5(job_id::text), 20)), 'video.mp4',
       created_at, created_at + interval '3 days', 'operator:benchmark', created_at
  FROM video_jobs
"""
POSTS = """
INSERT INTO social_posts (job_id, platform, account, title, digest, state, external_id, url,
                          created_at, updated_at, published_at, sent_at)
SELECT job_id, 'gallery', channel, record -> 'trend' ->> 'title', repeat(md5(job_id::text), 2),
       'posted', 'video-' || job_id, source, created_at, created_at, created_at, created_at
  FROM video_jobs
"""
SLOTS = """
INSERT INTO publish_slots (channel, slot_at, job_id, claimed_at)
SELECT channel, created_at, job_id, created_at FROM video_jobs
"""
# What is written here happened long ago: nobody is to be told of it, and no rule is to be asked.
QUIET = "SET session_replication_role = replica"


async def fill(server: EmbeddedPostgres, size: Size, days: int) -> None:
    """Migrate, then write products and finished jobs with their slots, approvals and posts."""
    await migrate(server.dsn(), migrations_dir(), server.role_passwords())
    async with open_pool(server.app_dsn(), size=1) as pool:
        await offers.import_products(pool, [_product(number) for number in range(size.products)])
    with psycopg.connect(server.dsn(), autocommit=True) as con:
        con.execute(QUIET)
        con.execute(
            JOBS,
            {
                "channel": channel(0)[:-3],
                "channels": size.channels,
                "jobs": size.jobs * days,
                "apart_s": 86_400 / size.jobs,
            },
        )
        for statement in (ACCOUNTS, APPROVALS, POSTS, SLOTS):
            con.execute(statement)
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
