"""The Ollama provider and the pool over it, against a fake server with the faults of real ones."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import ollama
import pytest

from bookai.errors import TryLater
from bookai.llm.base import Call, CallFailed, ErrorKind, Model, ModelAnswer, Server
from bookai.llm.ollama import FullChatRequest, OllamaProvider
from bookai.llm.pool import ModelPool
from bookai.llm.serving.limits import Limits
from bookai.llm.serving.prompt import messages_of
from bookai.router import Outcome
from bookai.testing.fake_ollama import LLAMA, MISTRAL, Config, FakeModel, FakeOllama, Fault
from tests.bookai.llm.conftest import MakeRequest

CONTENT = {"title": "Rain in Lisbon", "lines": []}
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "lines": {"type": "array"}},
    "required": ["title", "lines"],
}
QUICK = Limits(
    first_chunk_s=0.3, read_s=0.0, idle_s=0.3, look_every_s=0.05, load_guess_s=0.05, load_s=5.0
)
MakeCall = Callable[..., Call]


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(Config(time_scale=0.002, num_parallel=4)) as server:
        server.say(CONTENT)
        yield server


@pytest.fixture
async def provider() -> AsyncIterator[OllamaProvider]:
    provider = OllamaProvider()
    yield provider
    await provider.close()


@pytest.fixture
def make_call(fake: FakeOllama, make_request: MakeRequest) -> MakeCall:
    def make(model: Model | None = None, seconds: float = 5.0, **changes: Any) -> Call:
        request = make_request(answer_schema=SCHEMA, **changes)
        return Call(
            request=request,
            messages=messages_of(request),
            model=model or Model("ollama/llama3.1:8b", num_ctx=4096),
            server=at(fake),
            until=asyncio.get_running_loop().time() + seconds,
            max_tokens=request.max_tokens,
            first_chunk_s=0.3,
            idle_s=0.3,
        )

    return make


def at(fake: FakeOllama, name: str = "gpu1", **changes: Any) -> Server:
    return Server(name, "ollama", fake.url, **({"slots": 4} | changes))


async def test_the_answer_comes_with_its_tokens_and_times(
    provider: OllamaProvider, make_call: MakeCall
) -> None:
    reply = await provider.reply(make_call())

    assert reply.text == '{"title": "Rain in Lisbon", "lines": []}'
    assert reply.input_tokens
    assert reply.output_tokens
    assert reply.first_chunk_s is not None
    assert reply.finish == "stop"


async def test_what_makes_a_server_load_again_or_cut_is_always_said(
    fake: FakeOllama, provider: OllamaProvider, make_call: MakeCall
) -> None:
    call = make_call()
    await provider.reply(call)

    sent = fake.calls[0].body
    assert sent["format"] == SCHEMA
    assert '"required":["title","lines"]' in sent["messages"][1]["content"]
    assert sent["options"] == {
        "num_ctx": 4096,
        "num_predict": call.max_tokens,
        "temperature": call.request.temperature,
    }
    assert (sent["truncate"], sent["shift"], sent["think"]) == (False, False, False)


def test_the_client_still_lacks_what_we_add_to_its_request() -> None:
    # When this fails, the client has learned them: use its own fields instead.
    known = set(ollama._types.ChatRequest.model_fields)

    assert not {"truncate", "shift"} & known
    assert set(FullChatRequest.model_fields) - known == {"truncate", "shift"}


async def test_no_key_is_sent_to_a_server_of_our_own(
    fake: FakeOllama,
    provider: OllamaProvider,
    make_call: MakeCall,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")

    await provider.reply(make_call())

    assert "secret" not in str(fake.calls[0].headers)


@pytest.mark.parametrize(
    ("fault", "outcome", "kind"),
    [
        ("conn_reset", "infra", "reset"),
        ("hang", "timeout", "first_chunk_timeout"),
        ("http_500", "infra", "http_5xx"),
        ("runner_crash", "infra", "http_5xx"),
        ("http_503_busy", "busy", "busy"),
        ("http_429", "busy", "busy"),
        ("html_502", "infra", "http_5xx"),
        ("json_string_error", "infra", "protocol"),
        ("slow_ttft", "timeout", "first_chunk_timeout"),
        ("midstream_reset", "infra", "reset"),
        ("midstream_error", "infra", "midstream_error"),
        ("midstream_stall", "timeout", "idle_timeout"),
        ("garbage_line", "infra", "protocol"),
        ("no_done", "quality", "no_done"),
        ("whitespace_flood", "quality", "blanks"),
        ("empty_content", "quality", "empty"),
    ],
)
async def test_every_fault_has_its_name(
    fake: FakeOllama,
    provider: OllamaProvider,
    make_call: MakeCall,
    fault: Fault,
    outcome: Outcome,
    kind: ErrorKind,
) -> None:
    fake.config.stall_s = 5000.0  # by its clock
    fake.fail(fault)

    with pytest.raises(CallFailed) as caught:
        await provider.reply(make_call())

    assert (caught.value.outcome, caught.value.kind) == (outcome, kind)


async def test_a_server_that_drips_is_left_at_the_end_of_the_time(
    fake: FakeOllama, provider: OllamaProvider, make_call: MakeCall
) -> None:
    fake.fail("slow_loris")
    fake.config.time_scale = 1.0
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(CallFailed) as caught:
        await provider.reply(make_call(seconds=0.5))

    assert caught.value.outcome in ("timeout", "cancelled")
    assert loop.time() - began < 2


async def test_a_missing_model_is_named_with_the_command_that_gets_it(
    provider: OllamaProvider, make_call: MakeCall
) -> None:
    with pytest.raises(CallFailed, match=r"'llama9:1b'.*ollama pull llama9:1b") as caught:
        await provider.reply(make_call(Model("ollama/llama9:1b")))

    assert caught.value.kind == "model_missing"


async def test_a_prompt_that_does_not_fit_is_refused_by_the_server(
    provider: OllamaProvider, make_call: MakeCall
) -> None:
    with pytest.raises(CallFailed) as caught:
        await provider.reply(
            make_call(Model("ollama/llama3.1:8b", num_ctx=512), prompt="a " * 9000)
        )

    assert (caught.value.kind, caught.value.next_model) == ("context", True)


async def test_a_prompt_that_an_old_server_cut_is_noticed(
    fake: FakeOllama, provider: OllamaProvider, make_call: MakeCall
) -> None:
    fake.config.knows_truncate = False

    with pytest.raises(CallFailed) as caught:
        await provider.reply(
            make_call(Model("ollama/llama3.1:8b", num_ctx=512), prompt="a " * 9000)
        )

    assert caught.value.kind == "prompt_truncated"


async def test_what_a_model_thinks_is_left_out(
    provider: OllamaProvider, make_request: MakeRequest
) -> None:
    thinker = FakeModel("qwen3:8b", skills=("completion", "thinking"))
    async with FakeOllama(Config(models=(thinker,), time_scale=0.002)) as server:
        server.say(CONTENT)
        call = Call(
            request=make_request(),
            messages=({"role": "user", "content": "Rain?"},),
            model=Model("ollama/qwen3:8b"),
            server=at(server),
            until=asyncio.get_running_loop().time() + 5,
            max_tokens=200,
        )
        reply = await provider.reply(call)

    assert reply.text.startswith("{")


async def test_a_cancelled_call_stops_the_server(
    fake: FakeOllama, provider: OllamaProvider, make_call: MakeCall
) -> None:
    await provider.preload(at(fake), Model("ollama/llama3.1:8b", num_ctx=4096))
    fake.config.time_scale = 1.0
    begun = asyncio.Event()
    fake.say("a long answer " * 500)
    call = replace(make_call(), heard=lambda _: begun.set())

    async with asyncio.timeout(20):
        task = asyncio.create_task(provider.reply(call))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fake.until(lambda stats: stats.cancelled == 1)

    assert fake.calls[-1].left


async def test_a_look_tells_models_and_what_is_in_memory(
    fake: FakeOllama, provider: OllamaProvider
) -> None:
    await provider.preload(at(fake), Model("ollama/llama3.1:8b", num_ctx=2048))

    sight = await provider.look(at(fake))

    assert {"llama3.1:8b", "mistral:7b"} <= sight.models
    assert sight.loaded == {"llama3.1:8b": 2048}


async def test_a_model_without_a_tag_means_the_latest(provider: OllamaProvider) -> None:
    async with FakeOllama(Config(models=(FakeModel("qwen3:latest"),))) as server:
        sight = await provider.look(at(server))

    assert sight.models == {"qwen3", "qwen3:latest"}


async def test_no_server_is_said_with_its_address(provider: OllamaProvider) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CallFailed, match=f"{url}.*ollama serve") as caught:
            await provider.look(Server("gone", "ollama", url))

    assert caught.value.kind == "connect"


# The pool over it.


def pool_of(*servers: Server, **changes: Any) -> ModelPool:
    refs = ("ollama/llama3.1:8b", "ollama/mistral:7b")
    arguments: dict[str, Any] = {
        "providers": {"ollama": OllamaProvider()},
        "servers": servers,
        "models": {ref: Model(ref, num_ctx=4096) for ref in refs},
        "chains": {"creative": refs, "technical": refs[1:]},
        "limits": QUICK,
    }
    return ModelPool(**(arguments | changes))


def title(answer: ModelAnswer) -> str:
    return str(answer.content["title"])


async def test_a_model_is_loaded_once_for_all_who_wait_for_it(
    fake: FakeOllama, make_request: MakeRequest
) -> None:
    request = make_request(answer_schema=SCHEMA)

    async with pool_of(at(fake)) as pool, asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(pool.ask(request, title)) for _ in range(8)]

    assert {task.result().model for task in tasks} == {"llama3.1:8b"}
    assert (fake.stats.loads, fake.stats.loads_aborted, fake.stats.reloads) == (1, 0, 0)


async def test_who_gives_up_waiting_does_not_stop_the_load(
    fake: FakeOllama, make_request: MakeRequest
) -> None:
    fake.config.time_scale = 0.05
    request = make_request(answer_schema=SCHEMA)

    async with pool_of(at(fake)) as pool, asyncio.timeout(20):
        soon = asyncio.get_running_loop().time() + 0.1
        with pytest.raises(TryLater):
            await pool.ask(request, title, until=soon)
        await fake.until(lambda _: LLAMA.name in fake.loaded)

    assert fake.stats.loads_aborted == 0


async def test_questions_go_to_the_server_that_has_the_model_in_memory(
    fake: FakeOllama, make_request: MakeRequest
) -> None:
    config = Config(time_scale=0.002, num_parallel=4, max_loaded=1)
    async with FakeOllama(config) as other:
        other.say(CONTENT)
        servers = (at(fake, max_loaded=1), at(other, "gpu2", max_loaded=1))
        fake.config.max_loaded = 1
        async with pool_of(*servers) as pool, asyncio.timeout(10):
            for number in range(20):
                kind = "technical" if number % 2 else "creative"
                await pool.ask(make_request(answer_schema=SCHEMA, content=kind), title)

        assert fake.stats.loads + other.stats.loads == 2
        assert {*fake.loaded, *other.loaded} == {LLAMA.name, MISTRAL.name}


async def test_a_server_that_dies_is_left_for_the_other(
    fake: FakeOllama, make_request: MakeRequest
) -> None:
    request = make_request(answer_schema=SCHEMA)
    async with FakeOllama(Config(time_scale=0.002, num_parallel=4)) as other:
        other.say(CONTENT)
        async with pool_of(at(fake), at(other, "gpu2")) as pool, asyncio.timeout(10):
            await pool.ask(request, title)
            fake.config.down = True
            asked = [await pool.ask(request, title) for _ in range(10)]

    assert {one.value for one in asked} == {"Rain in Lisbon"}


async def test_a_missing_model_is_passed_over_with_the_command_that_gets_it(
    make_request: MakeRequest,
) -> None:
    config = Config(models=(MISTRAL,), time_scale=0.002)
    async with FakeOllama(config) as server, pool_of(at(server)) as pool, asyncio.timeout(20):
        server.say(CONTENT)
        asked = await pool.ask(make_request(answer_schema=SCHEMA), title)

    assert (asked.model, asked.fallbacks[0].wanted) == ("mistral:7b", "ollama/llama3.1:8b")
    assert "ollama pull llama3.1:8b" in asked.fallbacks[0].why


@pytest.mark.parametrize("fault", ["truncated_json", "schema_violation", "invalid_json"])
async def test_a_spoiled_answer_is_asked_for_again(
    fake: FakeOllama, make_request: MakeRequest, fault: Fault
) -> None:
    fake.fail(fault)

    async with pool_of(at(fake)) as pool, asyncio.timeout(20):
        asked = await pool.ask(make_request(answer_schema=SCHEMA), title)

    assert asked.fallbacks == ()


@pytest.mark.parametrize("fault", ["fenced_json", "think_leak"])
async def test_what_stands_around_an_answer_is_dropped(
    fake: FakeOllama, make_request: MakeRequest, fault: Fault
) -> None:
    fake.fail(None, fault)  # the first is the load

    async with pool_of(at(fake)) as pool, asyncio.timeout(20):
        asked = await pool.ask(make_request(answer_schema=SCHEMA), title)

    assert asked.value == "Rain in Lisbon"
    assert len(fake.calls) == 2


async def test_no_ollama_at_all_is_one_line(make_request: MakeRequest) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with pool_of(Server("gone", "ollama", url)) as pool:
            with pytest.raises(TryLater) as caught:
                await pool.ask(make_request(), title)

    assert str(caught.value) == f"ollama: no Ollama answers at {url}. Start it with: ollama serve"
