"""Who calls: the principal of a connection, and bearer tokens turned into one."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from bookai.errors import Refused
from mcp_server.rights.access import Access
from mcp_server.rights.scopes import SCOPES, from_wire, on_wire


@dataclass(frozen=True, slots=True)
class Principal:
    """One who calls, and the rights it has. Decisions are taken by `operator:<name>` only."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether this principal has the right; who works as an agent never approves."""
        if scope == "approve":
            return (
                scope in self.scopes
                and "agent" not in self.scopes
                and self.name.startswith("operator:")
            )
        return scope in self.scopes


AGENTS = Principal("agent", frozenset({"read", "agent"}))


def operator_here(name: str, *, approves: bool = False) -> Principal:
    """Return the operator `operator:<name>` at a local door such as stdio.

    `approves` is for a door where a person types: over stdio a model speaks in the operator's
    name, and could say yes to its own work.

    Raises:
        ValueError: the name is not an operator's.
    """
    if not name.startswith("operator:"):
        raise ValueError(f"an operator's name starts with 'operator:', not {name!r}")
    return Principal(name, frozenset({"read", "operate"} | ({"approve"} if approves else set())))


class TokenInfo(Protocol):
    """What the studio remembers of a token."""

    @property
    def name(self) -> str:
        """What the operator called it."""

    @property
    def scopes(self) -> Collection[str]:
        """The rights it carries."""

    @property
    def expires_at(self) -> datetime | None:
        """Its last moment, aware UTC; None for no end."""

    @property
    def resource(self) -> str | None:
        """The address it was made for; None for this machine's own doors."""


Lookup = Callable[[str], Awaitable[TokenInfo | None]]


def principal_of(token: TokenInfo) -> Principal:
    """Return the principal a token stands for; unknown rights are dropped."""
    scopes = frozenset(token.scopes) & SCOPES
    if "agent" in scopes:
        return Principal(f"agent:{token.name}", scopes)
    if scopes & {"operate", "approve", "admin"}:
        return Principal(f"operator:{token.name}", scopes)
    return Principal(f"token:{token.name}", scopes)


class TokenGate:
    """The SDK's TokenVerifier over the studio's own tokens."""

    def __init__(self, lookup: Lookup, access: Access) -> None:
        self._lookup = lookup
        self._access = access

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the token's rights, or None when it is unknown, revoked or expired."""
        found = await self._lookup(token)
        if found is None:
            return None
        principal = principal_of(found)
        return AccessToken(
            # The secret itself has no further use: what is not kept cannot leak.
            token="",
            client_id=principal.name,
            subject=principal.name,
            scopes=on_wire(principal.scopes),
            expires_at=int(found.expires_at.timestamp()) if found.expires_at else None,
            resource=self._access.audience_of(found.resource),
        )


def principal_from_token() -> Principal:
    """Return the principal of the HTTP request that is being answered.

    Raises:
        Refused: the request carries no valid token; there is no anonymous access.
    """
    token = get_access_token()
    if token is None or token.subject is None:
        raise Refused("This call carries no valid token, and there is no anonymous access.")
    return Principal(token.subject, from_wire(token.scopes))
