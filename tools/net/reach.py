"""Where a connection may end: a host is resolved once, and each of its addresses is checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from bookai.errors import Refused, TryLater
from tools.net import answers
from tools.net.addresses import Address, Allowed, read_address, why_not_public

WEB_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve_name(host: str, port: int) -> tuple[str, ...]:
    """Return every address of `host`, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """What an operator allowed, and how names are resolved."""

    allowed: tuple[Allowed, ...]
    resolve: Resolve = resolve_name

    async def addresses(self, url: httpx.URL) -> tuple[Address, ...]:
        """Resolve the host once; every address must be public or allowed.

        Raises:
            Refused: one of them is not.
            TryLater: the name is not known.
        """
        host, port, where = url.host, port_of(url), answers.shown(url)
        # The raw form is ASCII: international names go out as they are registered.
        name = url.raw_host.decode("ascii")
        try:
            addresses = tuple(read_address(one) for one in await self.resolve(name, port))
        except socket.gaierror as error:
            raise TryLater(
                f"the name {host!r} is not known ({error.strerror}). "
                "Check its spelling and the machine's network.",
                after_s=120,
            ) from error
        except UnicodeError as error:
            raise Refused(f"{where} has no valid host name.") from error
        if not addresses:
            raise TryLater(f"the name {host!r} has no address.", after_s=120)
        for address in addresses:
            self._check(where, host, port, address)
        return addresses

    def _check(self, where: str, host: str, port: int, address: Address) -> None:
        if any(entry.permits(host, port, address) for entry in self.allowed):
            return
        kind = why_not_public(address)
        if kind:
            is_at = "is" if str(address) == host else f"leads to {address},"
            raise Refused(
                f"{where} {is_at} {kind} address; the studio does not fetch those. "
                f'To allow it: allow_private = ["{answers.netloc(host, port)}"] in studio.toml.'
            )
        if port not in WEB_PORTS.values() and port < 1024:
            raise Refused(
                f"{where} asks for port {port}, which is not for web pages. "
                f'To allow it: allow_private = ["{answers.netloc(host, port)}"] in studio.toml.'
            )


def port_of(url: httpx.URL) -> int:
    """Return the port a URL leads to."""
    return url.port or WEB_PORTS[url.scheme]
