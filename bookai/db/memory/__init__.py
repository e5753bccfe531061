"""What all processes know of the agents: how their work ended, and who is alive where."""

from bookai.db.memory.beats import BEAT_S, DEAD_AFTER_S, Beat, beat, forget_silent, leave
from bookai.db.memory.outcomes import Heard, Memory, outcome_of

__all__ = [
    "BEAT_S",
    "DEAD_AFTER_S",
    "Beat",
    "Heard",
    "Memory",
    "beat",
    "forget_silent",
    "leave",
    "outcome_of",
]
