"""A server on loopback that speaks Anthropic's Messages API, with the traps that it documents."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tests.peers.http_peer import Cut, HttpPeer, Reply, Request

Json = dict[str, Any]
ANSWER = {"title": "Rain in Lisbon", "lines": ["Rain."]}
PIECE = 12
MODELS = ("claude-tiny-4-20260101", "claude-other")
# What a grammar does not know: a schema with one of these is turned down.
UNKNOWN = ("maxLength", "minLength", "maxItems", "minimum", "maximum")

SAID: Mapping[str, tuple[int, str, str]] = {
    "key": (401, "authentication_error", "invalid x-api-key"),
    "money": (402, "billing_error", "There is an issue with your billing."),
    "forbidden": (403, "permission_error", "Your API key does not have permission."),
    "model": (404, "not_found_error", "model: claude-none"),
    "large": (413, "request_too_large", "Request exceeds the maximum size"),
    "context": (400, "invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum"),
    "rate": (429, "rate_limit_error", "This request would exceed your organization's rate limit"),
    "crash": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}


class FakeAnthropic(HttpPeer):
    """Answers `says` as JSON; `traps` are used up one a message, in order.

    `is_old` is a model without structured outputs, `no_temperature` one that takes none.
    """

    def __init__(
        self,
        *traps: str,
        key: str = "",
        is_old: bool = False,
        no_temperature: bool = False,
        says: object = ANSWER,
    ) -> None:
        super().__init__()
        self.traps = list(traps)
        self.key = key
        self.text = json.dumps(says)
        self.is_old = is_old
        self.no_temperature = no_temperature
        self.asked: list[Json] = []
        self.headers: list[Mapping[str, str]] = []

    async def answer(self, request: Request) -> Reply:
        self.headers.append(request.headers)
        if self.key and request.headers.get("x-api-key") != self.key:
            return _said("key")
        if request.path == "/v1/models":
            data = [{"type": "model", "id": name} for name in MODELS]
            return Reply(body={"data": data, "has_more": False})
        body = await request.json()
        self.asked.append(body)
        turned_down = self._turned_down(request, body)
        if turned_down:
            return _wrong(turned_down)
        trap = self.traps.pop(0) if self.traps else "none"
        if trap == "cut":
            raise Cut
        if trap in SAID:
            return _said(trap)
        return Reply(
            body=_events(trap, body, self.text), headers={"Content-Type": "text/event-stream"}
        )

    def _turned_down(self, request: Request, body: Json) -> str:
        if request.headers.get("anthropic-version") != "2023-06-01":
            return "anthropic-version: header is required"
        if any(message["role"] == "system" for message in body["messages"]):
            return 'messages: Unexpected role "system".'
        if self.no_temperature and "temperature" in body:
            return "`temperature` is deprecated for this model."
        config = body.get("output_config")
        if config and self.is_old:
            return "output_config: Extra inputs are not permitted"
        unknown = [word for word in UNKNOWN if f'"{word}"' in json.dumps(config)]
        if unknown:
            return f"output_config.format.schema: For 'array' type, {unknown} is not supported"
        return ""


def _said(trap: str) -> Reply:
    status, kind, message = SAID[trap]
    headers = {"retry-after": "3"} if status == 429 else {}
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return Reply(status, body, headers)


def _wrong(message: str) -> Reply:
    return Reply(
        400, {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    )


async def _events(trap: str, body: Json, text: str) -> AsyncIterator[bytes]:
    usage = {"input_tokens": 30, "cache_read_input_tokens": 10, "output_tokens": 1}
    yield _event("message_start", message={"id": "msg_1", "content": [], "usage": usage})
    yield _event("ping")
    if trap == "thinking":
        yield _event("content_block_start", index=0, content_block={"type": "thinking"})
        delta = {"type": "thinking_delta", "thinking": "Hm, let me see."}
        yield _event("content_block_delta", index=0, delta=delta)
    kind = "tool_use" if "tools" in body else "text"
    yield _event("content_block_start", index=1, content_block={"type": kind})
    for piece in _pieces(trap, text):
        delta = {"type": "text_delta", "text": piece}
        if "tools" in body:
            delta = {"type": "input_json_delta", "partial_json": piece}
        yield _event("content_block_delta", index=1, delta=delta)
    if trap == "stall":
        await asyncio.Event().wait()
    if trap == "overloaded_event":
        yield _event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    if trap == "error_event":
        yield _event("error", error={"type": "api_error", "message": "Internal server error"})
    if trap in ("overloaded_event", "error_event", "unfinished"):
        return
    reason = {"max_tokens": "max_tokens", "refusal": "refusal"}.get(trap, "end_turn")
    yield _event("an_event_of_tomorrow", what="unknown")
    yield _event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 9})
    if trap != "no_stop":
        yield _event("message_stop")


def _pieces(trap: str, text: str) -> list[str]:
    text = "" if trap in ("empty", "refusal") else text
    if trap in ("stall", "max_tokens", "unfinished", "overloaded_event", "error_event"):
        text = text[: len(text) // 2]
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
