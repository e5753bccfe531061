"""The audit log: append an event with what it tells of, find events again."""

from bookai.db.audit.append import NewEvent, append, append_many, transaction
from bookai.db.audit.appender import Appender, open_appender
from bookai.db.audit.body import MAX_BODY_BYTES, MAX_TEXT, canonical, clean, scrub
from bookai.db.audit.personal import erase
from bookai.db.audit.room import make_room
from bookai.db.audit.search import Backlog, Event, Totals, Wanted, backlog, follow, search, totals
from bookai.db.audit.stream import Exported, stream

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_TEXT",
    "Appender",
    "Backlog",
    "Event",
    "Exported",
    "NewEvent",
    "Totals",
    "Wanted",
    "append",
    "append_many",
    "backlog",
    "canonical",
    "clean",
    "erase",
    "follow",
    "make_room",
    "open_appender",
    "scrub",
    "search",
    "stream",
    "totals",
    "transaction",
]
