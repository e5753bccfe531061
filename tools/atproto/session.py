"""A session on a personal data server: log in, call, renew the token when it has run out."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from tools.net.api import Answer, Api, Stream

_BUSY = (408, 429, 502, 503, 504)
_LONGEST_S = 86_400.0
_TOKEN_OLD = ("ExpiredToken", "InvalidToken")


class Session:
    """Calls to one server as one account. Tokens live in memory only."""

    def __init__(self, api: Api, service: str) -> None:
        self._api = api
        self._service = service.rstrip("/")
        self._access = ""
        self._refresh = ""
        self.did = ""
        self.handle = ""

    @property
    def service(self) -> str:
        """The server that holds the account's records."""
        return self._service

    async def log_in(self, identifier: str, password: str) -> None:
        """Open the session; later calls go to the account's own server.

        Raises:
            OperatorNeeded: the server does not let us in.
            TryLater: it cannot be asked now.
        """
        body = json.dumps({"identifier": identifier, "password": password}).encode()
        answer = await self._api.call(
            "POST", self._url("com.atproto.server.createSession"), body=body, headers=_JSON
        )
        if answer.status in (400, 401, 403):
            raise OperatorNeeded(
                f"{answer.where} does not let {identifier!r} in ({_error(answer)}).",
                mend="Make an app password in the account's settings and put it where "
                "[plugins.bluesky] says.",
            )
        self._take(answer)
        # The front door of a large service is not where the records are.
        self._service = _own_server(answer.json()) or self._service

    async def call(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | Stream | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call `name` as the account; once more with a new token when ours has run out."""
        url = self._url(name, query)
        for again in (True, False):
            token = {"Authorization": f"Bearer {self._access}"} if self._access else {}
            answer = await self._api.call(
                method, url, body=body, headers={**(headers or {}), **token}
            )
            if not (again and self._refresh and _error(answer) in _TOKEN_OLD):
                break
            await self._renew()
        return answer

    async def _renew(self) -> None:
        answer = await self._api.call(
            "POST",
            self._url("com.atproto.server.refreshSession"),
            headers={"Authorization": f"Bearer {self._refresh}"},
        )
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        if not answer.is_ok:
            raise problem(answer)
        told = answer.json()
        names = ("accessJwt", "refreshJwt", "did", "handle")
        if not all(isinstance(told.get(name), str) and told[name] for name in names):
            raise ToolFailed(f"{answer.where} opened a session without {', '.join(names)}")
        self._access, self._refresh, self.did, self.handle = (told[name] for name in names)

    def _url(self, name: str, query: Mapping[str, str] | None = None) -> str:
        return f"{self._service}/xrpc/{name}" + (f"?{urlencode(query)}" if query else "")


_JSON = {"Content-Type": "application/json"}


def problem(answer: Answer) -> BookAIError:
    """Return the error that an answer without success stands for."""
    said = f"{answer.where} answered {answer.status} ({_error(answer)})"
    if answer.status == 429:
        return NotYet(f"{said}.", after_s=_until_reset(answer))
    if answer.status in _BUSY or answer.status >= 500:
        return TryLater(f"{said}.", after_s=answer.retry_after(60.0))
    if answer.status in (401, 403):
        return OperatorNeeded(f"{said}.", mend="Look at the account there, then log in anew.")
    return Refused(f"{said}: {_message(answer)}")


def is_missing(answer: Answer) -> bool:
    """Tell whether the server says that there is no such record."""
    return answer.status in (400, 404) and _error(answer) == "RecordNotFound"


def _own_server(told: Mapping[str, Any]) -> str | None:
    """Return the https address of the server that holds the account, where the answer names one."""
    document = told.get("didDoc")
    services = document.get("service") if isinstance(document, dict) else None
    for one in services if isinstance(services, list) else ():
        if isinstance(one, dict) and one.get("id") == "#atproto_pds":
            endpoint = str(one.get("serviceEndpoint"))
            return endpoint.rstrip("/") if endpoint.startswith("https://") else None
    return None


def _until_reset(answer: Answer) -> float:
    reset = answer.headers.get("ratelimit-reset", "")
    if reset.isascii() and reset.isdigit():
        wait_s = int(reset) - datetime.now(UTC).timestamp()
        return min(max(wait_s, 1.0), _LONGEST_S)
    return answer.retry_after(300.0)


def _error(answer: Answer) -> str:
    return _word(answer, "error")


def _message(answer: Answer) -> str:
    return _word(answer, "message")


def _word(answer: Answer, name: str) -> str:
    told: Any = (answer.json_or_nothing() or {}).get(name, "")
    text = "".join(char for char in str(told)[:200] if char.isprintable())
    return text or "no reason given"
