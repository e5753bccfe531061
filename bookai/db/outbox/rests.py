"""An account that its platform told to wait: nobody sends as it before that time.

The wait stands in the account's own row, so every worker sees it, and other accounts of the same
platform go on. It is read when a post is armed, and the database reads it once more on the way out.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec

import asyncpg

from bookai.db import audit
from bookai.db.outbox.rows import ACTOR, reason_of
from bookai.db.pool import Con, Pool
from bookai.errors import NotYet
from bookai.models import Record

P = ParamSpec("P")

LEAST_S, MOST_S = 1.0, 30 * 86_400.0
"""No platform's wait is shorter or longer: what says so is broken."""

_CONSTRAINT = "social_accounts_rests"

UPDATE_REST = """
UPDATE social_accounts a
   SET rests_until = asked.until, rests_why = $3
  FROM social_posts p, (SELECT clock_timestamp() + make_interval(secs => $2) AS until) asked
 WHERE p.post_id = $1
   AND a.platform = p.platform
   AND a.account = p.account
   AND (a.rests_until IS NULL OR a.rests_until < asked.until)
RETURNING a.platform, a.account, a.rests_until, p.job_id
"""
SELECT_REST = """
SELECT rests_why, rests_until,
       extract(epoch FROM rests_until - clock_timestamp())::float8 AS left_s
  FROM social_accounts
 WHERE platform = $1
   AND account = $2
   AND rests_until > clock_timestamp()
"""
SELECT_RESTS = """
SELECT platform, account, rests_until AS until, rests_why AS why
  FROM social_accounts
 WHERE rests_until > clock_timestamp()
 ORDER BY rests_until, platform, account
"""


class Rest(Record):
    """An account that waits until its platform takes posts of it again."""

    platform: str
    account: str
    until: datetime
    why: str


async def rest_account(db: Pool | Con, post_id: int, after_s: float, why: str) -> None:
    """Let the account of a post rest for `after_s` seconds; a longer rest that it has stays."""
    asked_s = min(max(after_s, LEAST_S), MOST_S)
    async with audit.transaction(db) as con:
        row = await con.fetchrow(UPDATE_REST, post_id, asked_s, reason_of(why))
        if row is not None:
            body = {
                "job_id": row["job_id"],
                "post_id": post_id,
                "platform": row["platform"],
                "account": row["account"],
                "until": row["rests_until"],
                "reason": reason_of(why),
            }
            await audit.append(con, "account.rests", ACTOR, body)


async def check_account(con: Pool | Con, platform: str, account: str) -> None:
    """Return when nothing may be sent as this account now.

    Raises:
        NotYet: its platform told it to wait.
    """
    row = await con.fetchrow(SELECT_REST, platform, account)
    if row is not None:
        raise NotYet(
            f"{platform!r} takes nothing from {account!r} before {row['rests_until']:%H:%M} UTC "
            f"on {row['rests_until']:%Y-%m-%d}: {row['rests_why']}",
            after_s=math.ceil(row["left_s"]),
        )


async def list_rests(db: Pool | Con) -> tuple[Rest, ...]:
    """Return the accounts that rest now, the next to go on first."""
    return tuple(Rest(**row) for row in await db.fetch(SELECT_RESTS))


def told_to_rest(mark: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Have `mark` tell a sender, whose account was told to wait after the post was armed, when."""

    @wraps(mark)
    async def marked(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await mark(*args, **kwargs)
        except asyncpg.CheckViolationError as error:
            if error.constraint_name != _CONSTRAINT:
                raise
            raise NotYet(f"{error.message}.", after_s=float(error.detail or LEAST_S)) from error

    return marked
