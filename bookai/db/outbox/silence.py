"""Posts whose sender fell silent and that nobody asked for again: an operator must see them."""

from bookai.db import audit
from bookai.db.outbox.rows import locked
from bookai.db.outbox.sending import take_over
from bookai.db.pool import Pool

SILENT_S = 60.0
"""How long after its lease a post may still be somebody's who is about to carry it on."""

MAX_AT_ONCE = 100

SELECT_SILENT = """
SELECT post_id
  FROM social_posts
 WHERE state = 'sending'
   AND lease_until < clock_timestamp() - make_interval(secs => $1)
 ORDER BY post_id
 LIMIT $2
"""


async def note_silent(pool: Pool, *, after_s: float = SILENT_S) -> int:
    """Make posts unknown whose lease ended `after_s` seconds ago; return how many."""
    found = await pool.fetch(SELECT_SILENT, after_s, MAX_AT_ONCE)
    noted = 0
    for post_id in (row["post_id"] for row in found):
        async with audit.transaction(pool) as con:
            row, more = await locked(con, post_id)
            if row.state == "sending" and more["lease_s"] <= -after_s:
                await take_over(con, row, more)
                noted += 1
    return noted
