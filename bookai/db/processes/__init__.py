"""The studio's processes: who lives and where each answers, and how the studio stands."""

from bookai.db.processes.numbers import Numbers, Watched, look
from bookai.db.processes.register import (
    FORGET_S,
    KINDS,
    Kind,
    Process,
    beat,
    forget,
    list_,
)
from bookai.db.processes.standing import DISK, Standing, stand, studio_id

__all__ = [
    "DISK",
    "FORGET_S",
    "KINDS",
    "Kind",
    "Numbers",
    "Process",
    "Standing",
    "Watched",
    "beat",
    "forget",
    "list_",
    "look",
    "stand",
    "studio_id",
]
