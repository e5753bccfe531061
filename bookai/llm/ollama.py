"""Models on an Ollama server, asked for JSON that fits a schema.

What the client does not do is done here: a time limit, the check that the answer is complete, and
that the prompt fits. A prompt that is too long is cut from the front by the server, silently.
"""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from ollama import AsyncClient, ChatResponse, ResponseError

from bookai.errors import BookAIError, OperatorNeeded, TryLater
from bookai.llm.base import Answerer, BadAnswer, ModelAnswer, ModelRequest

T = TypeVar("T")

DEFAULT_HOST = "http://127.0.0.1:11434"
DEFAULT_MODEL = "llama3.1:8b"
CONNECT_LIMIT_S = 1.0
PROBE_LIMIT_S = 1.8
CHARS_PER_TOKEN = 3.5
# A model that fell into a loop of blanks would go on until its context is full.
MAX_BLANKS = 128
MAX_ANSWER_CHARS = 60_000

_THINKING = re.compile(r"^\s*<think>.*?</think>\s*", re.DOTALL)
_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


class PromptTooLong(ValueError):
    """The prompt and its answer do not fit the model's context."""


class OllamaProvider(Answerer):
    """One model on one server.

    `num_ctx` is the context in tokens, the same for every request: another value would make the
    server load the model again. `timeout_s` limits one whole answer.
    """

    name = "ollama"

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        model: str = DEFAULT_MODEL,
        num_ctx: int = 8192,
        timeout_s: float = 120.0,
    ) -> None:
        self.host = host
        self.model = model
        self.num_ctx = num_ctx
        self.timeout_s = timeout_s

    async def unavailable(self) -> str | None:
        """Return why this model can't be asked: no server, or the server has not got it."""
        try:
            async with asyncio.timeout(PROBE_LIMIT_S), self._client() as client:
                listed = await _answered(client.list, self.host)
        except TimeoutError:
            return f"Ollama at {self.host} does not answer within {PROBE_LIMIT_S} s"
        except BookAIError as error:
            return str(error)
        names = {str(entry.model) for entry in listed.models}
        if names & {self.model, f"{self.model}:latest"}:
            return None
        return (
            f"Ollama at {self.host} has no model {self.model!r}. Get it with: "
            f"ollama pull {self.model}"
        )

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; `answer_schema` goes into the grammar and into the prompt.

        Raises:
            TryLater: the server is gone, busy or too slow.
            OperatorNeeded: the model is not there.
            BadAnswer: the answer is empty, cut off or no JSON object.
            PromptTooLong: the request does not fit `num_ctx`.
        """
        messages = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": _with_schema(request)},
        ]
        self._check_length(messages, request.max_tokens)
        try:
            async with asyncio.timeout(self.timeout_s), self._client() as client:
                text = await _answered(lambda: self._stream(client, messages, request), self.host)
        except TimeoutError as error:
            raise TryLater(
                f"Ollama at {self.host} was not done with its answer in {self.timeout_s:.0f} s. "
                "A smaller model or a longer limit (ollama.timeout_s) helps."
            ) from error
        return ModelAnswer(
            content=parse_object(text), provider=self.name, model=self.model, draft_kind="model"
        )

    async def _stream(
        self, client: AsyncClient, messages: list[dict[str, str]], request: ModelRequest
    ) -> str:
        chunks: AsyncIterator[ChatResponse] = await client.chat(
            model=self.model,
            messages=messages,
            stream=True,
            format=request.answer_schema,
            options={
                "num_ctx": self.num_ctx,
                "num_predict": request.max_tokens,
                "temperature": request.temperature,
            },
        )
        parts: list[str] = []
        blanks = 0
        last: ChatResponse | None = None
        async for last in chunks:
            part = last.message.content or ""
            parts.append(part)
            blanks = 0 if part.strip() else blanks + len(part)
            if blanks > MAX_BLANKS or sum(map(len, parts)) > MAX_ANSWER_CHARS:
                raise BadAnswer("the model went on without end")
        self._check_complete(last, messages)
        text = "".join(parts)
        if not text.strip():
            raise BadAnswer("the answer was empty")
        return text

    def _check_complete(self, last: ChatResponse | None, messages: list[dict[str, str]]) -> None:
        if last is None or last.done is not True:
            raise BadAnswer("the answer broke off in the middle")
        if last.done_reason == "length":
            raise BadAnswer("the answer was cut at its length limit; write fewer words")
        read = last.prompt_eval_count
        if read is not None and 0 < read < 0.3 * _tokens(messages):
            raise PromptTooLong(f"the server read only {read} tokens of the prompt")

    def _check_length(self, messages: list[dict[str, str]], max_tokens: int) -> None:
        needed = _tokens(messages) + max_tokens
        if needed > self.num_ctx:
            raise PromptTooLong(
                f"the article needs about {needed} tokens, {self.model} is given {self.num_ctx}"
            )

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncClient]:
        """Open a client that asks no proxy and carries no key to a server of our own."""
        timeout = httpx.Timeout(self.timeout_s, connect=CONNECT_LIMIT_S)
        headers = {"Authorization": "none"}
        async with AsyncClient(
            self.host, timeout=timeout, trust_env=False, headers=headers
        ) as client:
            yield client


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a model's answer; fences and thinking around it are dropped.

    A JSON that was cut off is never completed.

    Raises:
        BadAnswer: there is no whole JSON object.
    """
    bare = _THINKING.sub("", text)
    fenced = _FENCE.match(bare)
    bare = fenced.group(1) if fenced else bare
    begin, end = bare.find("{"), bare.rfind("}")
    for candidate in (bare, bare[begin : end + 1] if 0 <= begin < end else ""):
        try:
            found = json.loads(candidate, strict=False)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    raise BadAnswer(f"the answer was no JSON object but {text[:60]!r}")


def _with_schema(request: ModelRequest) -> str:
    """Return the prompt with the schema: as a grammar alone the model never reads it."""
    schema = json.dumps(request.answer_schema, separators=(",", ":"))
    return f"{request.prompt}\n\nAnswer with one JSON object that fits this schema:\n{schema}"


def _tokens(messages: list[dict[str, str]]) -> int:
    return sum(math.ceil(len(message["content"]) / CHARS_PER_TOKEN) + 4 for message in messages)


async def _answered(call: Callable[[], Awaitable[T]], host: str) -> T:
    """Run a call of the client and turn the errors that leak from it into ours."""
    try:
        return await call()
    except ResponseError as error:
        if error.status_code == 404:
            raise OperatorNeeded(
                f"Ollama at {host} answered: {error.error}.", mend="Get it with: ollama pull MODEL"
            ) from error
        raise TryLater(f"Ollama at {host} answered {error.status_code}: {error.error}") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
        raise TryLater(f"no Ollama answers at {host}. Start it with: ollama serve") from error
    except httpx.HTTPError as error:
        what = str(error) or type(error).__name__
        raise TryLater(f"Ollama at {host} broke off its answer ({what})") from error
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        # The client reads error bodies and stream lines without checking their shape.
        raise BadAnswer(f"{host} does not speak Ollama's protocol") from error


PROVIDER = OllamaProvider()
