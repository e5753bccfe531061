"""What an operator says about hosts of agents on other machines."""

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bookai.errors import OperatorNeeded

HostWork = Literal["scout", "write", "edit", "match_offers", "render", "check", "report"]


class AgentHostSettings(BaseModel):
    """A host of agents (`bookai agents serve`); `capabilities` is what it is trusted with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")
    url: str = Field(max_length=500, pattern=r"^https?://[^\s/]")
    token_env: str = Field(default="", pattern=r"^([A-Z][A-Z0-9_]*)?$")
    capabilities: tuple[HostWork, ...] = ("scout", "write", "render")

    def token(self) -> str:
        """Return the token from the environment, which is read now.

        Raises:
            OperatorNeeded: the variable is not set.
        """
        if not self.token_env:
            return ""
        if not os.environ.get(self.token_env):
            raise OperatorNeeded(
                f"{self.token_env}, which opens agent host {self.name!r}, is not set.",
                mend="Set it to the host's own BOOKAI_HOST_TOKEN.",
            )
        return os.environ[self.token_env]
