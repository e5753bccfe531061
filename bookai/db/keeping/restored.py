"""What a restored studio must not believe: the one that it is a copy of may have gone on.

Whatever was on its way may be out by now, and whatever was asked may be answered and published. So
posts become `unknown`, for the platform's witness or an operator to settle; open questions expire,
to be asked anew; jobs that had not ended are put aside until an operator carries them on; no
channel runs alone; and everything is paused until an operator resumes it.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from bookai.db import audit, control, jobs, planning
from bookai.db.approvals import ending
from bookai.db.audit.body import clean
from bookai.db.pool import Con
from bookai.records import RESTORED

# Whatever handle was kept: the one who made it may have taken another since, so it proves no no.
# The guard knows no way from `armed` to `unknown`: in ordinary life there is none. Only the table's
# owner may set it aside, and whoever restores is that.
SET_GUARDS_ASIDE = """
ALTER TABLE social_posts DISABLE TRIGGER social_posts_guard;
ALTER TABLE approvals DISABLE TRIGGER approvals_guard;
"""
PUT_GUARDS_BACK = """
ALTER TABLE social_posts ENABLE TRIGGER social_posts_guard;
ALTER TABLE approvals ENABLE TRIGGER approvals_guard;
"""
DOUBT_POSTS = """
UPDATE social_posts
   SET state = 'unknown', reason = $1, sent_at = coalesce(sent_at, $2), handle = $3,
       lease_owner = NULL, lease_until = NULL, not_before = NULL, updated_at = now()
 WHERE state <> 'posted'
RETURNING post_id, job_id
"""
SELECT_OPEN = """
SELECT approval_id, job_id, state
  FROM approvals
 WHERE state IN ('pending', 'approved')
 ORDER BY approval_id
"""
# What is certainly out is not published again by going on: such a job comes to its end.
SELECT_UNDER_WAY = """
SELECT j.job_id
  FROM video_jobs j
 WHERE j.status <> ALL ($1::text[])
   AND NOT EXISTS (SELECT FROM social_posts p
                    WHERE p.job_id = j.job_id AND p.state = 'posted')
 ORDER BY j.job_id
"""
SELECT_LADDER = "SELECT channel FROM autonomy ORDER BY channel"
# The grant ends too: what the first studio published cannot be told from what is still to come.
LOCK_CHANNEL = """
SELECT autonomy_lock($1, 'locked', $2, $3, false, NULL::bigint, NULL::bigint)
"""
MOVE_RECORDS = """
UPDATE video_jobs
   SET record = replace(record::text, $1, $2)::jsonb
 WHERE strpos(record::text, $1) > 0
"""
MOVE_VIDEOS = """
UPDATE videos
   SET path = $2 || substr(path, length($1) + 1),
       thumbnail_path = $2 || substr(thumbnail_path, length($1) + 1)
 WHERE starts_with(path, $1)
   AND starts_with(thumbnail_path, $1)
"""
MOVE_APPROVALS = """
UPDATE approvals
   SET video_path = $2 || substr(video_path, length($1) + 1)
 WHERE starts_with(video_path, $1)
"""
SELECT_PAUSED = "SELECT reason, paused_by FROM pauses WHERE scope = ''"
DELETE_PAUSE = "DELETE FROM pauses WHERE scope = ''"
FORGET_PROCESSES = "DELETE FROM processes"
SELECT_VIDEOS = """
SELECT job_id, path, sha256
  FROM videos
 ORDER BY job_id
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a backup came from: when and where it was made, its manifest's digest, both homes."""

    made_at: datetime
    host: str
    digest: str
    old_work: str
    new_work: str


@dataclass(frozen=True, slots=True)
class Doubts:
    """What became of what was on its way: numbers of posts, and of jobs.

    `asked` are jobs whose question nobody had answered, `approved` those that had a yes which was
    not used yet, and `put_aside` all that had not ended, those two among them.
    """

    posts: tuple[int, ...]
    asked: tuple[int, ...]
    approved: tuple[int, ...]
    put_aside: tuple[int, ...]
    channels: tuple[str, ...]


async def doubt(con: Con, copy: Copy, by: str) -> Doubts:
    """Settle a restored database in the caller's transaction, as its owner, with one event.

    The connection needs the pool's codecs.
    """
    why = f"restored from a backup of {copy.made_at:%Y-%m-%d %H:%M} UTC made on {clean(copy.host)}"
    await con.execute(SET_GUARDS_ASIDE)
    posts = await con.fetch(DOUBT_POSTS, f"{why}: it may be out since", copy.made_at, RESTORED)
    if copy.old_work != copy.new_work:
        await _move(con, copy.old_work, copy.new_work)
    await con.execute(PUT_GUARDS_BACK)
    ended: dict[str, list[int]] = {"pending": [], "approved": []}
    for row in await con.fetch(SELECT_OPEN):
        # What is or may be out keeps its approval: it says who allowed it.
        if await ending.expire_one(con, row["approval_id"]) is not None:
            ended[row["state"]].append(row["job_id"])
    put_aside = await _put_aside(con, why)
    channels = [
        row["channel"]
        for row in await con.fetch(SELECT_LADDER)
        if await con.fetchval(LOCK_CHANNEL, row["channel"], why, by)
    ]
    await con.execute(FORGET_PROCESSES)
    await _pause(con, why)
    body = {
        "made_at": copy.made_at,
        "host": clean(copy.host),
        "manifest": copy.digest,
        "posts_unknown": [row["post_id"] for row in posts],
        "questions_expired": ended["pending"],
        "approvals_expired": ended["approved"],
        "jobs_put_aside": put_aside,
        "locked": channels,
    }
    await audit.append(con, "studio.restored", by, body)
    return Doubts(
        posts=tuple(row["post_id"] for row in posts),
        asked=tuple(ended["pending"]),
        approved=tuple(ended["approved"]),
        put_aside=put_aside,
        channels=tuple(channels),
    )


async def list_videos(con: Con) -> tuple[tuple[int, str, str], ...]:
    """Return job, path and SHA-256 of every finished video, as the database has them."""
    return tuple(tuple(row.values()) for row in await con.fetch(SELECT_VIDEOS))


async def _put_aside(con: Con, why: str) -> tuple[int, ...]:
    """End what had not ended: the first studio may have told the same story to its end since."""
    found = tuple(row["job_id"] for row in await con.fetch(SELECT_UNDER_WAY, list(jobs.ENDED)))
    for job_id in found:
        reason = f"{why}: it may be out already. If it is not: bookai make --resume {job_id}"
        await jobs.set_status(con, job_id, "refused", reason=reason, actor=control.RESTORE)
        await planning.release(con, job_id, control.RESTORE, why)
    return found


async def _move(con: Con, old: str, new: str) -> None:
    """Let records name the files where they lie now: only there a tool opens them."""
    # A path inside JSON, from its quote on, as jsonb writes it.
    quoted = [json.dumps(path + "/", ensure_ascii=False)[:-1] for path in (old, new)]
    await con.execute(MOVE_RECORDS, *quoted)
    for statement in (MOVE_VIDEOS, MOVE_APPROVALS):
        await con.execute(statement, old + "/", new + "/")


async def _pause(con: Con, why: str) -> None:
    reason = (
        f"{why}. Make sure that the other studio has ended, settle what `bookai outbox list` shows "
        "as unknown, then: bookai resume"
    )
    earlier = await con.fetchrow(SELECT_PAUSED)
    if earlier is not None:
        reason += f" (before, {earlier['paused_by']} had paused it: {earlier['reason']})"
        await con.execute(DELETE_PAUSE)
    await control.pause(con, control.EVERYTHING, reason[:500], control.RESTORE)
