"""What the database itself keeps, whoever asks it: the application's role, or its owner by hand."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from bookai.db import outbox
from bookai.errors import Refused
from tests.bookai.db.conftest import NewJob
from tests.bookai.db.test_outbox import OTHER, URL, fail, sent
from tests.peers.approving import approve
from tests.peers.posting import ME, POST, begin

MOVES = {
    "armed": {"sending", "failed"},
    "sending": {"unknown", "failed", "posted"},
    "unknown": {"failed", "posted"},
    "failed": {"armed", "dead", "posted"},
    "dead": {"armed", "posted"},
    "posted": set(),
}
MOVE = """
UPDATE social_posts
   SET state = $1,
       attempt = attempt + CASE WHEN $1 = 'armed' THEN 1 ELSE 0 END,
       reason = 'by hand',
       lease_owner = CASE WHEN $1 = 'sending' THEN 'x' END,
       lease_until = CASE WHEN $1 = 'sending' THEN now() END,
       external_id = CASE WHEN $1 = 'posted' THEN 'v1' END,
       url = CASE WHEN $1 = 'posted' THEN 'u' END,
       published_at = CASE WHEN $1 = 'posted' THEN now() END
"""


@pytest.fixture
async def owner(admin_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The database's owner; the triggers hold him too."""
    con = await asyncpg.connect(admin_dsn)
    try:
        yield con
    finally:
        await con.close()


async def bring(pool: asyncpg.Pool, job_id: int, state: str) -> None:
    """Bring a post that was sent once before to `state`."""
    claim = await sent(pool, job_id)
    if state == "sending":
        return
    if state in ("unknown", "posted"):
        await pool.execute(MOVE, state)
        return
    await fail(pool, claim, again="never" if state == "dead" else "at_once")
    if state == "armed":
        await outbox.arm(pool, job_id, POST)


@pytest.mark.parametrize("start", MOVES)
@pytest.mark.parametrize("end", MOVES)
async def test_only_the_moves_of_the_machine_are_possible(
    start: str, end: str, pool: asyncpg.Pool, job_id: int
) -> None:
    if start == end:
        pytest.skip("no move")
    await bring(pool, job_id, start)

    allowed = end in MOVES[start]
    # A receipt is taken in every state, once a send began: what is out is out.
    if allowed or (start == "armed" and end == "posted"):
        await pool.execute(MOVE, end)
    else:
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.execute(MOVE, end)


async def test_nothing_is_sent_without_an_approval_of_exactly_this(
    pool: asyncpg.Pool, job_id: int
) -> None:
    claim = await outbox.arm(pool, job_id, POST)
    with pytest.raises(Refused, match="no approval of exactly this"):
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME)
    await approve(pool, job_id, OTHER)

    with pytest.raises(Refused, match="no approval of exactly this"):
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME)
    with pytest.raises(asyncpg.CheckViolationError, match="no approval of exactly this"):
        await pool.execute(MOVE, "sending")


async def test_a_temporary_table_does_not_stand_in_for_the_approvals(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await outbox.arm(pool, job_id, POST)

    async with pool.acquire() as con:
        await con.execute(
            "CREATE TEMP TABLE approvals AS SELECT a.* FROM public.approvals a LIMIT 0"
        )
        await con.execute(
            "INSERT INTO pg_temp.approvals (approval_id, job_id, state, digest, post, video_path,"
            " requested_at, expires_at, needed, approvers, own_jobs)"
            " VALUES (1, $1, 'approved', $2, '{}', '/v', now(), now() + interval '1 hour',"
            " 1, '{}', true)",
            job_id,
            POST.digest(),
        )
        with pytest.raises(asyncpg.CheckViolationError, match="no approval of exactly this"):
            await con.execute(MOVE, "sending")
        await con.execute("DROP TABLE pg_temp.approvals")


async def test_an_approval_that_ended_sends_nothing(
    pool: asyncpg.Pool, job_id: int, owner: asyncpg.Connection
) -> None:
    await approve(pool, job_id, POST)
    claim = await outbox.arm(pool, job_id, POST)

    # The time that passes: an approval's own end cannot be moved.
    async with owner.transaction():
        await owner.execute("ALTER TABLE approvals DISABLE TRIGGER USER")
        await owner.execute(
            "UPDATE approvals SET requested_at = now() - interval '2 hours', expires_at = now()"
        )
        await owner.execute("ALTER TABLE approvals ENABLE TRIGGER USER")

    with pytest.raises(Refused, match="no approval of exactly this"):
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME)


async def test_another_jobs_approval_sends_nothing(
    pool: asyncpg.Pool, job_id: int, new_job: NewJob
) -> None:
    other_id = await new_job()
    await approve(pool, other_id, POST)
    claim = await outbox.arm(pool, job_id, POST)

    with pytest.raises(Refused, match="no approval"):
        await outbox.mark_sending(pool, claim.post_id, claim.attempt, ME)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("attempt = attempt - 1", "attempt"),
        ("attempt = attempt + 1", "only arming"),
        ("attempt = attempt + 1, digest = repeat('0', 64)", "only arming"),
        ("digest = repeat('0', 64)", "an attempt number of its own"),
        ("lease_until = NULL, lease_owner = NULL", "social_posts_lease"),
    ],
)
async def test_the_token_and_what_it_stands_for_stay_together(
    change: str, why: str, pool: asyncpg.Pool, job_id: int
) -> None:
    await fail(pool, await sent(pool, job_id))
    await begin(pool, job_id, POST)

    with pytest.raises(asyncpg.CheckViolationError, match=why):
        await pool.execute(f"UPDATE social_posts SET {change}")  # noqa: S608  # from the list above


@pytest.mark.parametrize(
    "change",
    ["sent_at = NULL", "tries = 0", "idempotency_key = 'x'", "job_id = 2", "created_at = now()"],
)
async def test_the_program_cannot_deny_that_it_sent_or_take_another_key(
    change: str, pool: asyncpg.Pool, job_id: int
) -> None:
    await sent(pool, job_id)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(f"UPDATE social_posts SET {change}")  # noqa: S608  # from the list above


async def test_a_post_begins_armed_and_the_program_chooses_nothing_of_it(
    pool: asyncpg.Pool, job_id: int, owner: asyncpg.Connection
) -> None:
    insert = (
        "INSERT INTO social_posts (job_id, platform, account, title, digest, state)"
        " VALUES ($1, 'gallery', 'local', 't', repeat('0', 64), 'failed')"
    )
    await pool.execute("INSERT INTO social_accounts VALUES ('gallery', 'local')")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(insert, job_id)
    with pytest.raises(asyncpg.CheckViolationError, match="begins armed"):
        await owner.execute(insert, job_id)


async def test_a_receipt_cannot_be_changed_or_removed(pool: asyncpg.Pool, job_id: int) -> None:
    claim = await sent(pool, job_id)
    await outbox.mark_posted(pool, claim.post_id, "v1", URL)

    with pytest.raises(asyncpg.CheckViolationError, match="its receipt stays"):
        await pool.execute("UPDATE social_posts SET url = 'https://evil.example/'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("DELETE FROM social_posts")
