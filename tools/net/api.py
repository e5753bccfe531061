"""Speak to a platform's API: any method, a body in memory or streamed, and never a redirect.

A redirect would carry the credentials elsewhere, and some upload protocols use status 308 for
something else. Addresses are checked as for reading. Whoever publishes must know whether a request
may have been acted upon, so that is what the two errors tell apart.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from tools.net import answers
from tools.net.addresses import Address, read_allowed
from tools.net.body import read_capped
from tools.net.gate import MAX_ADDRESSES, USER_AGENT, trust
from tools.net.reach import WEB_PORTS, Reach

MAX_ANSWER_BYTES = 1024 * 1024
CONNECT_S = 10.0

Stream = Callable[[], AsyncIterator[bytes]]


class NotReached(TryLater):
    """No connection came about: certainly nothing was acted upon."""


class BrokeOff(TryLater):
    """The connection broke after it came about: what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered; `where` is its address for a message, without its query."""

    where: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Tell whether the status is one of success."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ToolFailed: it is none.
        """
        found = self.json_or_nothing()
        if found is None:
            raise ToolFailed(f"{self.where} answered {self.status} with something that is no JSON")
        return found

    def json_or_nothing(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, or None: for errors, whose bodies may be anything."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def retry_after(self, default_s: float) -> float:
        """Return how long the server asks us to wait, in seconds."""
        return answers.retry_after(self.headers.get("retry-after", ""), default_s)


@dataclass(frozen=True, slots=True)
class Api:
    """Calls to one platform; each has `timeout_s` seconds in all, with the look-up of its name."""

    reach: Reach
    timeout_s: float = 30.0
    headers: Mapping[str, str] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | Stream | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once and return the answer, whatever its status.

        A streamed body needs a Content-Length among the headers.

        Raises:
            OperatorNeeded: the address may not be spoken to.
            NotReached, BrokeOff: see there.
        """
        target = _read(url)
        where, asked = answers.shown(target), False
        failure: Exception | None = None
        try:
            async with asyncio.timeout(self.timeout_s):
                for address in (await self._addresses(target))[:MAX_ADDRESSES]:
                    asked = True
                    try:
                        return await self._ask(target, address, method, body, headers or {})
                    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                        failure = error
        except httpx.TransportError as error:
            raise BrokeOff(f"{where} broke off ({_kind(error)}).", after_s=15) from error
        except TimeoutError as error:
            if asked:
                raise BrokeOff(f"{where} broke off ({_kind(error)}).", after_s=15) from error
            failure = error
        raise NotReached(f"{where} cannot be reached ({_kind(failure)}).", after_s=60) from failure

    async def _addresses(self, url: httpx.URL) -> tuple[Address, ...]:
        try:
            return await self.reach.addresses(url)
        except Refused as error:
            raise OperatorNeeded(str(error)) from error
        except TryLater as error:
            raise NotReached(str(error), after_s=error.after_s) from error

    async def _ask(
        self,
        url: httpx.URL,
        address: Address,
        method: str,
        body: bytes | Stream | None,
        headers: Mapping[str, str],
    ) -> Answer:
        limits = httpx.Timeout(self.timeout_s, connect=min(CONNECT_S, self.timeout_s))
        # A client of its own for each request, for the same reason as in the gate.
        async with httpx.AsyncClient(
            verify=trust(), trust_env=False, timeout=limits, follow_redirects=False
        ) as client:
            request = client.build_request(
                method,
                url.copy_with(host=str(address)),
                content=body() if callable(body) else body,
                headers={
                    "Host": url.netloc.decode("ascii"),
                    "User-Agent": USER_AGENT,
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip, deflate",
                    **self.headers,
                    **headers,
                },
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            response = await client.send(request, stream=True)
            try:
                return await _taken(answers.shown(url), response)
            finally:
                await response.aclose()


def open_api(allow_private: Sequence[str], *, timeout_s: float = 30.0) -> Api:
    """Return an API client that speaks to public addresses and to those an operator allowed."""
    return Api(Reach(tuple(read_allowed(entry) for entry in allow_private)), timeout_s)


async def _taken(where: str, response: httpx.Response) -> Answer:
    try:
        body = await read_capped(
            response.aiter_raw(),
            response.headers.get("content-encoding", ""),
            MAX_ANSWER_BYTES,
            where=where,
        )
    except (Refused, TryLater) as error:
        # It was asked and did answer: what it did is not known.
        raise BrokeOff(str(error)) from error
    return Answer(where, response.status_code, dict(response.headers), body)


def _read(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        is_web = url.scheme in WEB_PORTS and bool(url.host) and not url.userinfo
    except (httpx.InvalidURL, ValueError):
        is_web = False
    if not is_web:
        raise OperatorNeeded(
            f"{answers.shown(text)} is no address of an API.", mend="Correct it in studio.toml."
        )
    return url


def _kind(error: Exception | None) -> str:
    # Only the kind: the library's words may quote a header.
    return type(error).__name__
