"""What every record of the house is made of."""

from pydantic import BaseModel, ConfigDict

RESTORED = "restored"
"""In the place of a post's handle: it is as of a backup, and what was begun since is not known."""


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def is_none(value: object) -> bool:
    """Tell whether a field is left out of a record's JSON because it is None."""
    return value is None


def is_false(value: object) -> bool:
    """Tell whether a field is left out of a record's JSON because it is False."""
    return value is False
