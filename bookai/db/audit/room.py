"""Room for more events: the log's next partition, made long before it is needed."""

import logging

import asyncpg

from bookai.db.pool import Con, Pool

logger = logging.getLogger(__name__)

EXTEND = "SELECT audit_extend()"


async def make_room(db: Pool | Con) -> int:
    """Make the partitions that are due; return how many. Cheap when none is: call it often.

    Events have a place in any case. While a long reader is in the way, the next call tries again.
    """
    try:
        made: int = await db.fetchval(EXTEND)
    except asyncpg.LockNotAvailableError:
        logger.info(
            "The audit log's next partition waits for a reader", extra={"action": "audit_room"}
        )
        return 0
    return made
