"""The receipt of a post: taken in every state, because what is out is out."""

from bookai.db import audit
from bookai.db.outbox.rows import ACTOR, OutboxRow, changed, locked, note, publication_of
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.metrics import POSTS
from bookai.models import Publication, Record

MAX_ID = 500
MAX_URL = 4096

SELECT_SENT = """
SELECT digest, title
  FROM social_sends
 WHERE post_id = $1
   AND attempt = $2
"""
# The handle may still let its holder write there, and nobody needs it any more.
UPDATE_POSTED = """
UPDATE social_posts
   SET state = 'posted', external_id = $2, url = $3, digest = $4, title = $5, reason = NULL,
       handle = NULL, lease_owner = NULL, lease_until = NULL, not_before = NULL,
       updated_at = now(), published_at = now()
 WHERE post_id = $1
"""


async def mark_posted(
    db: Pool | Con, post_id: int, external_id: str, url: str, *, attempt: int | None = None
) -> Publication:
    """Write the receipt; the same receipt when called twice.

    It is taken in every state and from every `attempt`: what is out is out, also when we had given
    it up or somebody else had taken it over. A receipt of an older attempt says so in its event,
    and the row has what that attempt sent.

    Raises:
        OperatorNeeded: the post is out already under another id, that is, it is out twice; or what
            is out is not what was to go out by now.
        Refused: the receipt's id or URL is empty or too long, or nobody ever began to send.
    """
    external_id, url = checked(external_id, url)
    async with audit.transaction(db) as con:
        row, _ = await locked(con, post_id)
        sent = await _sent(con, row, attempt)
        is_new = row.state != "posted"
        is_second = not is_new and (row.external_id, row.digest) != (external_id, sent.digest)
        if is_new:
            late: dict[str, object] = (
                {"of_attempt": attempt} if attempt not in (None, row.attempt) else {}
            )
            posted = await write(con, row, external_id, url, ACTOR, sent=sent, **late)
        elif is_second:
            second = {"second_id": external_id, "second_url": url, "second_digest": sent.digest}
            await note(con, "post.duplicate", row, **second)
    if is_second:
        POSTS.labels(row.platform, "duplicate").inc()
        raise _twice(row, external_id, url)
    if not is_new:
        return publication_of(row)
    POSTS.labels(row.platform, "posted").inc()
    if sent.digest != row.digest:
        raise OperatorNeeded(
            f"job {row.job_id} is out on {row.platform!r} at {url} as attempt {attempt} sent it "
            f"({sent.digest[:12]}…), and another post was to go out by now ({row.digest[:12]}…).",
            mend="Look at it there; what was to go out is not sent.",
        )
    return publication_of(posted)


async def write(
    con: Con,
    row: OutboxRow,
    external_id: str,
    url: str,
    by: str = ACTOR,
    *,
    sent: "Sent | None" = None,
    **more: object,
) -> OutboxRow:
    """Make a row posted, in the caller's transaction, with its event.

    Raises:
        Refused: nobody ever began to send it.
    """
    if row.sent_at is None:
        raise Refused(
            f"post {row.post_id} of job {row.job_id} was never sent, so it has no receipt"
        )
    sent = sent or await _sent(con, row, None)
    await con.execute(UPDATE_POSTED, row.post_id, external_id, url, sent.digest, sent.title)
    if sent.digest != row.digest:
        more["instead_of"] = row.digest
    row = await changed(con, row.post_id)
    await note(con, "post.posted", row, by, **more)
    return row


class Sent(Record):
    """What an attempt sent."""

    digest: str
    title: str


async def _sent(con: Con, row: OutboxRow, attempt: int | None) -> Sent:
    """Return what an attempt sent; what the row says where that was not written down."""
    found = await con.fetchrow(SELECT_SENT, row.post_id, attempt or row.attempt)
    return Sent(**found) if found else Sent(digest=row.digest, title=row.title)


def _twice(row: OutboxRow, external_id: str, url: str) -> OperatorNeeded:
    if row.external_id == external_id:
        return OperatorNeeded(
            f"two attempts of job {row.job_id} with different content wrote {url} on "
            f"{row.platform!r}.",
            mend="Look at it there, and set it right.",
        )
    return OperatorNeeded(
        f"job {row.job_id} is out twice on {row.platform!r}: {row.url} and {url}.",
        mend=f"Remove the second one there ({external_id}).",
    )


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
