"""What only an operator does to a post: replay a dead letter, settle an unknown outcome."""

from bookai.db import audit
from bookai.db.outbox import receipts
from bookai.db.outbox.rows import OutboxRow, changed, locked, note, publication_of, reason_of
from bookai.db.outbox.sending import take_over
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.metrics import POSTS
from bookai.models import Publication

OPERATOR = "operator:"

UPDATE_REPLAYED = """
UPDATE social_posts
   SET state = 'armed', attempt = attempt + 1, reason = NULL, not_before = NULL, updated_at = now()
 WHERE post_id = $1
"""
UPDATE_FAILED = """
UPDATE social_posts
   SET state = 'failed', reason = $2, not_before = NULL, updated_at = now()
 WHERE post_id = $1
"""


async def replay(db: Pool | Con, post_id: int, by: str) -> OutboxRow:
    """Arm a dead letter again, with as many tries as a new post has.

    Raises:
        Refused: it is no dead letter, or `by` is no operator.
    """
    _check_operator(by)
    async with audit.transaction(db) as con:
        row, _ = await locked(con, post_id)
        if row.state != "dead":
            raise Refused(_told(row, "only a dead letter is replayed"))
        await con.execute(UPDATE_REPLAYED, post_id)
        row = await changed(con, post_id)
        await note(con, "post.replayed", row, by)
    return row


async def resolve_posted(
    db: Pool | Con, post_id: int, by: str, *, external_id: str, url: str
) -> Publication:
    """Take an operator's word that an unknown post is out, and where.

    Raises:
        Refused: its outcome is known, `by` is no operator, or the receipt is incomplete.
        TryLater: somebody sends it right now.
    """
    _check_operator(by)
    external_id, url = receipts.checked(external_id, url)
    async with audit.transaction(db) as con:
        row = await _unknown(con, post_id)
        row = await receipts.write(con, row, external_id, url, by, settled="by an operator's word")
    POSTS.labels(row.platform, "posted").inc()
    return publication_of(row)


async def resolve_not_posted(db: Pool | Con, post_id: int, by: str, reason: str) -> OutboxRow:
    """Take an operator's word that an unknown post is not out, so that it may be sent again.

    Raises:
        Refused: its outcome is known, `by` is no operator, or there is no reason.
        TryLater: somebody sends it right now.
    """
    _check_operator(by)
    reason = reason_of(reason)
    async with audit.transaction(db) as con:
        await _unknown(con, post_id)
        await con.execute(UPDATE_FAILED, post_id, reason)
        row = await changed(con, post_id)
        await note(con, "post.failed", row, by, settled="by an operator's word")
    POSTS.labels(row.platform, "failed").inc()
    return row


async def _unknown(con: Con, post_id: int) -> OutboxRow:
    row, more = await locked(con, post_id)
    if row.state == "sending":
        row = await take_over(con, row, more)
    if row.state != "unknown":
        raise Refused(_told(row, "only an unknown outcome is settled"))
    return row


def _check_operator(by: str) -> None:
    if not by.startswith(OPERATOR) or not by[len(OPERATOR) :].strip():
        raise Refused(f"{by[:80]!r} may not do this: only an operator may, never an agent")


def _told(row: OutboxRow, rule: str) -> str:
    where = f" ({row.url})" if row.url else ""
    return f"post {row.post_id} of job {row.job_id} is {row.state}{where}; {rule}"
