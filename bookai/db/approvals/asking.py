"""Ask for people's word on a post, and ask anew for one whose time ran out."""

from datetime import datetime, timedelta

from bookai.db import audit, jobs
from bookai.db.approvals.rows import (
    STUDIO,
    Approval,
    OnDecided,
    check_operator,
    end,
    get,
    latest,
    locked,
    shown,
    unchanged,
    why_not_pending,
)
from bookai.db.approvals.rules import ANYONE, Rules, RulesOf, anyone
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.models import Post

MAX_POST_BYTES = 131072
_MAX_PATH = 4096

LOCK_LATEST = """
SELECT approval_id
  FROM approvals
 WHERE job_id = $1
 ORDER BY (state IN ('pending', 'approved')) DESC, approval_id DESC
 LIMIT 1
   FOR UPDATE
"""
INSERT_PENDING = """
INSERT INTO approvals (job_id, channel, requested_by, digest, post, video_path, requested_at,
                       expires_at, needed, approvers, own_jobs, follows)
SELECT j.job_id, j.channel, j.requested_by, $2, $3::text::jsonb, $4, $5, $6, $7, $8, $9, $10
  FROM video_jobs j
 WHERE j.job_id = $1
ON CONFLICT (job_id) WHERE state IN ('pending', 'approved') DO NOTHING
RETURNING approval_id
"""
UPDATE_JOB = """
UPDATE video_jobs
   SET record = record || jsonb_build_object('approval_id', $2::bigint, 'post', $3::text::jsonb),
       updated_at = now()
 WHERE job_id = $1
"""


async def request(  # noqa: PLR0913  # one question: whose job, which bytes, from when, how long, to whom
    con: Con,
    job_id: int,
    post: Post,
    video_path: str,
    now: datetime,
    ttl: timedelta,
    rules: Rules = ANYONE,
) -> int:
    """Ask for people's word on `post`, in the caller's transaction; return the approval's id.

    Asking again for the same post gives the same approval, also after a rejection: a no to
    exactly this stays a no. Another post makes an open approval void; an expired one is asked anew.
    `rules` are kept with the question. Call it before the transaction changes the job's row, so
    that it cannot wait in a circle with an operator who decides at the same moment.

    Raises:
        Refused: the post cannot be kept, or `ttl` is not in the future.
    """
    kept(post, video_path)
    if ttl <= timedelta():
        raise Refused(f"an approval must expire in the future, not after {ttl}")
    while True:
        await con.execute(LOCK_LATEST, job_id)
        before = await latest(con, job_id)
        if before and before.digest == post.digest() and _still_counts(before, now):
            return before.approval_id
        if before and before.state in ("pending", "approved"):
            await end(con, before, "expired" if before.expires_at <= now else "void", STUDIO)
        approval_id = await insert(con, (job_id, post, video_path, now, now + ttl), rules)
        if approval_id is not None:
            break
        # Another process asked at the same moment: look again at what it wrote.
        if await latest(con, job_id) is None:
            raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
    await tell_asked(con, await get(con, approval_id), STUDIO)
    return approval_id


async def renew(  # noqa: PLR0913  # a question asked anew: which, by whom, from when, how long, to whom
    pool: Pool,
    approval_id: int,
    by: str,
    now: datetime,
    ttl: timedelta,
    rules_of: RulesOf = anyone,
    on_renewed: OnDecided | None = None,
) -> Approval:
    """Ask anew for the very bytes of an approval that expired; return the new approval.

    The job's record then names the new approval; `on_renewed(con, job_id)` runs in the same
    transaction.

    Raises:
        Refused: it has not expired, it was asked anew already, or the job is over.
    """
    check_operator(by)
    async with audit.transaction(pool) as con:
        old = unchanged(await locked(con, approval_id))
        newest = await latest(con, old.job_id)
        if old.state != "expired" or newest is None or newest.approval_id != old.approval_id:
            why = why_not_pending(old) if old.state != "pending" else "it waits for its answer"
            raise Refused(f"approval {approval_id} cannot be asked anew: {why}")
        status = await jobs.lock_status(con, old.job_id)
        if status in ("done", "cancelled"):
            raise Refused(f"approval {approval_id} cannot be asked anew: its job is {status}")
        what = (old.job_id, old.post, old.video_path, now, now + ttl)
        new_id = await insert(con, what, rules_of(old.channel), follows=old.approval_id)
        assert new_id is not None, "the lock on the old one kept others from asking"
        await point_job(con, old.job_id, new_id, old.post)
        await tell_asked(con, await get(con, new_id), by)
        if on_renewed is not None:
            await on_renewed(con, old.job_id)
        return await get(con, new_id)


async def insert(
    con: Con,
    what: tuple[int, Post, str, datetime, datetime],
    rules: Rules,
    *,
    follows: int | None = None,
) -> int | None:
    """Write a pending approval of `what` (job, post, video, from, until); None if one is open."""
    job_id, post, video_path, now, expires_at = what
    text, digest = kept(post, video_path)
    approval_id: int | None = await con.fetchval(
        INSERT_PENDING,
        job_id,
        digest,
        text,
        video_path,
        now,
        expires_at,
        rules.needed,
        list(rules.approvers),
        rules.own_jobs,
        follows,
    )
    return approval_id


async def point_job(con: Con, job_id: int, approval_id: int, post: Post) -> None:
    """Let the job's record name the approval and the post that are now asked about."""
    await con.execute(UPDATE_JOB, job_id, approval_id, post.model_dump_json())


async def tell_asked(con: Con, approval: Approval, actor: str) -> None:
    """Write down what is asked, of whom, and until when."""
    body = {
        "approval_id": approval.approval_id,
        "job_id": approval.job_id,
        "digest": approval.digest,
        "expires_at": approval.expires_at,
        "needed": approval.needed,
        "approvers": approval.approvers,
        "own_jobs": approval.own_jobs,
        "follows": approval.follows,
        "shown": shown(approval.post),
    }
    await audit.append(con, "approval.requested", actor, body)


def kept(post: Post, video_path: str) -> tuple[str, str]:
    """Return the post's JSON text and digest, once it is certain that Postgres keeps both."""
    try:
        text, digest = post.model_dump_json(), post.digest()
    except (UnicodeEncodeError, ValueError) as error:
        raise Refused(f"the post {post.title[:80]!a} holds half a character ({error})") from error
    if "\\u0000" in text or "\0" in video_path:
        raise Refused(f"the post {post.title[:80]!a} holds a NUL character")
    size_bytes = len(text.encode())
    if size_bytes > MAX_POST_BYTES:
        raise Refused(f"a post may have {MAX_POST_BYTES} bytes, this has {size_bytes}: shorten it")
    if len(video_path) > _MAX_PATH:
        raise Refused(f"a path may have {_MAX_PATH} characters, this has {len(video_path)}")
    return text, digest


def _still_counts(approval: Approval, now: datetime) -> bool:
    is_open = approval.state in ("pending", "approved") and approval.expires_at > now
    return is_open or approval.state == "rejected"
