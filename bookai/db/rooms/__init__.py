"""What readers are lent: word of changes, single events, numbers that exist."""

from bookai.db.rooms.events import get_event
from bookai.db.rooms.news import News, open_news
from bookai.db.rooms.numbers import Kind, newest

__all__ = ["Kind", "News", "get_event", "newest", "open_news"]
