"""Servers that speak OpenAI's chat protocol: vLLM, llama.cpp, LM Studio and hosted ones.

They speak dialects of it. What a server turns down with 400 is left out from then on, for that
model on that server: a strict schema first becomes plain JSON mode, then nothing but the prompt.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from httpx_sse import ServerSentEvent

from bookai.llm.base import Call, CallFailed, Provider, Reply, Server, Sight
from bookai.llm.hosted.failures import as_object, complaint, mid_stream, not_spoken
from bookai.llm.hosted.growing import Growing, counted
from bookai.llm.hosted.line import Lines, Question

MAX_DIALECTS = 5
_FORMAT_WORDS = ("response_format", "json_schema", "schema", "grammar", "guided", "structured")
_REFUSED = ("content_filter", "safety")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one model on one server wants to be asked."""

    form: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    usage: bool = True

    def easier(self, said: str) -> "Dialect | None":
        """Return the dialect that leaves out what `said` complains of; None when it is another."""
        words = said.lower()
        if self.limit == "max_tokens" and "max_completion_tokens" in words:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in words:
            return replace(self, temperature=False)
        if self.usage and "stream_options" in words:
            return replace(self, usage=False)
        if self.form != "text" and any(word in words for word in _FORMAT_WORDS):
            is_strict = self.form == "json_schema"
            return replace(self, form="json_object" if is_strict else "text")
        return None

    def body(self, call: Call) -> dict[str, Any]:
        """Return the request in this dialect."""
        body: dict[str, Any] = {
            "model": call.model.name,
            "messages": [dict(message) for message in call.messages],
            "stream": True,
            self.limit: call.max_tokens,
        }
        if self.temperature:
            body["temperature"] = call.request.temperature
        if self.usage:
            body["stream_options"] = {"include_usage": True}
        if self.form == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif self.form == "json_schema":
            schema = {"name": "answer", "strict": True, "schema": call.request.answer_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


class OpenAICompatible(Provider):
    """One line to each server; its `url` ends with /v1."""

    name = "openai_compatible"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._lines = Lines(environment)
        self._dialects: dict[tuple[str, str], Dialect] = {}

    async def look(self, server: Server) -> Sight:
        """Return the models that the server lists; it has them all at hand.

        Raises:
            CallFailed: it is not up, wants another key, or lists nothing.
        """

        async def ask() -> Sight:
            found = await self._lines.fetch(server, _at(server, "models"), self._headers(server))
            return _sight(server, found)

        return await self._lines.seen(server, ask)

    async def reply(self, call: Call) -> Reply:
        """Ask once; a request that the server turns down for its form is put more simply.

        Raises:
            CallFailed: there is no whole answer.
        """
        place = (call.server.name, call.model.name)
        dialect = self._dialects.get(place, Dialect())
        for _ in range(MAX_DIALECTS):
            try:
                reply = await self._once(call, dialect)
            except CallFailed as error:
                simpler = dialect.easier(str(error)) if error.kind == "http_4xx" else None
                if simpler is None:
                    raise
                dialect = simpler
            else:
                self._dialects[place] = dialect
                return reply
        raise not_spoken(call.server, "it turns down every form of the request")

    async def close(self) -> None:
        """Hang up all connections."""
        await self._lines.close()

    async def _once(self, call: Call, dialect: Dialect) -> Reply:
        stream = _Stream(call)
        url = _at(call.server, "chat/completions")
        question = Question(url, dialect.body(call), self._headers(call.server))
        await self._lines.listen(call, question, stream.take)
        return stream.growing.whole(stream.finish)

    def _headers(self, server: Server) -> dict[str, str]:
        key = self._lines.key(server)
        return {"Authorization": f"Bearer {key}"} if key else {}


class _Stream:
    """Reads the events of one reply."""

    def __init__(self, call: Call) -> None:
        self.growing = Growing(call)
        self.finish: str | None = None
        self._call = call

    def take(self, event: ServerSentEvent) -> bool:
        """Take one event; True when it was the last."""
        if event.data.strip() == "[DONE]":
            return True
        if not event.data:
            return False
        found = as_object(event.data, self._call.server)
        if found.get("error") or found.get("object") == "error":
            raise mid_stream(self._call.server, self._call.model, complaint(found))
        self._count(found.get("usage"))
        choices = found.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._choose(choice)
        return False

    def _choose(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta")
        # Thinking comes in fields of its own (reasoning_content) and is left there.
        if isinstance(delta, dict):
            content = delta.get("content")
            self.growing.add(content if isinstance(content, str) else "")
            if delta.get("refusal"):
                self.finish = "refused"
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and self.finish != "refused":
            self.finish = "refused" if reason in _REFUSED else reason

    def _count(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        asked, said = counted(usage.get("prompt_tokens")), counted(usage.get("completion_tokens"))
        if asked is not None and said is not None:
            self.growing.input_tokens, self.growing.output_tokens = asked, said


def _sight(server: Server, found: object) -> Sight:
    listed = found.get("data") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise not_spoken(server, "it lists no models; its url should end with /v1")
    names = {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
    return Sight(frozenset(names), dict.fromkeys(names, 0))


def _at(server: Server, path: str) -> str:
    return f"{server.url.rstrip('/')}/{path}"


PROVIDER = OpenAICompatible()
