"""One YouTube channel: open an upload's session, find a video, tell a receipt."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from bookai.errors import ToolFailed
from tools.google import videos
from tools.google.answers import problem
from tools.google.token import Tokens
from tools.net.api import Answer
from tools.uploads import resumable
from tools.uploads.resumable import Handle, Rejected

MAX_LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Channel:
    """Calls to YouTube as one channel; `order(key)` is the video that was ordered."""

    base: str
    tokens: Tokens
    order: Callable[[str], Mapping[str, Any]]
    now: Callable[[], datetime]

    async def open_session(self, key: str, size: int) -> Handle:
        """Announce the video; the address that comes back takes its bytes."""
        query = urlencode({"uploadType": "resumable", "part": videos.PARTS})
        answer = await self.tokens.call(
            "POST",
            f"{self.base}/upload/youtube/v3/videos?{query}",
            body=json.dumps(self.order(key)).encode(),
            headers={
                "Content-Type": "application/json; charset=UTF-8",
                "X-Upload-Content-Type": "video/mp4",
                "X-Upload-Content-Length": str(size),
            },
        )
        if answer.status not in (200, 201):
            raise problem(answer, self.now())
        return Handle(session=self._session_url(answer), size=size)

    async def ask_where(self, handle: Handle) -> resumable.Where:
        """Ask the session how far it is."""
        if not handle.session:
            return resumable.Where("gone")
        try:
            return await resumable.ask_where(self.tokens.call, handle)
        except Rejected as error:
            raise problem(error.answer, self.now()) from error

    async def find_marked(self, mark: str) -> Mapping[str, Any] | None:
        """Return our video among the channel's newest uploads, found by its tag."""
        try:
            mine = await self._get("channels", part="contentDetails", mine="true")
            uploads = mine[0]["contentDetails"]["relatedPlaylists"]["uploads"]
            entries = await self._get(
                "playlistItems",
                part="contentDetails",
                playlistId=uploads,
                maxResults=str(MAX_LOOK_BACK),
            )
            ids = ",".join(one["contentDetails"]["videoId"] for one in entries)
            found = await self._get("videos", part="snippet,status", id=ids) if ids else []
            ours = [one for one in found if mark in one["snippet"].get("tags", ())]
        except (LookupError, TypeError) as error:
            raise ToolFailed("YouTube's list of the channel's videos is not understood") from error
        return ours[0] if ours else None

    async def video(self, video_id: str, part: str) -> Mapping[str, Any] | None:
        """Return one video, or None when there is none."""
        found = await self._get("videos", part=part, id=video_id)
        return found[0] if found else None

    def wrong_with(self, video: Mapping[str, Any], key: str) -> str:
        """Return what of a video is not as it was ordered, or nothing."""
        return videos.differs(self.order(key), video)

    async def _get(self, name: str, **query: str) -> list[Mapping[str, Any]]:
        url = f"{self.base}/youtube/v3/{name}?{urlencode(query)}"
        answer = await self.tokens.call("GET", url)
        if not answer.is_ok:
            raise problem(answer, self.now())
        items = answer.json().get("items")
        return items if isinstance(items, list) else []

    def _session_url(self, answer: Answer) -> str:
        """Return where the bytes go; the token goes with them, so it must be Google's own."""
        base = httpx.URL(self.base)
        try:
            url = base.join(answer.headers.get("location", ""))
        except httpx.InvalidURL as error:
            raise ToolFailed(f"{answer.where} opened a session without an address") from error
        is_same = (url.host, url.port, url.scheme) == (base.host, base.port, base.scheme)
        is_sister = url.scheme == "https" and url.host.endswith(".googleapis.com")
        if "location" not in answer.headers or not (
            is_same or (is_sister and base.host.endswith(".googleapis.com"))
        ):
            raise ToolFailed(
                f"{answer.where} opened a session at {url.host!r}, which is not its own"
            )
        return str(url)
