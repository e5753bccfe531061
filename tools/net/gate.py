"""The one gate to the network.

Everything the studio fetches comes through here, because a URL is text from the world: it may name
a machine inside the operator's network, a name may be made to resolve to one, and a public page may
redirect to one. So the gate resolves each name itself, checks every answer, and then connects to
the very address that it checked: a second look-up could answer something else.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import httpx

from bookai.errors import Refused, TryLater
from bookai.house import VERSION
from tools.base import Fetched
from tools.net import answers
from tools.net.addresses import Address, Allowed, read_address, read_allowed, why_not_public
from tools.net.body import read_capped, too_large

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4
USER_AGENT = f"BookAI-Studio/{VERSION}"
_WEB_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve_name(host: str, port: int) -> tuple[str, ...]:
    """Return every address of `host`, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


class Gate:
    """Fetch public web pages, within `max_bytes` and `timeout_s` for the whole of it.

    `allow_private` holds hosts, `host:port` pairs and networks that may be fetched although they
    are not public. It keeps no cookies, sends no credentials, and ignores proxy variables: behind
    a proxy nobody could check where a connection ends.
    """

    def __init__(
        self,
        allow_private: Sequence[str] = (),
        *,
        max_bytes: int = 5 * 1024 * 1024,
        timeout_s: float = 20.0,
        resolve: Resolve = resolve_name,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed: tuple[Allowed, ...] = tuple(read_allowed(entry) for entry in allow_private)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._trust = trust

    async def __call__(self, url: str, *, accept: str = "*/*") -> Fetched:
        """Return the body of `url` after at most five redirects.

        Raises:
            Refused: an address that is not public, no http(s) URL, a login, a missing page, a
                body over the limit.
            TryLater: no answer in time, an unknown name, a busy or broken server.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(url, accept)
        except TimeoutError as error:
            raise TryLater(
                f"{answers.shown(url)} did not answer in full within {self._timeout_s:g} s.",
                after_s=120,
            ) from error

    async def _follow(self, url: str, accept: str) -> Fetched:
        target = _read_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._hop(target, accept)
            if isinstance(answer, Fetched):
                return answer
            target = answer
        raise Refused(f"{answers.shown(url)} redirects more than {MAX_REDIRECTS} times.")

    async def _hop(self, url: httpx.URL, accept: str) -> Fetched | httpx.URL:
        """Ask for one URL at one of its checked addresses; a redirect comes back as a URL."""
        where = answers.shown(url)
        addresses = await self._checked_addresses(url)
        failure: httpx.TransportError | None = None
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._get(url, address, accept)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
            except httpx.TransportError as error:
                raise TryLater(f"{where} broke off: {_reason(error)}.", after_s=60) from error
        if "CERTIFICATE_VERIFY_FAILED" in str(failure):
            raise Refused(
                f"{where} has no valid certificate ({_reason(failure)}). "
                "Save the page as a file and give its path."
            ) from failure
        raise TryLater(f"{where} cannot be reached: {_reason(failure)}.", after_s=60) from failure

    async def _checked_addresses(self, url: httpx.URL) -> tuple[Address, ...]:
        """Resolve the host once; every address must be public or allowed."""
        host, port, where = url.host, _port(url), answers.shown(url)
        # The raw form is ASCII: international names go out as they are registered.
        name = url.raw_host.decode("ascii")
        try:
            addresses = tuple(read_address(one) for one in await self._resolve(name, port))
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
            self._check_address(where, host, port, address)
        return addresses

    def _check_address(self, where: str, host: str, port: int, address: Address) -> None:
        if any(entry.permits(host, port, address) for entry in self._allowed):
            return
        kind = why_not_public(address)
        if kind:
            is_at = "is" if str(address) == host else f"leads to {address},"
            raise Refused(
                f"{where} {is_at} {kind} address; the studio does not fetch those. "
                f'To allow it: allow_private = ["{answers.netloc(host, port)}"] in studio.toml.'
            )
        if port not in _WEB_PORTS.values() and port < 1024:
            raise Refused(
                f"{where} asks for port {port}, which is not for web pages. "
                f'To allow it: allow_private = ["{answers.netloc(host, port)}"] in studio.toml.'
            )

    async def _get(self, url: httpx.URL, address: Address, accept: str) -> Fetched | httpx.URL:
        limits = httpx.Timeout(self._timeout_s, connect=min(5.0, self._timeout_s))
        # A client of its own for each request: connections are pooled by address, and two names
        # at one address must not share a connection whose certificate was checked for the first.
        async with httpx.AsyncClient(
            verify=self._trust or _trust(), trust_env=False, timeout=limits
        ) as client:
            request = client.build_request(
                "GET",
                url.copy_with(host=str(address)),
                headers={
                    "Host": url.netloc.decode("ascii"),
                    "User-Agent": USER_AGENT,
                    "Accept": accept,
                    "Accept-Encoding": "gzip, deflate",
                },
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            response = await client.send(request, stream=True)
            try:
                return await self._take(url, response)
            finally:
                await response.aclose()

    async def _take(self, url: httpx.URL, response: httpx.Response) -> Fetched | httpx.URL:
        where = answers.shown(url)
        if response.has_redirect_location:
            return _read_url(response.headers["location"], base=url)
        answers.check_status(where, response.status_code, response.headers)
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_bytes:
            raise too_large(where, self._max_bytes, int(length))
        body = await read_capped(
            response.aiter_raw(),
            response.headers.get("content-encoding", ""),
            self._max_bytes,
            where=where,
        )
        return Fetched(
            url=str(url), content_type=response.headers.get("content-type", ""), body=body
        )


def _read_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = base.join(text) if base else httpx.URL(text.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"{answers.shown(text)} is no valid URL ({error}).") from error
    where = answers.shown(url)
    if url.scheme not in _WEB_PORTS:
        raise Refused(f"{where} is neither http nor https; the studio fetches nothing else.")
    if not url.host or not 0 < (port or 80) < 65536:
        raise Refused(f"{where} names no host, or no possible port.")
    if url.userinfo:
        raise Refused(
            f"{where} carries a user name or a password, which the studio does not send. "
            "Save the page as a file and give its path."
        )
    return url


def _port(url: httpx.URL) -> int:
    return url.port or _WEB_PORTS[url.scheme]


def _reason(error: Exception | None) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


@cache
def _trust() -> ssl.SSLContext:
    # Reading the certificates takes 20-50 ms: once is enough.
    return httpx.create_ssl_context(trust_env=False)
