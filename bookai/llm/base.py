"""What a model provider file exports, and what is asked of it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from bookai.errors import BookAIError
from bookai.metrics.labels import ErrorKind as ErrorKind
from bookai.models import Article, Fallback, Record
from bookai.router import Outcome as Outcome

R = TypeVar("R")

ContentType = Literal["creative", "technical", "short_copy", "translation", "judge"]
"""What kind of answer is wanted; settings name the models for each, best first."""


class ModelRequest(Record):
    """One question. `article` is the material itself, for providers that need no prompt.

    `content` chooses the models that are asked; `prompt_version` names the prompt in the audit log.

    `answer_schema` is the JSON schema the answer must fit; `task` lets a provider without a model
    say which kinds of question it can meet. `seconds` is the wanted length of a script.
    """

    task: Literal["write_script"]
    system: str
    prompt: str
    prompt_version: str
    answer_schema: dict[str, Any]
    article: Article | None = None
    content: ContentType = "creative"
    seconds: float = 35.0
    objections: tuple[str, ...] = ()
    max_tokens: int = 1200
    temperature: float = 0.4


class ModelAnswer(BaseModel):
    """The provider's JSON, unjudged; whoever asked validates it."""

    model_config = ConfigDict(frozen=True)

    content: dict[str, Any]
    provider: str
    model: str
    draft_kind: Literal["extractive", "model"]


class Asked(BaseModel, Generic[R]):
    """A validated answer and what had to stand in on the way to it."""

    model_config = ConfigDict(frozen=True)

    value: R
    provider: str
    model: str
    draft_kind: Literal["extractive", "model"]
    fallbacks: tuple[Fallback, ...] = ()


class CallFailed(BookAIError):
    """One attempt at one server failed; the text is for people and holds no secret.

    `outcome` is what the router learns from it. `retry`: another server may do better with the
    same model. `next_model`: no server will do with this one. `after_s` is how long a busy
    server asks to be left alone; `billed` are the tokens in and out that it counted all the same.
    """

    def __init__(  # noqa: PLR0913  # one name for each thing that the pool asks of it
        self,
        message: str,
        *,
        outcome: Outcome,
        kind: ErrorKind,
        retry: bool = True,
        next_model: bool = False,
        after_s: float | None = None,
        billed: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.kind = kind
        self.retry = retry
        self.next_model = next_model
        self.after_s = after_s
        self.billed = billed


@dataclass(frozen=True, slots=True)
class Price:
    """What a token costs, in millionths of a cent: the same number as cents for a million."""

    input_microcents: int
    output_microcents: int

    def of(self, input_tokens: int, output_tokens: int) -> int:
        """Return what a call with so many tokens costs, in microcents."""
        return input_tokens * self.input_microcents + output_tokens * self.output_microcents


@dataclass(frozen=True, slots=True)
class Model:
    """A model as settings describe it; `ref` is provider/name, such as "ollama/llama3.1:8b".

    `num_ctx` is its context in tokens, the same for every call: another value would make an
    Ollama load it again. `max_tokens` limits an answer, `proficiency` (0 to 1) is what is
    expected of it before anything is known. Without a `price` a call costs nothing.
    """

    ref: str
    num_ctx: int = 8192
    max_tokens: int = 1200
    proficiency: float = 0.9
    price: Price | None = None

    @property
    def provider(self) -> str:
        """Return the name of the file in bookai/llm/ that speaks to it."""
        return self.ref.partition("/")[0]

    @property
    def name(self) -> str:
        """Return what its server calls it."""
        return self.ref.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Server:
    """One place that answers; `name` comes from settings and is safe as a metric's label.

    `slots` is how many calls it works on at once, `max_loaded` how many models it keeps in
    memory. `key_env` names the environment variable that holds its key. `bills`: its calls cost
    what the model's price says. `proxy`: it is reached by way of HTTPS_PROXY.
    """

    name: str
    provider: str
    url: str = ""
    slots: int = 1
    max_loaded: int = 3
    key_env: str | None = None
    bills: bool = False
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt: what is said to which model where, and until when (time of the event loop).

    `cold`: the server may have to load the model first. `heard` is told each piece of the answer;
    when an answer is not accepted, the next one begins anew. `first_chunk_s` and `idle_s` limit
    the wait for the first piece and between pieces, where the provider has no limits of its own.
    """

    request: ModelRequest
    messages: tuple[Mapping[str, str], ...]
    model: Model
    server: Server
    until: float
    max_tokens: int
    cold: bool = False
    heard: Callable[[str], None] | None = None
    first_chunk_s: float = 30.0
    idle_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Tokens are None where the server does not count them; times in seconds."""

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_chunk_s: float | None = None
    load_s: float = 0.0
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a server has: models by name, and those in its memory with their context in tokens.

    A context of 0 serves every length: so says a server that does not load models on demand.
    """

    models: frozenset[str]
    loaded: Mapping[str, int]


class Provider(ABC):
    """One way to speak to model servers. It keeps connections, but no opinion of servers.

    `draft_kind` "extractive" says that there is no model behind it: it reads the request itself,
    and its answers are held to no schema but the asker's.
    """

    name: str
    draft_kind: Literal["extractive", "model"] = "model"

    @abstractmethod
    async def look(self, server: Server) -> Sight:
        """Return what the server has, within 2 s.

        Raises:
            CallFailed: it is not up, and why.
        """

    @abstractmethod
    async def reply(self, call: Call) -> Reply:
        """Make one attempt. Cancelled, it hangs up at once, so that the server stops.

        Raises:
            CallFailed: there is no whole answer.
            Refused: the question is not one that can be met, whoever is asked.
        """

    def missing(self, server: Server, model: Model) -> str:
        """Say that a server lacks a model, and how it gets it."""
        return f"{server.name} has no model {model.name!r}"

    async def preload(self, server: Server, model: Model) -> None:
        """Bring a model into the server's memory; where nothing is loaded on demand, do nothing.

        Raises:
            CallFailed: it did not come.
        """
        del server, model

    async def close(self) -> None:
        """Hang up all connections."""
        return None


Validate = Callable[[ModelAnswer], R]
"""Turns a provider's JSON into a record, or raises `ValueError` with what is wrong."""

Ask = Callable[[ModelRequest, Callable[[ModelAnswer], Any]], Awaitable[Asked[Any]]]
"""`await ask(request, validate)`: the pool tries models in order until one validates."""
