"""Log lines: plain on a terminal, structured in systemd's journal, never with a secret."""

from studio.logs.journal import JournalHandler, goes_to_journal
from studio.logs.opening import open_logs
from studio.logs.scrub import Scrubber

__all__ = ["JournalHandler", "Scrubber", "goes_to_journal", "open_logs"]
