"""What tests of the ladder share: a grant, jobs whose film was checked, people's answers."""

from datetime import datetime
from itertools import count

import asyncpg

from bookai.channels import ChannelSettings
from bookai.db import approvals
from bookai.db.approvals import Approval
from bookai.db.autonomy import ladder, ruling
from bookai.db.autonomy.ladder import Terms
from bookai.decisions import Rung
from bookai.models import Post, PostEdit
from studio.autonomy.terms import bound_to
from tests.bookai.db.approvals.asked import ANN, NOW, POST, ask

PASSPORT = bound_to(ChannelSettings())
TERMS = Terms(after=3, per_day=2, time_zone="Europe/Berlin", voice_version=1, passport=PASSPORT)
GREEN = {"check": {"ok": True, "findings": [{"check": "sound", "ok": True}]}}
_numbers = count(1)

INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
VALUES ('a.md', $1, 'schedule', 'waiting', 'approval', $2)
RETURNING job_id
"""


def post() -> Post:
    """A post with bytes of its own."""
    return POST.model_copy(update={"title": f"Toads, part {next(_numbers)}"})


async def asked(
    pool: asyncpg.Pool, channel: str = "default", what: Post | None = None, now: datetime = NOW
) -> int:
    """A new job of the channel whose film is green, and its approval that waits."""
    job_id = await pool.fetchval(INSERT_JOB, channel, GREEN)
    return await ask(pool, job_id, what or post(), now)


async def granted(pool: asyncpg.Pool, channel: str = "default", terms: Terms = TERMS) -> None:
    await ladder.grant(pool, channel, terms, ANN)


async def climbed(pool: asyncpg.Pool, channel: str = "default", terms: Terms = TERMS) -> Rung:
    """A channel that has earned its rule."""
    await granted(pool, channel, terms)
    for _ in range(terms.after):
        await answer(pool, await asked(pool, channel))
    return await rung(pool, channel)


async def answer(
    pool: asyncpg.Pool,
    approval_id: int,
    yes: bool = True,
    edit: PostEdit | None = None,
    now: datetime = NOW,
) -> Approval:
    return await approvals.decide(pool, approval_id, yes, "so it is", ANN, now, edit=edit)


async def rung(pool: asyncpg.Pool, channel: str = "default", now: datetime = NOW) -> Rung:
    found = await ladder.get(pool, channel, now)
    assert found is not None
    return found


async def by_rule(pool: asyncpg.Pool, approval_id: int) -> Approval:
    """Let the studio say yes under the channel's rule, now as the database sees it."""
    approval = await approvals.get(pool, approval_id)
    found = ruling.Ruling(approval, await rung(pool, approval.channel), ("sound",), PASSPORT)
    return await ruling.approve(pool, found)
