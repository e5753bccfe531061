"""What an operator says about MCP servers, ours and those of agents, and about who may approve."""

import os
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bookai.errors import OperatorNeeded

_NAME = r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
AllowedHost = Annotated[str, Field(max_length=260, pattern=rf"^{_NAME}(:(\d{{1,5}}|\*))?$")]
AllowedOrigin = Annotated[
    str, Field(max_length=270, pattern=rf"^https?://{_NAME}(:(\d{{1,5}}|\*))?$")
]


class RateSettings(BaseModel):
    """So many calls a minute in the long run, and `burst` at once after a rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: float = Field(gt=0, le=1_000_000)
    burst: int = Field(ge=1, le=1_000_000)


class LimitsSettings(BaseModel):
    """How often one caller may call, in each process that serves.

    `whole` holds for tools and resources together, `reading` for each tool and kind of resource
    that is only read, `changing` for each tool that changes something.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: RateSettings = RateSettings(per_minute=1200, burst=200)
    reading: RateSettings = RateSettings(per_minute=600, burst=100)
    changing: RateSettings = RateSettings(per_minute=120, burst=40)


class McpSettings(BaseModel):
    """How the MCP server of `bookai serve` is reached.

    `url` is its address as clients know it: tokens are made for it. `confirm` says whether a
    client that cannot ask its person may decide at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", max_length=255, pattern=r"^[0-9A-Za-z.:-]+$")
    url: str | None = Field(default=None, max_length=500, pattern=r"^https?://[^\s/@?#]+/[^\s?#]*$")
    allowed_hosts: tuple[AllowedHost, ...] = ()
    allowed_origins: tuple[AllowedOrigin, ...] = ()
    state_keys_file: str | None = Field(default=None, max_length=4096)
    read_only: bool = False
    confirm: Literal["where_possible", "always"] = "where_possible"
    limits: LimitsSettings = LimitsSettings()

    @model_validator(mode="after")
    def _knows_itself(self) -> Self:
        name = urlsplit(self.url).netloc if self.url else ""
        known = {host.removesuffix(":*") for host in self.allowed_hosts} | set(self.allowed_hosts)
        is_local = urlsplit(self.url or "").hostname in ("127.0.0.1", "localhost", "::1")
        if name and not is_local and name not in known and name.rpartition(":")[0] not in known:
            raise ValueError(f"allowed_hosts must name {name!r}, the host of url")
        return self


class ApprovalsSettings(BaseModel):
    """Who may approve, in every channel that says nothing else.

    With one operator there is nobody else to ask: `single_operator` lets him approve what he asked
    for himself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    single_operator: bool = False


HostWork = Literal["scout", "write", "edit", "match_offers", "render", "check", "report"]


class AgentHostSettings(BaseModel):
    """A host of agents (`bookai agents serve`); `capabilities` is what it is trusted with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")
    url: str = Field(max_length=500, pattern=r"^https?://[^\s/]")
    token_env: str = Field(default="", pattern=r"^([A-Z][A-Z0-9_]*)?$")
    capabilities: tuple[HostWork, ...] = ("scout", "write", "render")

    @field_validator("name")
    @classmethod
    def _stands_for_one(cls, name: str) -> str:
        if "_at_" in name:
            raise ValueError('its agents are called writer_at_NAME: a name has no "_at_" in it')
        return name

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
