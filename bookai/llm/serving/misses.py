"""How a chain of models reads: who was asked, why each failed, what was done instead."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bookai.errors import BookAIError, BudgetSpent, Refused, ToolFailed, TryLater
from bookai.llm.base import CallFailed
from bookai.metrics import FALLBACKS
from bookai.models import Fallback

logger = logging.getLogger(__name__)

WHAT = "writer model"
AGAIN = frozenset({"infra", "timeout", "busy", "cancelled"})


@dataclass(frozen=True, slots=True)
class Miss:
    """A model that gave no usable answer. `tried` when a server was asked, else none could be.

    `wanted` is its reference, or the provider alone where none of its servers is up.
    """

    wanted: str
    error: BookAIError
    tried: bool

    @property
    def why(self) -> str:
        """Return the reason in one line."""
        return " ".join(str(self.error).split())


def noted(misses: Sequence[Miss], used: str) -> tuple[Fallback, ...]:
    """Return and log what stood in for what; one note for all models that miss the same server."""
    notes = dict.fromkeys(
        Fallback(what=WHAT, wanted=miss.wanted, used=used, why=miss.why) for miss in misses
    )
    for note in notes:
        FALLBACKS.labels(WHAT).inc()
        logger.warning(
            "%s stands in for %s: %s",
            used,
            note.wanted,
            note.why,
            extra={"action": "model_fallback"},
        )
    return tuple(notes)


def failure(misses: Sequence[Miss]) -> BookAIError:
    """Return the error for a question that nobody answered; the last one decides its kind."""
    if not misses:
        return ToolFailed("No model is named for this kind of text.")
    last = misses[-1]
    before = [miss for miss in misses[:-1] if miss.tried]
    if isinstance(last.error, Refused) and not before:
        return last.error
    if isinstance(last.error, Refused):
        return Refused(f"No model could write this. {_told([*before, last])}")
    others = [miss.error for miss in misses if not isinstance(miss.error, Refused)]
    budgets = [e.__cause__ for e in others if isinstance(e.__cause__, BudgetSpent)]
    if budgets and len(budgets) == len(others):
        return BudgetSpent(_told(misses), after_s=budgets[0].after_s)
    waits = [_wait_s(error) for error in others]
    if any(wait is not None for wait in waits):
        return TryLater(_told(misses), after_s=min(wait for wait in waits if wait is not None))
    return ToolFailed(f"No model gave a usable answer. {_told(misses)}")


def _told(misses: Sequence[Miss]) -> str:
    return "; ".join(dict.fromkeys(f"{miss.wanted}: {miss.why}" for miss in misses))


def _wait_s(error: BookAIError) -> float | None:
    """Return after how many seconds this may be over by itself, None when it will not be."""
    if isinstance(error, TryLater):
        return error.after_s
    if isinstance(error, CallFailed) and (error.outcome in AGAIN or error.kind == "model_missing"):
        return error.after_s or 30.0
    if isinstance(error, CallFailed) and isinstance(error.__cause__, BudgetSpent):
        return error.__cause__.after_s
    return None
