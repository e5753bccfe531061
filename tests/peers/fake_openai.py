"""Servers on loopback that speak OpenAI's chat protocol, each with the traps that it documents."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tests.peers.http_peer import Cut, HttpPeer, Reply, Request

Json = dict[str, Any]
ANSWER = {"title": "Rain in Lisbon", "lines": ["Rain."]}
PIECE = 12

# What the servers say, word for word; the numbers are of no account.
SAID: Mapping[str, tuple[int, object]] = {
    "vllm_context": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested "
            "9000 tokens (7800 in the messages, 1200 in the completion).",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    "llama_context": (
        400,
        {
            "error": {
                "code": 400,
                "message": "request (9000 tokens) exceeds the available context size (2048 "
                "tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9000,
                "n_ctx": 2048,
            }
        },
    ),
    "loading": (503, {"error": {"code": 503, "message": "Loading model"}}),
    "model": (404, {"error": {"message": "The model `x` does not exist.", "type": "NotFound"}}),
    "quota": (
        429,
        {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}},
    ),
    "crash": (500, {"error": {"message": "EngineCore encountered an issue.", "code": 500}}),
    "key": (401, {"error": {"message": "Incorrect API key provided: sk-se***ret."}}),
    "form": (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}),
}


class FakeOpenAI(HttpPeer):
    """Answers `says` as JSON in small pieces; `traps` are used up one a chat request, in order.

    `rejects` are forms of request that it never takes: "json_schema", "json_object",
    "max_tokens", "temperature", "stream_options". `key` is the one it wants, if any.
    """

    def __init__(
        self,
        *traps: str,
        models: tuple[str, ...] = ("tiny",),
        rejects: tuple[str, ...] = (),
        key: str = "",
        says: object = ANSWER,
    ) -> None:
        super().__init__()
        self.traps = list(traps)
        self.models = models
        self.rejects = rejects
        self.key = key
        self.text = json.dumps(says)
        self.asked: list[Json] = []
        self.headers: list[Mapping[str, str]] = []

    async def answer(self, request: Request) -> Reply:
        self.headers.append(request.headers)
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return _said("key")
        if request.path == "/v1/models":
            return Reply(body={"object": "list", "data": [{"id": name} for name in self.models]})
        if request.path != "/v1/chat/completions":
            return Reply(404, {"detail": "Not Found"})
        body = await request.json()
        self.asked.append(body)
        turned_down = self._turned_down(body)
        if turned_down:
            return turned_down
        return self._reply(self.traps.pop(0) if self.traps else "none")

    def _turned_down(self, body: Json) -> Reply | None:
        form = body.get("response_format", {}).get("type")
        if form in self.rejects:
            # LM Studio's way: the error is a bare string.
            return Reply(400, {"error": f"'response_format.type' {form!r} is not supported"})
        if "max_tokens" in body and "max_tokens" in self.rejects:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return Reply(400, {"error": {"message": said, "code": "unsupported_parameter"}})
        for name in ("temperature", "stream_options"):
            if name in body and name in self.rejects:
                return Reply(400, {"error": {"message": f"{name!r} does not support 0.4"}})
        return None

    def _reply(self, trap: str) -> Reply:
        if trap == "busy":
            return Reply(429, {"error": {"message": "Rate limit reached"}}, {"Retry-After": "7"})
        if trap == "html":
            return Reply(502, b"<html><body>Bad Gateway</body></html>")
        if trap == "page":
            return Reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})
        if trap == "moved":
            return Reply(307, b"", {"Location": "https://example.org/"})
        if trap == "cut":
            raise Cut
        if trap in SAID:
            return _said(trap)
        return Reply(body=_events(trap, self.text), headers={"Content-Type": "text/event-stream"})


def _said(trap: str) -> Reply:
    status, body = SAID[trap]
    return Reply(status, body)


async def _events(trap: str, text: str) -> AsyncIterator[bytes]:
    """Yield a reply's events, in the order in which vLLM and OpenAI send them."""
    if trap == "hang":
        await asyncio.Event().wait()
    yield b": a comment that keeps the line open\n\n"
    yield _chunk({"role": "assistant", "content": None}, None)
    async for piece in _body(trap, text):
        yield piece
    if trap in ("no_finish", "error_event", "context_event", "garbage", "reset"):
        return
    yield _chunk({}, "length" if trap == "length" else _reason(trap))
    if trap != "no_usage":
        usage = {"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49}
        yield _event({"id": "c1", "choices": [], "usage": usage})
    if trap != "no_done":
        # llama.cpp ends without the blank line that ends an event.
        yield b"data: [DONE]\n" if trap == "no_blank" else b"data: [DONE]\n\n"


async def _body(trap: str, text: str) -> AsyncIterator[bytes]:
    for piece in _pieces(trap, text):
        yield _chunk({"content": piece}, None)
    if trap == "thinking":
        yield _chunk({"reasoning_content": "Hm, let me see."}, None)
    if trap == "refusal":
        yield _chunk({"refusal": "I cannot help with that."}, None)
    if trap == "stall":
        await asyncio.Event().wait()
    if trap == "error_event":
        yield _event({"error": {"message": "CUDA error: out of memory", "code": 500}})
    if trap == "context_event":
        yield _event(SAID["llama_context"][1])
    if trap == "garbage":
        yield b"data: {oops\n\n"
    if trap == "reset":
        raise Cut


def _pieces(trap: str, text: str) -> list[str]:
    if trap in ("empty", "refusal", "filtered"):
        return []
    if trap == "blanks":
        return ["{", *(" \n" * 20 for _ in range(30))]
    if trap in ("length", "no_finish", "error_event", "reset", "stall"):
        text = text[: len(text) // 2]
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _reason(trap: str) -> str:
    return "content_filter" if trap == "filtered" else "stop"


def _chunk(delta: Json, finish: str | None) -> bytes:
    return _event({"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(found: object) -> bytes:
    return f"data: {json.dumps(found)}\n\n".encode()
