"""How a test, another process or a person at a shell tells the fake server what to do."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import ollama
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agents.writer import ANSWER_SCHEMA
from bookai.testing.fake_ollama import LLAMA, MISTRAL, Config, FakeModel, FakeOllama
from bookai.testing.fake_ollama.__main__ import main
from bookai.testing.fake_ollama.content import dice, instance

ASK = [{"role": "user", "content": "Say something."}]


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(Config(time_scale=0.001)) as server:
        yield server


@pytest.fixture
async def http(fake: FakeOllama) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fake.url, trust_env=False, timeout=5) as client:
        yield client


async def said(url: str, text: str = "Say something.") -> str:
    async with ollama.AsyncClient(url, timeout=5, trust_env=False, verify=False) as client:
        reply = await client.chat(LLAMA.name, [{"role": "user", "content": text}])
    return reply.message.content or ""


async def test_it_answers_what_it_is_told_and_then_the_last_for_ever(fake: FakeOllama) -> None:
    fake.say("one", {"two": 2})

    assert [await said(fake.url) for _ in range(3)] == ["one", '{"two": 2}', '{"two": 2}']


async def test_the_same_question_has_the_same_answer_on_every_server(fake: FakeOllama) -> None:
    async with FakeOllama(Config(time_scale=0.001)) as twin:
        first, second, other = [
            await said(fake.url, "a"),
            await said(twin.url, "a"),
            await said(twin.url, "b"),
        ]

    assert first == second != other


async def test_another_seed_says_something_else(fake: FakeOllama) -> None:
    async with FakeOllama(Config(time_scale=0.001, seed=1)) as other:
        assert await said(other.url) != await said(fake.url)


async def test_a_test_reads_what_was_asked(fake: FakeOllama) -> None:
    await said(fake.url, "rain")

    (call,) = fake.calls
    assert call.body["messages"] == [{"role": "user", "content": "rain"}]
    assert "ollama-python" in call.headers["user-agent"]
    assert (call.status, call.fault, call.left) == (200, None, False)
    assert call.tokens_in > 0
    assert call.tokens_out > 0


async def test_another_process_controls_it_over_http(
    fake: FakeOllama, http: httpx.AsyncClient
) -> None:
    await http.post("/__fake/answers", json=["told"])
    await http.post("/__fake/script", json=["http_500", None])
    await http.post("/__fake/config", json={"num_parallel": 4, "chances": {"hang": 0.0}})

    failed = await http.post("/api/chat", json={"model": LLAMA.name, "messages": ASK})
    answered = await said(fake.url)

    assert (failed.status_code, answered, fake.config.num_parallel) == (500, "told", 4)
    stats = (await http.get("/__fake/stats")).json()
    assert (stats["requests"], stats["faults"]) == (2, {"http_500": 1})
    assert stats["loaded"] == {LLAMA.name: 4096}


async def test_it_is_controlled_while_it_is_down(http: httpx.AsyncClient) -> None:
    await http.post("/__fake/config", json={"down": True})
    with pytest.raises(httpx.ReadError):
        await http.get("/api/version")
    await http.post("/__fake/config", json={"down": False})

    assert (await http.get("/api/version")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/__fake/script", ["no_such_fault"]),
        ("/__fake/config", {"no_such_setting": 1}),
        ("/__fake/config", {"chances": {"no_such_fault": 1}}),
        ("/__fake/config", 7),
    ],
)
async def test_what_it_does_not_know_is_refused(
    http: httpx.AsyncClient, path: str, body: object
) -> None:
    assert (await http.post(path, json=body)).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"options": 3}', b'{"stream": "maybe"}'])
async def test_a_request_that_is_none_is_a_400(http: httpx.AsyncClient, body: bytes) -> None:
    assert (await http.post("/api/chat", content=body)).status_code == 400


async def test_a_model_of_the_library_can_be_pulled(fake: FakeOllama) -> None:
    fake.config.library = (FakeModel("phi4:14b"),)
    async with ollama.AsyncClient(fake.url, timeout=5, trust_env=False, verify=False) as client:
        steps = [step.status async for step in await client.pull("phi4:14b", stream=True)]
        names = [entry.model for entry in (await client.list()).models]
        with pytest.raises(ollama.ResponseError, match="file does not exist"):
            await client.pull("nobody:1b")

    assert (steps[0], steps[-1]) == ("pulling manifest", "success")
    assert "phi4:14b" in names


async def test_texts_are_embedded_the_same_each_time(fake: FakeOllama) -> None:
    async with ollama.AsyncClient(fake.url, timeout=5, trust_env=False, verify=False) as client:
        first = await client.embed(MISTRAL.name, ["rain", "sun"])
        again = await client.embed(MISTRAL.name, "rain")

    assert first.embeddings[0] == again.embeddings[0] != first.embeddings[1]
    assert abs(sum(x * x for x in first.embeddings[0]) - 1) < 1e-6


async def test_connections_are_kept_between_requests(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await http.get("/api/version")
    streams = [(await http.get("/api/tags")).extensions["network_stream"] for _ in range(2)]

    ports = {stream.get_extra_info("client_addr")[1] for stream in streams}
    assert len(ports) == 1


SCHEMAS = (
    ANSWER_SCHEMA,
    {"type": "integer", "exclusiveMinimum": 3, "maximum": 5},
    {"type": "number", "minimum": -2, "exclusiveMaximum": -1},
    {"anyOf": [{"type": "null"}, {"enum": ["a", 1]}, {"const": {"x": []}}]},
    {"allOf": [{"properties": {"a": {"type": "boolean"}}}, {"properties": {"b": {}}}]},
    {"type": ["string", "null"], "minLength": 40, "maxLength": 41},
    {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}},
    {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    },
)


@settings(max_examples=200, deadline=None)
@given(schema=st.sampled_from(SCHEMAS), seed=st.integers(0, 10_000))
def test_what_it_makes_up_fits_the_schema(schema: dict[str, object], seed: int) -> None:
    made = instance(schema, dice(seed))

    Draft202012Validator(schema).validate(json.loads(json.dumps(made)))


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bookai.testing.fake_ollama", "--port", "0", "--servers", "2"]
    options = ["--time-scale", "0.001", "--config", '{"num_parallel": 3}']
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


async def test_a_shell_starts_several_at_once(shell: subprocess.Popen[str]) -> None:
    assert shell.stdout
    urls = [(await asyncio.to_thread(shell.stdout.readline)).strip() for _ in range(2)]

    assert await said(urls[0]) != await said(urls[1])


def test_a_setting_that_nothing_has_is_refused_at_the_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["--config", '{"nope": 1}'])

    assert code == 1
    assert "error: there is no setting 'nope'" in capsys.readouterr().err
