"""Models of Anthropic, by their Messages API.

The answer's schema is sent as `output_config.format`, thinned to what its grammar knows; a model
that is too old for that is made to call a tool whose argument is the answer.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from httpx_sse import ServerSentEvent

from bookai.llm.base import Call, CallFailed, Provider, Reply, Server, Sight
from bookai.llm.hosted.failures import as_object, complaint, mid_stream, not_spoken
from bookai.llm.hosted.growing import Growing, counted
from bookai.llm.hosted.line import Lines, Question
from bookai.llm.hosted.schema import thinned

VERSION = "2023-06-01"
MAX_FORMS = 4
TOOL = "answer"
# Lists name the dated model; people write the name without its date.
_DATE = re.compile(r"-\d{8}$")
_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "stop", "max_tokens": "length"}


@dataclass(frozen=True, slots=True)
class Form:
    """How a model wants to be asked: with a grammar or a tool, with a temperature or without."""

    grammar: bool = True
    temperature: bool = True

    def easier(self, said: str) -> "Form | None":
        """Return the form that leaves out what `said` complains of; None when it is another."""
        words = said.lower()
        if self.temperature and "temperature" in words:
            return replace(self, temperature=False)
        if self.grammar and any(w in words for w in ("output_config", "schema", "structured")):
            return replace(self, grammar=False)
        return None

    def body(self, call: Call) -> dict[str, Any]:
        """Return the request in this form."""
        system = [m["content"] for m in call.messages if m["role"] == "system"]
        schema = thinned(call.request.answer_schema)
        body: dict[str, Any] = {
            "model": call.model.name,
            "max_tokens": call.max_tokens,
            "messages": [dict(m) for m in call.messages if m["role"] != "system"],
            "stream": True,
        }
        if system:
            body["system"] = "\n\n".join(system)
        if self.temperature:
            body["temperature"] = call.request.temperature
        if self.grammar:
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        else:
            body["tools"] = [
                {"name": TOOL, "description": "Give the answer.", "input_schema": schema}
            ]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        return body


class Anthropic(Provider):
    """One line to each server that speaks the Messages API."""

    name = "anthropic"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._lines = Lines(environment)
        self._forms: dict[tuple[str, str], Form] = {}

    async def look(self, server: Server) -> Sight:
        """Return the models that the key may use.

        Raises:
            CallFailed: it is not up, or does not accept the key.
        """

        async def ask() -> Sight:
            url = _at(server, "models?limit=1000")
            return _sight(server, await self._lines.fetch(server, url, self._headers(server)))

        return await self._lines.seen(server, ask)

    async def reply(self, call: Call) -> Reply:
        """Ask once; a request that is turned down for its form is put more simply.

        Raises:
            CallFailed: there is no whole answer.
        """
        place = (call.server.name, call.model.name)
        form = self._forms.get(place, Form())
        for _ in range(MAX_FORMS):
            try:
                reply = await self._once(call, form)
            except CallFailed as error:
                simpler = form.easier(str(error)) if error.kind == "http_4xx" else None
                if simpler is None:
                    raise
                form = simpler
            else:
                self._forms[place] = form
                return reply
        raise not_spoken(call.server, "it turns down every form of the request")

    async def close(self) -> None:
        """Hang up all connections."""
        await self._lines.close()

    async def _once(self, call: Call, form: Form) -> Reply:
        stream = _Stream(call)
        question = Question(
            _at(call.server, "messages"), form.body(call), self._headers(call.server)
        )
        await self._lines.listen(call, question, stream.take)
        return stream.growing.whole(stream.finish)

    def _headers(self, server: Server) -> dict[str, str]:
        key = self._lines.key(server)
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}


class _Stream:
    """Reads the events of one reply; kinds that are not known are passed over, as is asked."""

    def __init__(self, call: Call) -> None:
        self.growing = Growing(call)
        self._call = call
        self._stopped: str | None = None
        self._reason: str | None = None

    @property
    def finish(self) -> str | None:
        """Why the model stopped; None when the stream ended before its end."""
        return self._stopped

    def take(self, event: ServerSentEvent) -> bool:
        """Take one event; True when it was the last."""
        if not event.data:
            return False
        found = as_object(event.data, self._call.server)
        match found.get("type"):
            case "error":
                raise mid_stream(self._call.server, self._call.model, complaint(found))
            case "message_start":
                message = found.get("message")
                self._count_in(message.get("usage") if isinstance(message, dict) else None)
            case "content_block_delta":
                self._add(found.get("delta"))
            case "message_delta":
                usage = found.get("usage")
                self._count_in(usage)
                # What the start says of the output is only its first word.
                if isinstance(usage, dict):
                    self.growing.output_tokens = counted(usage.get("output_tokens"))
                self._end(found.get("delta"))
            case "message_stop":
                self._stopped = self._reason
                return True
        return False

    def _add(self, delta: object) -> None:
        if isinstance(delta, dict):
            # `thinking_delta` is left out: it is no part of the answer.
            piece = delta.get("text") if delta.get("type") == "text_delta" else None
            if delta.get("type") == "input_json_delta":
                piece = delta.get("partial_json")
            self.growing.add(piece if isinstance(piece, str) else "")

    def _end(self, delta: object) -> None:
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason == "refusal":
            self._reason = "refused"
        elif reason == "model_context_window_exceeded":
            self._reason = "length"
        elif isinstance(reason, str):
            self._reason = _FINISH.get(reason, reason)

    def _count_in(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        asked = [
            usage.get(key)
            for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        ]
        told = [number for number in map(counted, asked) if number is not None]
        if told:
            self.growing.input_tokens = sum(told)


def _sight(server: Server, found: object) -> Sight:
    listed = found.get("data") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise not_spoken(server, "it lists no models")
    dated = {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
    names = dated | {_DATE.sub("", name) for name in dated}
    return Sight(frozenset(names), dict.fromkeys(names, 0))


def _at(server: Server, path: str) -> str:
    base = server.url.rstrip("/").removesuffix("/v1")
    return f"{base}/v1/{path}"


PROVIDER = Anthropic()
