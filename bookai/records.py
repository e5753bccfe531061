"""What every record of the house is made of."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")
