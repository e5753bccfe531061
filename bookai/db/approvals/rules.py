"""Who may let a post out: the rules of a channel, as they were when asked and as they are now."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from bookai.models import Record

Operator = Annotated[str, Field(pattern=r"^operator:.", max_length=200)]


class Rules(Record):
    """A channel's rules. No `approvers` means every operator who has the right to approve.

    `own_jobs` is whether who asked for a video may say yes to it.
    """

    needed: int = Field(default=1, ge=1, le=5)
    approvers: tuple[Operator, ...] = ()
    own_jobs: bool = True

    def let(self, operator: str) -> bool:
        """Tell whether the operator is an approver."""
        return not self.approvers or operator in self.approvers


RulesOf = Callable[[str], Rules]
"""Returns the rules of a channel that are in force now."""

ANYONE = Rules()


def anyone(channel: str) -> Rules:
    """Return the rules of a studio with one operator: one yes, by any operator."""
    del channel
    return ANYONE
