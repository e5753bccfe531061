"""The agents on duty in this process, and the words that explain a choice among them."""

from studio.crew.duty import open_members

__all__ = ["open_members"]
