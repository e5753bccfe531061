"""The one gate to the network.

Everything the studio fetches comes through here, because a URL is text from the world: it may name
a machine inside the operator's network, a name may be made to resolve to one, and a public page may
redirect to one. So the gate resolves each name itself, checks every answer, and then connects to
the very address that it checked: a second look-up could answer something else.
"""

import asyncio
import ssl
from collections.abc import Sequence
from functools import cache

import httpx

from bookai.errors import Refused, TryLater
from bookai.house import VERSION
from tools.base import Fetched
from tools.net import answers
from tools.net.addresses import Address, read_allowed
from tools.net.body import read_capped, too_large
from tools.net.reach import WEB_PORTS, Reach, Resolve, resolve_name

MAX_REDIRECTS = 5
MAX_ADDRESSES = 4
MAX_URL = 4096  # characters; browsers and servers take hardly more
USER_AGENT = f"BookAI-Studio/{VERSION}"


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
        self._reach = Reach(tuple(read_allowed(entry) for entry in allow_private), resolve)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
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
        addresses = await self._reach.addresses(url)
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

    async def _get(self, url: httpx.URL, address: Address, accept: str) -> Fetched | httpx.URL:
        limits = httpx.Timeout(self._timeout_s, connect=min(5.0, self._timeout_s))
        # A client of its own for each request: connections are pooled by address, and two names
        # at one address must not share a connection whose certificate was checked for the first.
        async with httpx.AsyncClient(
            verify=self._trust or trust(), trust_env=False, timeout=limits
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
    if len(text) > MAX_URL:
        raise Refused(
            f"{answers.shown(text[:MAX_URL])} … has {len(text)} characters; the studio fetches"
            f" URLs of at most {MAX_URL}."
        )
    try:
        url = base.join(text) if base else httpx.URL(text.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"{answers.shown(text)} is no valid URL ({error}).") from error
    where = answers.shown(url)
    if url.scheme not in WEB_PORTS:
        raise Refused(f"{where} is neither http nor https; the studio fetches nothing else.")
    if not url.host or not 0 < (port or 80) < 65536:
        raise Refused(f"{where} names no host, or no possible port.")
    if url.userinfo:
        raise Refused(
            f"{where} carries a user name or a password, which the studio does not send. "
            "Save the page as a file and give its path."
        )
    return url


def _reason(error: Exception | None) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


@cache
def trust() -> ssl.SSLContext:
    """Return the certificates that the studio believes."""
    # Reading the certificates takes 20-50 ms: once is enough.
    return httpx.create_ssl_context(trust_env=False)
