"""A real engine: llama.cpp's server with a model of random weights, made by the test itself.

It speaks the protocol as no fake can, and shows why an answer that a grammar held is still
validated. `make engine` installs it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bookai.errors import BookAIError
from bookai.llm.base import Call, CallFailed, Model, Server
from bookai.llm.openai_compatible import OpenAICompatible
from bookai.llm.parsing import NotJson, WrongShape, check_shape, parse_object
from bookai.llm.pool import ModelPool
from bookai.models import Record
from tests.bookai.llm.calls import REQUEST, failure_of, make_call
from tests.peers.tiny_model import write_tiny_model

pytestmark = pytest.mark.engine
CONTEXT = 4096
CALLS = 24
NO_USE = "No model gave a usable answer. openai_compatible/tiny: "
BOOK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 12},
        "pages": {"type": "integer", "minimum": 1, "maximum": 999},
        "kind": {"enum": ["plan", "draft"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 3},
    },
    "required": ["title", "pages", "kind", "tags"],
    "additionalProperties": False,
}
LONG = {
    "type": "object",
    "properties": {"n": {"type": "array", "items": {"type": "integer"}, "minItems": 900}},
    "required": ["n"],
    "additionalProperties": False,
}


class Said(Record):
    """An answer, as text."""

    text: str


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running llama.cpp server."""
    xllamacpp = pytest.importorskip("xllamacpp", reason="no engine here: make engine")
    gguf = pytest.importorskip("gguf", reason="nothing writes a model here: make engine")
    path: Path = tmp_path_factory.mktemp("engine") / "tiny.gguf"
    write_tiny_model(path, gguf, context=CONTEXT)
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(path)
    wanted.model_alias = {"tiny"}
    wanted.n_ctx, wanted.n_parallel = 2 * CONTEXT, 2
    wanted.cpuparams.n_threads = 1
    wanted.hostnames, wanted.port = ["127.0.0.1"], 0
    wanted.warmup = wanted.fit_params = wanted.ui = wanted.ctx_shift = False
    wanted.offline = wanted.endpoint_slots = True
    wanted.verbosity = -1
    server = xllamacpp.Server(wanted)
    yield str(server.listening_address)
    del server


@pytest.fixture
async def provider() -> AsyncIterator[OpenAICompatible]:
    opened = OpenAICompatible({})
    yield opened
    await opened.close()


@pytest.fixture
def server(engine: str) -> Server:
    return Server("engine", "openai_compatible", f"{engine}/v1", slots=2)


def ask(server: Server, prompt: str, schema: dict[str, Any], max_tokens: int = 300) -> Call:
    changes = {"prompt": prompt, "answer_schema": schema, "temperature": 1.0}
    request = REQUEST.model_copy(update={**changes, "max_tokens": max_tokens})
    return make_call(server, "tiny", request=request, seconds=60.0, silence_s=60.0)


async def busy_slots(engine: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        found = (await client.get(f"{engine}/slots")).json()
    return sum(slot["is_processing"] for slot in found)


async def test_the_engine_tells_its_model(provider: OpenAICompatible, server: Server) -> None:
    sight = await provider.look(server)

    assert sight.models == {"tiny"}


async def test_what_a_grammar_held_is_valid_or_refused(
    provider: OpenAICompatible, server: Server
) -> None:
    """Random weights write bytes that are no text: the server gives up, or says too much."""
    found: Counter[str] = Counter()

    async def one(number: int) -> None:
        try:
            reply = await provider.reply(ask(server, f"Book {number}?", BOOK))
        except CallFailed as error:
            found[error.outcome] += 1
        else:
            found["cut" if reply.finish == "length" else _judged(reply.text)] += 1

    async with asyncio.TaskGroup() as group:
        for number in range(CALLS):
            group.create_task(one(number))

    assert set(found) <= {"valid", "cut", "quality", "NotJson", "WrongShape"}
    assert found["valid"] > 0
    assert found.total() == CALLS


async def test_the_pool_gives_out_what_is_valid_or_one_clear_error(
    provider: OpenAICompatible, server: Server
) -> None:
    ref = "openai_compatible/tiny"
    request = REQUEST.model_copy(update={"answer_schema": BOOK, "max_tokens": 300})
    pool = ModelPool(
        {provider.name: provider}, (server,), {ref: Model(ref, CONTEXT)}, {"creative": (ref,)}
    )
    found: Counter[str] = Counter()

    async def one(number: int) -> None:
        asked = request.model_copy(update={"prompt": f"Book {number}?", "temperature": 1.0})
        try:
            answer = await pool.ask(asked, lambda answer: Said(text=json.dumps(answer.content)))
        except BookAIError as error:
            found["one line" if error.args[0].startswith(NO_USE) else str(error)] += 1
        else:
            check_shape(json.loads(answer.value.text), BOOK)
            found["valid"] += 1

    async with pool, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(one(number))

    assert set(found) <= {"valid", "one line"}
    assert found.total() == 8


def _judged(text: str) -> str:
    try:
        check_shape(parse_object(text).content, BOOK)
    except (NotJson, WrongShape) as error:
        return type(error).__name__
    return "valid"


async def test_an_answer_longer_than_its_limit_is_told_as_cut(
    provider: OpenAICompatible, server: Server
) -> None:
    reply = await provider.reply(ask(server, "Count.", LONG, max_tokens=20))

    assert (reply.finish, reply.output_tokens) == ("length", 20)


async def test_a_prompt_that_does_not_fit_is_turned_down_and_not_cut(
    provider: OpenAICompatible, server: Server
) -> None:
    error = await failure_of(provider, ask(server, "rain " * CONTEXT, BOOK))

    assert (error.outcome, error.kind, error.next_model) == ("client", "context", True)


async def test_the_engine_stops_when_its_caller_leaves(
    provider: OpenAICompatible, server: Server, engine: str
) -> None:
    begun = asyncio.Event()
    request = REQUEST.model_copy(update={"answer_schema": LONG, "max_tokens": 3800})
    call = make_call(server, "tiny", request=request, seconds=60.0, heard=lambda piece: begun.set())
    asking = asyncio.create_task(provider.reply(call))
    await begun.wait()
    at_work = await busy_slots(engine)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert at_work == 1
    async with asyncio.timeout(10):
        while await busy_slots(engine):
            pass
