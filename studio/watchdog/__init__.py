"""Beat systemd's watchdog for as long as the process really does its work."""

from studio.watchdog.beat import Check, beats_every_s, watchdog
from studio.watchdog.checks import checks_of, database_answers, fetches, server_answers
from studio.watchdog.pulse import Pulse

__all__ = [
    "Check",
    "Pulse",
    "beats_every_s",
    "checks_of",
    "database_answers",
    "fetches",
    "server_answers",
    "watchdog",
]
