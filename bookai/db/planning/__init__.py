"""Publishing slots: who has which, and what is counted before a video is started."""

from bookai.db.planning.claims import Claim, claim, give_up, lock, move, release
from bookai.db.planning.counts import Asked, Counts, Ended, Out, Underway, count
from bookai.db.planning.history import Told, list_told
from bookai.db.planning.looking import Taken, list_taken
from bookai.db.planning.sending import Gone, count_gone, put_later

__all__ = [
    "Asked",
    "Claim",
    "Counts",
    "Ended",
    "Gone",
    "Out",
    "Taken",
    "Told",
    "Underway",
    "claim",
    "count",
    "count_gone",
    "give_up",
    "list_taken",
    "list_told",
    "lock",
    "move",
    "put_later",
    "release",
]
