"""What our code relies on in Ollama's protocol, asked by the real client.

The same checks run against a real server with `make test-ollama`: they say whether the fake one
still tells the truth.
"""

import asyncio
import json

import httpx
import ollama
import pytest
from pydantic import BaseModel

from tests.bookai.llm.fake.conftest import Server, model_without, skills

MESSAGES = [{"role": "user", "content": "Describe a book about rain in one JSON object."}]
SHORT = {"num_predict": 24, "num_ctx": 4096, "temperature": 0, "seed": 1}
WHOLE = SHORT | {"num_predict": 400}
LONG_PROMPT = "rain " * 8000


class Book(BaseModel):
    title: str
    pages: int
    tags: list[str]


def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where
    """
    return city


async def refused(call: object) -> ollama.ResponseError:
    with pytest.raises(ollama.ResponseError) as caught:
        await call  # type: ignore[misc]  # the client's calls are typed as overloads
    return caught.value


async def test_it_says_that_it_runs_and_its_version(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        root, version = await http.get("/"), await http.get("/api/version")

    assert root.text == "Ollama is running"
    assert version.json()["version"]


async def test_it_lists_the_models_it_has(server: Server) -> None:
    entries = (await server.client.list()).models

    (entry,) = (entry for entry in entries if entry.model == server.model)
    assert entry.size
    assert entry.details
    assert entry.details.quantization_level


async def test_a_chat_without_messages_loads_the_model(server: Server) -> None:
    reply = await server.client.chat(server.model, [], options={"num_ctx": 4096})

    assert (reply.done, reply.done_reason) == (True, "load")


async def test_ps_shows_the_loaded_model_with_its_context(server: Server) -> None:
    await server.client.chat(server.model, [], options={"num_ctx": 4096})

    loaded = {entry.model: entry.context_length for entry in (await server.client.ps()).models}

    assert loaded[server.model] == 4096


async def test_show_tells_what_a_model_can_do(server: Server) -> None:
    assert "completion" in await skills(server, server.model)


async def test_a_whole_reply_carries_its_counts_and_durations(server: Server) -> None:
    reply = await server.client.chat(server.model, MESSAGES, options=SHORT)

    assert reply.done
    assert reply.prompt_eval_count
    assert reply.eval_count
    assert reply.total_duration
    assert reply.load_duration is not None


async def test_a_stream_says_the_same_as_a_whole_reply(server: Server) -> None:
    whole = await server.client.chat(server.model, MESSAGES, options=SHORT)
    parts = [
        part
        async for part in await server.client.chat(
            server.model, MESSAGES, options=SHORT, stream=True
        )
    ]

    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert "".join(part.message.content or "" for part in parts) == whole.message.content


async def test_generate_streams_too(server: Server) -> None:
    parts = [
        part
        async for part in await server.client.generate(
            server.model, "Say a word.", options=SHORT, stream=True
        )
    ]

    assert "".join(part.response or "" for part in parts)
    assert parts[-1].done_reason in {"stop", "length"}


async def test_a_schema_is_kept(server: Server) -> None:
    reply = await server.client.chat(
        server.model, MESSAGES, format=Book.model_json_schema(), options=WHOLE
    )

    assert Book.model_validate_json(reply.message.content or "").title


async def test_json_mode_answers_an_object(server: Server) -> None:
    reply = await server.client.chat(server.model, MESSAGES, format="json", options=WHOLE)

    assert isinstance(json.loads(reply.message.content or ""), dict)


async def test_a_tool_that_is_offered_may_be_called(server: Server) -> None:
    if "tools" not in await skills(server, server.model):
        pytest.skip(f"{server.model} calls no tools")
    ask = [{"role": "user", "content": "Call the tool: what is the weather in Lisbon?"}]

    reply = await server.client.chat(server.model, ask, tools=[weather], options=WHOLE)

    names = [call.function.name for call in reply.message.tool_calls or ()]
    # A real model may answer in words instead; what it calls is what was offered.
    assert names == ["weather"] if server.fake else set(names) <= {"weather"}


async def test_tools_are_refused_by_a_model_without_them(server: Server) -> None:
    model = await model_without(server, "tools")

    error = await refused(server.client.chat(model, MESSAGES, tools=[weather]))

    assert error.status_code == 400
    assert "does not support tools" in error.error


async def test_a_missing_model_is_a_404_with_its_name(server: Server) -> None:
    error = await refused(server.client.chat("nobody:1b", MESSAGES))

    assert (error.status_code, error.error) == (404, "model 'nobody:1b' not found")


async def test_thinking_is_refused_by_a_model_without_it(server: Server) -> None:
    model = await model_without(server, "thinking")

    error = await refused(server.client.chat(model, MESSAGES, think=True))

    assert error.status_code == 400
    assert "does not support thinking" in error.error


async def test_thinking_comes_in_a_field_of_its_own(server: Server) -> None:
    model = "qwen3:8b" if server.fake else server.model
    if "thinking" not in await skills(server, model):
        pytest.skip(f"{model} doesn't think")

    reply = await server.client.chat(model, MESSAGES, think=True, options=SHORT)

    assert reply.message.thinking
    assert "<think>" not in (reply.message.content or "")


async def test_a_keep_alive_without_a_unit_is_refused(server: Server) -> None:
    error = await refused(server.client.chat(server.model, MESSAGES, keep_alive="-1"))

    assert error.status_code == 400
    assert "missing unit" in error.error


async def test_an_answer_cut_at_num_predict_says_so(server: Server) -> None:
    reply = await server.client.chat(server.model, MESSAGES, options=SHORT | {"num_predict": 3})

    assert (reply.done, reply.done_reason, reply.eval_count) == (True, "length", 3)


async def test_a_prompt_that_is_too_long_is_cut_silently(server: Server) -> None:
    reply = await server.client.generate(server.model, LONG_PROMPT, options=SHORT)

    assert reply.done
    assert reply.prompt_eval_count is not None
    assert reply.prompt_eval_count <= 4096


async def test_truncate_false_refuses_it_instead(server: Server) -> None:
    body = {"model": server.model, "prompt": LONG_PROMPT, "stream": False, "options": SHORT}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=300) as http:
        reply = await http.post("/api/generate", json=body | {"truncate": False, "shift": False})

    assert reply.status_code == 400
    assert "context" in reply.json()["error"]


async def test_another_context_loads_the_model_again(server: Server) -> None:
    for num_ctx in (4096, 2048):
        await server.client.chat(server.model, [], options={"num_ctx": num_ctx})

    loaded = {entry.model: entry.context_length for entry in (await server.client.ps()).models}

    assert loaded[server.model] == 2048
    if server.fake:
        assert (server.fake.stats.loads, server.fake.stats.reloads) == (2, 1)


async def test_a_keep_alive_of_nothing_unloads_the_model(server: Server) -> None:
    await server.client.chat(server.model, [])

    reply = await server.client.chat(server.model, [], keep_alive=0)

    assert (reply.done, reply.done_reason) == (True, "unload")


async def test_more_requests_than_slots_are_all_answered(server: Server) -> None:
    asks = [[{"role": "user", "content": f"Say {number}."}] for number in range(6)]
    async with asyncio.TaskGroup() as tasks:
        calls = [
            tasks.create_task(server.client.chat(server.model, ask, options=SHORT)) for ask in asks
        ]

    assert [call.result().done for call in calls] == [True] * 6


async def test_a_stream_that_is_left_frees_the_server(server: Server) -> None:
    endless = SHORT | {"num_predict": 2000}
    stream = await server.client.chat(server.model, MESSAGES, options=endless, stream=True)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # typed as an iterator, is a generator

    reply = await server.client.chat(server.model, MESSAGES, options=SHORT)

    assert reply.done
    if server.fake:
        assert server.fake.stats.cancelled == 1
        assert server.fake.stats.tokens_unheard <= 1
