"""An access token from a refresh token, renewed when it has run out in the middle of the work."""

from collections.abc import Mapping
from urllib.parse import urlencode

from bookai.errors import NotYet, OperatorNeeded, TryLater
from tools.net.api import Answer, Api


class Tokens:
    """Calls with a bearer token. Tokens live in memory only."""

    def __init__(self, api: Api, url: str, client_id: str, secret: str, refresh: str) -> None:
        self._api = api
        self._url = url
        self._form = {
            "grant_type": "refresh_token",
            "client_id": client_id,
            "client_secret": secret,
            "refresh_token": refresh,
        }
        self._access = ""

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask with the token; once more with a new one when the server has grown tired of it.

        Raises:
            OperatorNeeded: the refresh token counts no more.
            TryLater: the server or the token's server cannot be asked now.
        """
        answer: Answer | None = None
        for _ in range(2):
            if not self._access:
                await self._renew()
            told = {**(headers or {}), "Authorization": f"Bearer {self._access}"}
            answer = await self._api.call(method, url, body=body, headers=told)
            if answer.status != 401:
                break
            self._access = ""
        assert answer is not None
        return answer

    async def _renew(self) -> None:
        answer = await self._api.call(
            "POST",
            self._url,
            body=urlencode(self._form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        told = answer.json_or_nothing() or {}
        if answer.is_ok and isinstance(told.get("access_token"), str):
            self._access = told["access_token"]
            return
        if answer.status >= 500 or answer.status == 429:
            kind = NotYet if answer.status == 429 else TryLater
            raise kind(
                f"{answer.where} gives no token now ({answer.status}).",
                after_s=answer.retry_after(60.0),
            )
        reason = str(told.get("error", "no reason given"))[:60]
        raise OperatorNeeded(
            f"{answer.where} gives no token ({reason!r}).",
            mend="The refresh token was revoked or has expired: make a new one as "
            "docs/how-to/publish-to-youtube.md says.",
        )
