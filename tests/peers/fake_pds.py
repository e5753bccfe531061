"""A personal data server as Bluesky's, in memory, with the faults a test orders.

What it keeps strictly is what the real one does: a blob is named by its own hash, a record's blobs
must be there with the very type that was stored, a key that exists is overwritten by `putRecord`
and answered with 500 by `createRecord`, and an old token is status 400.
"""

import hashlib
import secrets
from collections import Counter
from typing import Any

from tests.peers.http_peer import Cut, HttpPeer, Reply, Request
from tools.atproto.ids import blob_cid

HANDLE, PASSWORD, DID = "studio.test", "app-pass-word", "did:plc:studio"


class FakePds(HttpPeer):
    """Faults by order: `busy` and `lose_answer` name methods, `expire_after` counts calls.

    `limited` are accounts whose records it does not take, with its answer to them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blobs: dict[str, dict[str, Any]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.tokens: set[str] = set()
        self.renewals: set[str] = set()
        self.accounts = {HANDLE: PASSWORD}
        self.limited: dict[str, Reply] = {}
        self.asked: Counter[str] = Counter()
        self.busy: dict[str, Reply] = {}
        self.lose_answer: set[str] = set()
        self.cut_body: set[str] = set()
        self.expire_after: int | None = None
        self.spoil_blobs = False
        self.calls: Counter[str] = Counter()

    async def answer(self, request: Request) -> Reply:
        name = request.path.removeprefix("/xrpc/com.atproto.").removeprefix("/xrpc/app.bsky.feed.")
        self.calls[name] += 1
        if name in self.busy:
            return self.busy.pop(name)
        if name in self.cut_body:
            self.cut_body.discard(name)
            await request.piece(1000)
            raise Cut
        reply = await self._act(name, request)
        if name in self.lose_answer:
            self.lose_answer.discard(name)
            raise Cut
        return reply

    async def _act(self, name: str, request: Request) -> Reply:
        match name:
            case "server.createSession":
                return self._log_in(await request.json())
            case "server.refreshSession":
                is_right = _bearer(request) in self.renewals
                return self._session() if is_right else _error(400, "ExpiredToken")
            case "repo.getRecord":
                return self._get(request.query["rkey"])
            case "getPosts":
                return self._posts(request.query["uris"])
            case _:
                return await self._act_as_account(name, request)

    async def _act_as_account(self, name: str, request: Request) -> Reply:
        if self.expire_after is not None:
            self.expire_after -= 1
            if self.expire_after < 0:
                self.tokens.clear()
                self.expire_after = None
        if _bearer(request) not in self.tokens:
            return _error(400, "ExpiredToken")
        if name == "repo.uploadBlob":
            return await self._upload(request)
        if name == "repo.putRecord":
            return self._put(await request.json())
        return _error(501, "MethodNotImplemented")

    def _log_in(self, said: dict[str, str]) -> Reply:
        name, password = said["identifier"], said["password"]
        self.asked[name] += 1
        if name in self.limited:
            return self.limited[name]
        is_right = self.accounts.get(name) == password
        return self._session() if is_right else _error(401, "AuthenticationRequired")

    def _session(self) -> Reply:
        access, refresh = secrets.token_hex(8), secrets.token_hex(8)
        self.tokens.add(access)
        self.renewals = {refresh}
        told = {"accessJwt": access, "refreshJwt": refresh, "did": DID, "handle": HANDLE}
        return Reply(body=told)

    async def _upload(self, request: Request) -> Reply:
        data = await request.body()
        if self.spoil_blobs:
            data += b"!"
        cid = blob_cid(hashlib.sha256(data).hexdigest())
        self.blobs[cid] = {
            "$type": "blob",
            "ref": {"$link": cid},
            "mimeType": request.headers["content-type"],
            "size": len(data),
        }
        return Reply(body={"blob": self.blobs[cid]})

    def _put(self, wanted: dict[str, Any]) -> Reply:
        record = wanted["record"]
        embed = record["embed"]
        for blob in (embed["video"], *(one["file"] for one in embed["captions"])):
            if self.blobs.get(blob["ref"]["$link"]) != blob:
                return _error(400, "BlobNotFound")
        if len(record["text"]) > 600 or wanted["repo"] != DID:
            return _error(400, "InvalidRequest")
        self.writes += 1
        self.records[wanted["rkey"]] = record
        return Reply(body={"uri": _uri(wanted["rkey"]), "cid": "bafy"})

    def _get(self, rkey: str) -> Reply:
        if rkey not in self.records:
            return _error(400, "RecordNotFound")
        return Reply(body={"uri": _uri(rkey), "cid": "bafy", "value": self.records[rkey]})

    def _posts(self, uri: str) -> Reply:
        known = uri.rpartition("/")[2] in self.records
        counts = {"likeCount": 12, "repostCount": 3, "replyCount": 1, "quoteCount": 0}
        return Reply(body={"posts": [{"uri": uri, **counts}] if known else []})


def _uri(rkey: str) -> str:
    return f"at://{DID}/app.bsky.feed.post/{rkey}"


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _error(status: int, error: str) -> Reply:
    return Reply(status, {"error": error, "message": f"{error} it is"})
