"""One audit event by its number."""

from bookai.db.audit import Event
from bookai.db.pool import Con, Pool
from bookai.errors import Refused

SELECT_EVENT = """
SELECT e.id AS event_id, e.at, e.kind, e.actor, e.job_id, e.body,
       EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AS sealed
  FROM audit_log e
 WHERE e.id = $1
"""


async def get_event(db: Pool | Con, event_id: int) -> Event:
    """Return one event, without the texts of persons behind it.

    Raises:
        Refused: there is no such event.
    """
    row = await db.fetchrow(SELECT_EVENT, event_id)
    if row is None:
        raise Refused(f"there is no audit event {event_id}. `bookai audit search` finds them.")
    return Event.model_validate(dict(row))
