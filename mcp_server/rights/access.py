"""What a server is told about its own address, its neighbours and its limits."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_RESOURCE = "http://127.0.0.1:8931/mcp"


@dataclass(frozen=True, slots=True)
class Access:
    """How the server is reached, and what it leaves out.

    Attributes:
        resource: its address as clients know it; tokens are made for it.
        hosts, origins: who it answers to besides loopback, as `name` or `name:*`, and as
            `https://name`.
        state_keys: seal what a client carries between two rounds of one call; the first seals, all
            open. None means a key that this process alone has.
        read_only: tools that change anything do not exist here.
        must_confirm: what asks for a confirmation is refused to clients that cannot ask a person.
        answer_s: so long a client of the older era, whose call waits, has for its person's answer.
    """

    resource: str = DEFAULT_RESOURCE
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    state_keys: tuple[bytes, ...] = ()
    read_only: bool = False
    must_confirm: bool = False
    answer_s: float = 300.0

    def auth(self) -> AuthSettings:
        """Return the SDK's settings for tokens that we hand out ourselves, for this address only.

        There is no OAuth server to send anyone to, so the issuer is ourselves.
        """
        parts = urlsplit(self.resource)
        return AuthSettings(
            issuer_url=AnyHttpUrl(f"{parts.scheme}://{parts.netloc}"),
            resource_server_url=AnyHttpUrl(self.resource),
            required_scopes=[],
            validate_token_resource=True,
        )

    def neighbours(self) -> TransportSecuritySettings:
        """Return whose Host and Origin headers are answered; every list is explicit."""
        return TransportSecuritySettings(
            allowed_hosts=[*(f"{name}:*" for name in LOOPBACK), *self.hosts],
            allowed_origins=[*(f"http://{name}:*" for name in LOOPBACK), *self.origins],
        )

    def audience_of(self, made_for: str | None) -> str | None:
        """Return the address that a token counts for; one made for none is for loopback alone."""
        if made_for is None and is_loopback(urlsplit(self.resource).hostname or ""):
            return self.resource
        return made_for


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address leads to this machine and nowhere else."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
