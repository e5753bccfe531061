"""Records of deciding: who said what about a post, what was edited, how a bundle ended."""

from datetime import datetime
from typing import Literal

from bookai.models import Record

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
