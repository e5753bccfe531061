"""YouTube's upload and reading API, in memory, with its documented traps and the faults ordered.

308 without Range while nothing is stored, an offset inside a chunk after a broken connection, lost
answers after the commit, buckets of quota, tokens that die in the middle, sessions that vanish.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.peers.http_peer import Cut, HttpPeer, Reply, Request

UNIT = 256 * 1024
REFRESH, SECRET = "refresh-me", "client-secret"
UPLOAD = "/upload/youtube/v3/videos"


@dataclass
class Session:
    """An upload; `video` is set when it is complete."""

    size: int
    resource: dict[str, Any]
    data: bytearray = field(default_factory=bytearray)
    video: dict[str, Any] | None = None


class FakeYoutube(HttpPeer):
    """One channel. The faults are fields: set them, and each happens once unless it says more."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, Session] = {}
        self.videos: dict[str, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.quota = 100
        self.cut_after: int | None = None
        self.lose_answer = False
        self.busy: list[Reply] = []
        self.malformed: str | None = None
        self.expire_after: int | None = None
        self.revoked = False
        self.forget_sessions = False
        self.default_privacy: str | None = None
        self.elsewhere = ""
        self.spoil_offset = 0

    async def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return await self._token(request)
        if self.expire_after is not None:
            self.expire_after -= 1
            if self.expire_after < 0:
                self.tokens.clear()
                self.expire_after = None
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(401, "authError")
        match (request.method, request.path):
            case ("POST", path) if path == UPLOAD:
                return await self._open(request)
            case ("PUT", path) if path == UPLOAD:
                return await self._put(request)
            case ("GET", "/youtube/v3/videos"):
                ids = request.query["id"].split(",")
                return Reply(body={"items": [self.videos[i] for i in ids if i in self.videos]})
            case ("GET", "/youtube/v3/channels"):
                mine = {"contentDetails": {"relatedPlaylists": {"uploads": "UU1"}}}
                return Reply(body={"items": [mine]})
            case ("GET", "/youtube/v3/playlistItems"):
                entries = [{"contentDetails": {"videoId": one}} for one in self.videos]
                return Reply(body={"items": entries})
        return _error(404, "notFound")

    async def _token(self, request: Request) -> Reply:
        body = (await request.body()).decode()
        if self.revoked or f"refresh_token={REFRESH}" not in body or SECRET not in body:
            return Reply(400, {"error": "invalid_grant"})
        token = secrets.token_hex(8)
        self.tokens = {token}
        return Reply(body={"access_token": token, "expires_in": 3599})

    async def _open(self, request: Request) -> Reply:
        if self.busy:
            return self.busy.pop(0)
        if self.quota == 0:
            return _error(403, "quotaExceeded")
        self.quota -= 1
        resource = await request.json()
        if "selfDeclaredMadeForKids" not in resource["status"]:
            return _error(400, "invalidVideoMetadata")
        number = secrets.token_hex(8)
        size = int(request.headers["x-upload-content-length"])
        self.sessions[number] = Session(size, resource)
        where = f"{self.elsewhere or self.url}{UPLOAD}?uploadType=resumable&upload_id={number}"
        return Reply(200, headers={"Location": where})

    async def _put(self, request: Request) -> Reply:
        if self.forget_sessions:
            self.sessions.clear()
        session = self.sessions.get(request.query.get("upload_id", ""))
        if session is None:
            return _error(404, "notFound")
        asked = re.fullmatch(r"bytes (?:\*|(\d+)-(\d+))/(\d+)", request.headers["content-range"])
        assert asked is not None
        if asked.group(1) is None:
            return self._state(session)
        first, last = int(asked.group(1)), int(asked.group(2))
        is_last = last + 1 == session.size
        assert is_last or (last + 1 - first) % UNIT == 0, "not a multiple of 256 KiB"
        if first != len(session.data):
            return _error(400, "badOffset")
        if self.busy:
            return self.busy.pop(0)
        await self._take(request, session)
        if len(session.data) == session.size and self.lose_answer:
            self.lose_answer = False
            self._complete(session)
            raise Cut
        return self._state(session)

    async def _take(self, request: Request, session: Session) -> None:
        while piece := await request.piece():
            session.data += piece
            if self.cut_after is not None and len(session.data) >= self.cut_after:
                self.cut_after = None
                raise Cut

    def _state(self, session: Session) -> Reply:
        if len(session.data) == session.size:
            return Reply(200, self._complete(session))
        if self.malformed is not None:
            return Reply(308, headers={"Range": self.malformed})
        stored = len(session.data) + self.spoil_offset
        return Reply(308, headers={"Range": f"bytes=0-{stored - 1}"} if stored else {})

    def _complete(self, session: Session) -> dict[str, Any]:
        if session.video is None:
            video_id = f"v{secrets.token_hex(5)}"
            status = {**session.resource["status"], "uploadStatus": "uploaded"}
            if self.default_privacy:
                status["privacyStatus"] = self.default_privacy
            session.video = {
                **session.resource,
                "id": video_id,
                "status": status,
                "statistics": {"viewCount": "41", "likeCount": "5"},
                "sha256": hashlib.sha256(session.data).hexdigest(),
            }
            self.videos[video_id] = session.video
        return session.video


def _error(status: int, reason: str) -> Reply:
    told = {"code": status, "message": f"{reason} it is", "errors": [{"reason": reason}]}
    return Reply(status, {"error": told})
