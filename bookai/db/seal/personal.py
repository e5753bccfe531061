"""Check the personal texts that are still there against what the log committed to."""

import json

from bookai.db.audit.personal import commitment
from bookai.db.pool import Con

SELECT_PERSONAL = """
SELECT p.event_id, p.field, p.salt, p.value, e.body
  FROM audit_personal p
  LEFT JOIN audit_log e ON e.id = p.event_id
 ORDER BY p.event_id, p.field
"""


async def check_personal(con: Con) -> tuple[int, list[str]]:
    """Return how many texts there are, and what is wrong; an erased text is not missed."""
    count, problems = 0, []
    async for row in con.cursor(SELECT_PERSONAL, prefetch=500):
        count += 1
        said = commitment(row["salt"], row["value"])
        if row["body"] is None or _committed(row["body"], row["field"]) != said:
            problems.append(
                f"the personal text {row['field']!r} of event {row['event_id']} is not the one "
                "that the log committed to"
            )
    return count, problems


def _committed(body: str, field: str) -> object:
    try:
        read = json.loads(body)
    except ValueError:
        return None
    found = read.get(field) if isinstance(read, dict) else None
    return found.get("commitment") if isinstance(found, dict) else None
