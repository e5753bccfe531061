"""The loop's rows: who leads, what is done how often, and each time that it was done."""

from bookai.db.loop.leader import LOCK, Deposed, beat, lead, look
from bookai.db.loop.schedules import Planned, ScheduleRow, after, list_, next_slot, sync
from bookai.db.loop.ticks import (
    Ending,
    Tick,
    claim,
    claim_all,
    finish,
    finish_all,
    forget,
    take_failed,
    take_left,
)

__all__ = [
    "LOCK",
    "Deposed",
    "Ending",
    "Planned",
    "ScheduleRow",
    "Tick",
    "after",
    "beat",
    "claim",
    "claim_all",
    "finish",
    "finish_all",
    "forget",
    "lead",
    "list_",
    "look",
    "next_slot",
    "sync",
    "take_failed",
    "take_left",
]
