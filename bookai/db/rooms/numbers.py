"""Which numbers there are that begin so: for those who type one."""

from collections.abc import Mapping
from typing import Literal

from bookai.db.pool import Con, Pool

Kind = Literal["job", "script", "video", "approval", "event"]
DIGITS = 18


def _newest_in(table: str, column: str) -> str:
    # 4, 40-49, 400-499 …: each range is an index scan, however large the table.
    return f"""
SELECT x.number
  FROM generate_series(0, $3::int) k
 CROSS JOIN LATERAL (SELECT {column} AS number
                       FROM {table}
                      WHERE {column} >= $1::bigint * (10::numeric ^ k)::bigint
                        AND {column} < ($1::bigint + $2::bigint) * (10::numeric ^ k)::bigint
                      ORDER BY {column} DESC
                      LIMIT $4) x
 ORDER BY x.number DESC
 LIMIT $4
"""  # noqa: S608  # constants of ours


NEWEST: Mapping[Kind, str] = {
    "job": _newest_in("video_jobs", "job_id"),
    "script": _newest_in("scripts", "job_id"),
    "video": _newest_in("videos", "job_id"),
    "approval": _newest_in("approvals", "approval_id"),
    "event": _newest_in("audit_log", "id"),
}


async def newest(db: Pool | Con, kind: Kind, prefix: str, limit: int) -> tuple[int, ...]:
    """Return numbers that exist and whose digits begin with `prefix`, the newest first.

    What is no beginning of a number begins none.
    """
    if prefix == "":
        rows = await db.fetch(NEWEST[kind], 0, 10**17, 0, limit)
    elif prefix.isascii() and prefix.isdecimal() and prefix[0] != "0" and len(prefix) <= DIGITS:
        longer = DIGITS - len(prefix)
        rows = await db.fetch(NEWEST[kind], int(prefix), 1, longer, limit)
    else:
        return ()
    return tuple(row["number"] for row in rows)
