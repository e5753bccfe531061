"""Records of deciding: who said what about a post, what was edited, how a bundle ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from bookai.models import Record

RULE = "rule:"
"""What a principal begins with that is no person, but a rule that a person granted."""

Via = Literal["cli", "mcp", "web", "link"]
"""The door a decision came through."""


class VoteRow(Record):
    """One person's word. `lent_by` is whose right it was, when a delegate said it."""

    by: str
    approve: bool
    at: datetime
    reason: str = ""
    via: Via = "cli"
    lent_by: str | None = None


class EditRow(Record):
    """What an operator changed in a post before the yes; hashtags as one text."""

    field: str
    before: str
    after: str


class BundleRow(Record):
    """How a bundle ended for one approval.

    `outcome`: approved, rejected, voted (a yes that needs another), unchanged (this person had said
    the same before), refused (`reason` says why).
    """

    approval_id: int
    outcome: Literal["approved", "rejected", "voted", "unchanged", "refused"]
    reason: str = ""


class BundleReport(Record):
    """How a bundle ended: each row by itself, all under one `batch_id`."""

    batch_id: str
    rows: tuple[BundleRow, ...]


class LadderRow(Record):
    """A channel on the ladder of autonomy, also one to which nothing is granted.

    `level`: manual, limited, locked. `after` is None where the passport asks for no rule.
    """

    channel: str
    level: Literal["manual", "limited", "locked"] = "manual"
    granted: bool = False
    in_a_row: int = 0
    after: int | None = None
    used_today: int = 0
    per_day: int = 0
    granted_by: str | None = None
    changed_at: datetime | None = None
    changed_by: str | None = None
    why: str


class Rung(Record):
    """Where a channel stands on the ladder of autonomy, and under whose rule.

    `level`: manual, limited (the studio approves by itself within the rule), locked. `in_a_row` are
    people's unedited approvals since the grant or the last break, `used_today` the yes by rule of
    the channel's own day. `passport` has the SHA-256 of each value that was granted, by its key.
    Without `granted` nothing is counted until an operator grants anew.
    """

    capability: str
    channel: str
    level: Literal["manual", "limited", "locked"]
    granted: bool
    after: int
    per_day: int
    time_zone: str
    voice_version: int
    passport: Mapping[str, str]
    granted_by: str
    granted_at: datetime
    in_a_row: int
    used_today: int
    reason: str
    changed_at: datetime
    changed_by: str

    @property
    def rule(self) -> str:
        """The rule's name, as it stands where a decision has its principal."""
        return f"rule:{self.capability}:{self.channel}"
