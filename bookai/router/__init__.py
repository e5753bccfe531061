"""Choose who does a task. Pure: no clock, no database, no network, no globals.

Candidates are compared by expected seconds to success, lower is better:

    J = (W + C) / p - C

`W` is the expected time of one attempt, `p` its chance of success from decayed evidence, and `C`
what a failed attempt costs besides its time. The derivation is in docs/why/router.md.

`Router` knows and chooses; `Dispatcher` is the queue before it, for those who wait for a slot.
"""

from bookai.router.dispatch import (
    Dispatcher,
    Lease,
    NobodyCan,
    RetriesSpent,
    Saturated,
    TooLate,
)
from bookai.router.evidence import Outcome
from bookai.router.member import Ticket
from bookai.router.params import MODELS, SIM, STEPS, Params
from bookai.router.patience import RetryBudget
from bookai.router.router import WAIT, Router
from bookai.router.score import Score, Standing

__all__ = [
    "MODELS",
    "SIM",
    "STEPS",
    "WAIT",
    "Dispatcher",
    "Lease",
    "NobodyCan",
    "Outcome",
    "Params",
    "RetriesSpent",
    "RetryBudget",
    "Router",
    "Saturated",
    "Score",
    "Standing",
    "Ticket",
    "TooLate",
]
