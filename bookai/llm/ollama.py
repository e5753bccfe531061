"""Models on Ollama servers, asked for JSON that fits a schema.

The official client has no time limits, does not notice an answer that broke off, and cannot say
`truncate` and `shift`, without which the server cuts a long prompt from the front, silently. So its
request is extended here, and its streams are read under limits.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import httpx
from ollama import AsyncClient, ResponseError
from ollama._types import ChatRequest

from bookai.llm.base import Call, CallFailed, Model, Provider, Reply, Server, Sight
from bookai.llm.hosted.growing import Growing, counted
from bookai.llm.serving.prompt import tokens

DEFAULT_HOST = "http://127.0.0.1:11434"
CONNECT_LIMIT_S = 1.0
LOOK_LIMIT_S = 1.8
LISTED_S = 10.0
# Long enough that a quiet hour loads nothing anew, and not for ever: it is the operator's memory.
KEEP_ALIVE_S = 3600
# A server that read less of the prompt than this share of our estimate has cut it.
LEAST_READ = 0.3
NS = 1e9


class FullChatRequest(ChatRequest):
    """What the server understands and version 0.6.3 of the client does not let one say."""

    truncate: bool | None = None
    shift: bool | None = None


class OllamaProvider(Provider):
    """One client a server, kept open."""

    name = "ollama"

    def __init__(self) -> None:
        self._clients: dict[str, AsyncClient] = {}
        self._listed: dict[str, tuple[float, frozenset[str]]] = {}

    async def look(self, server: Server) -> Sight:
        """Return the models a server has, and those in its memory with their context.

        Raises:
            CallFailed: no server, or one that does not answer in time.
        """
        client = self._client(server)
        try:
            with translated(server):
                async with asyncio.timeout(LOOK_LIMIT_S):
                    ps = await client._request(dict, "GET", "/api/ps")
                    loaded = dict(_named(ps, server))
                    names = await self._names(server, frozenset(loaded))
        except TimeoutError as error:
            raise CallFailed(
                f"Ollama at {server.url} does not answer within {LOOK_LIMIT_S} s",
                outcome="timeout",
                kind="first_chunk_timeout",
            ) from error
        return Sight(
            names, {name: _count(one, "context_length") or 0 for name, one in loaded.items()}
        )

    async def _names(self, server: Server, loaded: frozenset[str]) -> frozenset[str]:
        """Return what can be loaded there; the list is long and seldom changes."""
        now = asyncio.get_running_loop().time()
        until, names = self._listed.get(server.url, (now, frozenset()))
        if now >= until or not loaded <= names:
            tags = await self._client(server)._request(dict, "GET", "/api/tags")
            names = frozenset(name for name, _ in _named(tags, server))
            self._listed[server.url] = (now + LISTED_S, names)
        return names

    def missing(self, server: Server, model: Model) -> str:
        """Say which model is missing, and the command that gets it."""
        return (
            f"Ollama at {server.url} has no model {model.name!r}. Get it with: "
            f"ollama pull {model.name}"
        )

    async def reply(self, call: Call) -> Reply:
        """Ask the model once; the schema is its grammar.

        Raises:
            CallFailed: there is no whole answer.
        """
        loop = asyncio.get_running_loop()
        growing, last = Growing(call), dict[str, Any]()
        first = min(call.until, loop.time() + call.first_chunk_s)
        try:
            with translated(call.server, call.model):
                async with (
                    asyncio.timeout_at(first) as limit,
                    # Closing the stream hangs up, and that is what stops the server.
                    aclosing(await self._stream(call)) as chunks,
                ):
                    async for last in chunks:
                        growing.add(_content(last))
                        if growing.first_chunk_s is not None:
                            limit.reschedule(min(call.until, loop.time() + call.idle_s))
        except TimeoutError as error:
            heard = growing.first_chunk_s is not None
            raise _too_late(call, heard, is_over=loop.time() >= call.until) from error
        return _whole(call, growing, last)

    async def preload(self, server: Server, model: Model) -> None:
        """Bring a model into memory with the context that calls will ask for.

        Raises:
            CallFailed: it did not come.
        """
        body = _body(model, (), {}).model_dump(exclude_none=True) | {"stream": False}
        with translated(server, model):
            await self._client(server)._request(dict, "POST", "/api/chat", json=body)

    async def close(self) -> None:
        """Hang up all connections."""
        clients, self._clients = tuple(self._clients.values()), {}
        for client in clients:
            await client._client.aclose()  # its own `close` is untyped

    async def _stream(self, call: Call) -> Any:
        request = call.request
        body = _body(
            call.model,
            call.messages,
            {"num_predict": call.max_tokens, "temperature": request.temperature},
        )
        body.format = request.answer_schema
        # The client makes each line an object of the class it is given: a plain dict is the
        # cheapest by far, and its fields are checked where they are read.
        return await self._client(call.server)._request(
            dict, "POST", "/api/chat", json=body.model_dump(exclude_none=True), stream=True
        )

    def _client(self, server: Server) -> AsyncClient:
        """Return a client that asks no proxy and carries no key to a server of our own."""
        found = self._clients.get(server.url)
        if found is None:
            found = AsyncClient(
                server.url,
                timeout=httpx.Timeout(None, connect=CONNECT_LIMIT_S),
                trust_env=False,
                headers={"Authorization": "none"},
                # To read the machine's certificates takes 20 ms, and http has no use for them.
                verify=server.url.startswith("https"),
                limits=httpx.Limits(
                    max_connections=None, max_keepalive_connections=server.slots + 2
                ),
            )
            self._clients[server.url] = found
        return found


def _body(model: Model, messages: tuple[Any, ...], options: dict[str, Any]) -> FullChatRequest:
    """Return a request. Another `num_ctx` or `shift` than the last would load the model again."""
    return FullChatRequest(
        model=model.name,
        messages=[dict(message) for message in messages],
        stream=True,
        think=False if messages else None,
        keep_alive=KEEP_ALIVE_S,
        truncate=False,
        shift=False,
        options={"num_ctx": model.num_ctx, **options},
    )


def _content(line: dict[str, Any]) -> str:
    # What a model thinks comes in a field of its own and is left there.
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def _whole(call: Call, growing: Growing, last: dict[str, Any]) -> Reply:
    growing.input_tokens = counted(last.get("prompt_eval_count"))
    growing.output_tokens = counted(last.get("eval_count"))
    reason = last.get("done_reason") if last.get("done") is True else None
    finish = str(reason or "stop") if last.get("done") is True else None
    reply = growing.whole(finish)
    read = growing.input_tokens
    if read is not None and 0 < read < LEAST_READ * tokens(call.messages):
        raise CallFailed(
            f"Ollama at {call.server.url} read only {read} tokens of the prompt",
            outcome="client",
            kind="prompt_truncated",
            retry=False,
            next_model=True,
        )
    load_s = (_count(last, "load_duration") or 0) / NS
    return Reply(
        reply.text, read, growing.output_tokens, growing.first_chunk_s, load_s, reply.finish
    )


def _count(line: dict[str, Any], field: str) -> int | None:
    value = line.get(field)
    return value if isinstance(value, int) and value is not True and value >= 0 else None


def _named(found: dict[str, Any], server: Server) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each listed model by its names: one without a tag means the latest."""
    listed = found.get("models")
    if listed is not None and not isinstance(listed, list):
        raise _not_spoken(server)
    for one in listed or ():
        name = one.get("model") or one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str):
            raise _not_spoken(server)
        yield name, one
        if name.endswith(":latest"):
            yield name.removesuffix(":latest"), one


@contextmanager
def translated(server: Server, model: Model | None = None) -> Iterator[None]:
    """Turn all that leaks from the client into `CallFailed`."""
    at = f"Ollama at {server.url}"
    try:
        yield
    except ResponseError as error:
        raise _answered(at, model, error) from error
    except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
        raise CallFailed(
            f"no Ollama answers at {server.url}. Start it with: ollama serve",
            outcome="infra",
            kind="connect",
        ) from error
    except httpx.HTTPError as error:
        raise CallFailed(
            f"{at} broke off its answer ({type(error).__name__})", outcome="infra", kind="reset"
        ) from error
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        # The client reads error bodies and stream lines without checking their shape.
        raise _not_spoken(server) from error


def _answered(at: str, model: Model | None, error: ResponseError) -> CallFailed:
    status, said = error.status_code, " ".join(str(error.error).split())[:200]
    if status in (429, 503):
        return CallFailed(f"{at} is busy: {said}", outcome="busy", kind="busy")
    if status == 404 and model is not None:
        return CallFailed(
            f"{at} has no model {model.name!r}. Get it with: ollama pull {model.name}",
            outcome="client",
            kind="model_missing",
        )
    if status == 400 and "context" in said:
        return CallFailed(
            f"the request does not fit the context of {model.name if model else at}: {said}",
            outcome="client",
            kind="context",
            next_model=True,
        )
    if status is not None and 400 <= status < 500:
        return CallFailed(
            f"{at} refused the request with {status}: {said}",
            outcome="client",
            kind="http_4xx",
            retry=False,
            next_model=True,
        )
    if status == -1:
        return CallFailed(
            f"{at} broke off its answer: {said}", outcome="infra", kind="midstream_error"
        )
    return CallFailed(f"{at} answered {status}: {said}", outcome="infra", kind="http_5xx")


def _not_spoken(server: Server) -> CallFailed:
    return CallFailed(
        f"{server.url} does not speak Ollama's protocol", outcome="infra", kind="protocol"
    )


def _too_late(call: Call, heard: bool, *, is_over: bool) -> CallFailed:
    at = f"{call.model.name} on Ollama at {call.server.url}"
    if is_over:
        # A server that was at work when our time ended has done nothing wrong.
        return CallFailed(
            f"{at} was not done with its answer in time. A smaller model or a longer limit "
            "(ollama.timeout_s) helps.",
            outcome="cancelled" if heard else "timeout",
            kind="deadline",
            retry=False,
        )
    if heard:
        return CallFailed(
            f"{at} fell silent for {call.idle_s:.0f} s", outcome="timeout", kind="idle_timeout"
        )
    return CallFailed(
        f"{at} did not begin its answer in time", outcome="timeout", kind="first_chunk_timeout"
    )


PROVIDER = OllamaProvider()
