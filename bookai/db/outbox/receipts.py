"""The receipt of a post: taken in every state, because what is out is out."""

from bookai.db import audit
from bookai.db.outbox.rows import ACTOR, OutboxRow, changed, locked, note, publication_of
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.metrics import POSTS
from bookai.models import Publication

MAX_ID = 500
MAX_URL = 4096

# The handle may still let its holder write there, and nobody needs it any more.
UPDATE_POSTED = """
UPDATE social_posts
   SET state = 'posted', external_id = $2, url = $3, reason = NULL, handle = NULL,
       lease_owner = NULL, lease_until = NULL, not_before = NULL, updated_at = now(),
       published_at = now()
 WHERE post_id = $1
"""


async def mark_posted(
    db: Pool | Con, post_id: int, external_id: str, url: str, *, attempt: int | None = None
) -> Publication:
    """Write the receipt; the same receipt when called twice.

    It is taken in every state and from every `attempt`: what is out is out, also when we had given
    it up or somebody else had taken it over. A receipt of an older attempt says so in its event.

    Raises:
        OperatorNeeded: the post is out already under another id, that is, it is out twice.
        Refused: the receipt's id or URL is empty or too long, or nobody ever began to send.
    """
    external_id, url = checked(external_id, url)
    async with audit.transaction(db) as con:
        row, _ = await locked(con, post_id)
        is_new = row.state != "posted"
        if is_new:
            late: dict[str, object] = (
                {"of_attempt": attempt} if attempt not in (None, row.attempt) else {}
            )
            row = await write(con, row, external_id, url, ACTOR, **late)
        elif row.external_id != external_id:
            await note(con, "post.duplicate", row, second_id=external_id, second_url=url)
    if not is_new and row.external_id != external_id:
        POSTS.labels(row.platform, "duplicate").inc()
        raise OperatorNeeded(
            f"job {row.job_id} is out twice on {row.platform!r}: {row.url} and {url}.",
            mend=f"Remove the second one there ({external_id}).",
        )
    if is_new:
        POSTS.labels(row.platform, "posted").inc()
    return publication_of(row)


async def write(
    con: Con, row: OutboxRow, external_id: str, url: str, by: str = ACTOR, **more: object
) -> OutboxRow:
    """Make a row posted, in the caller's transaction, with its event.

    Raises:
        Refused: nobody ever began to send it.
    """
    if row.sent_at is None:
        raise Refused(
            f"post {row.post_id} of job {row.job_id} was never sent, so it has no receipt"
        )
    await con.execute(UPDATE_POSTED, row.post_id, external_id, url)
    row = await changed(con, row.post_id)
    await note(con, "post.posted", row, by, **more)
    return row


def checked(external_id: str, url: str) -> tuple[str, str]:
    """Return a receipt's id and URL as they are kept.

    Raises:
        Refused: one is empty or too long.
    """
    external_id, url = audit.clean(external_id), audit.clean(url)
    if not 0 < len(external_id) <= MAX_ID or not 0 < len(url) <= MAX_URL:
        raise Refused(
            f"a receipt needs an id of 1 to {MAX_ID} and a URL of 1 to {MAX_URL} characters, "
            f"not {external_id[:80]!r} and {url[:80]!r}"
        )
    return external_id, url
