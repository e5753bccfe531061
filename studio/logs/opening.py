"""Set logging up for one command."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from studio.logs.journal import JournalHandler, goes_to_journal
from studio.logs.scrub import Scrubber

# They tell each address that is asked, with its query: a stranger's, or one that holds a key.
CHATTY = ("httpx", "httpcore")
PLAIN = "%(levelname)s %(name)s: %(message)s"


class _Plain(logging.Formatter):
    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__(PLAIN)
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.scrub(super().format(record))


def open_logs(
    level: int, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
) -> None:
    """Log what is at least `level`: to the journal when systemd reads us, else as plain lines.

    What was set up before is replaced.
    """
    stream = stream or sys.stderr
    scrubber = Scrubber.of(environment)
    handler: logging.Handler
    if goes_to_journal(stream, environment):
        handler = JournalHandler(scrubber, stream)
    else:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(_Plain(scrubber))
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.basicConfig(level=level, handlers=[handler], force=True)
