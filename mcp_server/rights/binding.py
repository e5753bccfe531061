"""Whether the server may listen where other machines reach it."""

from collections.abc import Awaitable, Callable

from bookai.errors import OperatorNeeded
from mcp_server.rights.access import Access, is_loopback

HasToken = Callable[[str], Awaitable[bool]]


async def check_address(host: str, access: Access, has_token: HasToken) -> bool:
    """Tell whether `host` is loopback; let any other pass only with every lock in place.

    `has_token(resource)` tells whether anybody holds a live token for that address.

    Raises:
        OperatorNeeded: other machines would reach a server that lacks one of them.
    """
    if is_loopback(host):
        return True
    # Our own port speaks plain HTTP: a bearer token must not travel over a network like that.
    if not access.resource.startswith("https://"):
        raise _lacks(
            host,
            "[mcp] url is no https address",
            'Set url = "https://NAME/mcp" and let a proxy with a certificate stand before it, or '
            "keep host = 127.0.0.1 and come over SSH.",
        )
    for name, found in (("allowed_hosts", access.hosts), ("allowed_origins", access.origins)):
        if not found:
            raise _lacks(
                host, f"[mcp] {name} is empty", f"Name there who may ask ({name}) in studio.toml."
            )
    if not await has_token(access.resource):
        raise _lacks(
            host,
            f"nobody holds a token for {access.resource}",
            "Run: bookai token create NAME --scope read",
        )
    return False


def _lacks(host: str, what: str, mend: str) -> OperatorNeeded:
    return OperatorNeeded(f"The MCP server does not listen on {host!r}: {what}.", mend=mend)
