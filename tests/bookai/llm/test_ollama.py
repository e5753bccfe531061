"""The Ollama provider against a real HTTP server with real faults."""

import pytest

from bookai.errors import OperatorNeeded, TryLater
from bookai.llm.base import BadAnswer
from bookai.llm.ollama import OllamaProvider, PromptTooLong, parse_object
from tests.bookai.llm.conftest import MakeRequest
from tests.peers.fake_ollama import FakeOllama, Fault, running

CONTENT = {"title": "Rain in Lisbon", "lines": [{"kind": "hook", "text": "Rain.", "quote": "Rain"}]}


async def test_the_answer_is_the_models_json(make_request: MakeRequest) -> None:
    async with running(FakeOllama(CONTENT)) as server:
        answer = await OllamaProvider(server.host).answer(make_request())

    assert (answer.content, answer.provider, answer.draft_kind) == (CONTENT, "ollama", "model")


async def test_the_schema_is_sent_as_grammar_and_in_the_prompt(make_request: MakeRequest) -> None:
    request = make_request()
    async with running(FakeOllama(CONTENT)) as server:
        await OllamaProvider(server.host, num_ctx=4096).answer(request)

    sent = server.requests[0]
    assert sent["format"] == request.answer_schema
    assert '"additionalProperties":false' in sent["messages"][1]["content"]
    assert sent["options"]["num_ctx"] == 4096
    assert sent["options"]["num_predict"] == request.max_tokens


async def test_no_key_is_sent_to_a_server_of_our_own(
    make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    async with running(FakeOllama(CONTENT)) as server:
        await OllamaProvider(server.host).answer(make_request())

    assert "secret" not in str(server.headers)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("nonsense", BadAnswer),
        ("not_ollama", BadAnswer),
        ("empty", BadAnswer),
        ("truncated", BadAnswer),
        ("length", BadAnswer),
        ("blanks", BadAnswer),
        ("forgetful", PromptTooLong),
        ("busy", TryLater),
        ("crash", TryLater),
        ("html", TryLater),
        ("error_line", TryLater),
        ("reset", TryLater),
        ("missing", OperatorNeeded),
    ],
)
async def test_every_fault_becomes_an_error_of_ours(
    make_request: MakeRequest, fault: Fault, expected: type[Exception]
) -> None:
    request = make_request(prompt="rain " * 300)
    async with running(FakeOllama(CONTENT, faults=(fault,))) as server:
        with pytest.raises(expected):
            await OllamaProvider(server.host).answer(request)


async def test_a_server_that_hangs_is_left_at_the_time_limit(make_request: MakeRequest) -> None:
    async with running(FakeOllama(CONTENT, faults=("hang",))) as server:
        with pytest.raises(TryLater, match="was not done"):
            await OllamaProvider(server.host, timeout_s=0.2).answer(make_request())


async def test_a_fence_and_thinking_around_the_json_are_dropped(make_request: MakeRequest) -> None:
    async with running(FakeOllama(CONTENT, faults=("fenced",))) as server:
        answer = await OllamaProvider(server.host).answer(make_request())

    assert answer.content == CONTENT


async def test_a_prompt_that_does_not_fit_is_never_sent(make_request: MakeRequest) -> None:
    async with running(FakeOllama(CONTENT)) as server:
        with pytest.raises(PromptTooLong, match="2048"):
            await OllamaProvider(server.host, num_ctx=2048).answer(
                make_request(prompt="word " * 3000)
            )

    assert server.requests == []


async def test_a_server_with_the_model_is_available() -> None:
    async with running(FakeOllama(models=("mistral:7b", "llama3.1:8b"))) as server:
        assert await OllamaProvider(server.host).unavailable() is None


async def test_a_model_without_a_tag_means_the_latest() -> None:
    async with running(FakeOllama(models=("qwen3:latest",))) as server:
        assert await OllamaProvider(server.host, "qwen3").unavailable() is None


async def test_a_missing_model_is_named_with_the_command_that_gets_it() -> None:
    async with running(FakeOllama(models=("mistral:7b",))) as server:
        why = await OllamaProvider(server.host).unavailable()

    assert why is not None
    assert "'llama3.1:8b'" in why
    assert "ollama pull llama3.1:8b" in why


async def test_no_server_is_said_with_its_address() -> None:
    async with running(FakeOllama()) as server:
        gone = server.host

    why = await OllamaProvider(gone).unavailable()

    assert why is not None
    assert gone in why


async def test_a_server_that_says_nothing_is_unavailable_within_two_seconds() -> None:
    async with running(FakeOllama(tags_hang=True)) as server:
        why = await OllamaProvider(server.host).unavailable()

    assert why is not None
    assert "does not answer" in why


def test_a_cut_json_is_never_completed() -> None:
    with pytest.raises(BadAnswer):
        parse_object('{"title": "Rain", "lines": [{"kind": "hook"')
