"""Loads, queues, slots and cancellation of the fake server, seen by the real client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import ollama
import pytest

from bookai.testing.fake_ollama import CODELLAMA, LLAMA, MISTRAL, Config, FakeOllama, Stats

QUICK = 0.005


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(Config(time_scale=QUICK, num_parallel=2, jitter=0.0)) as server:
        yield server


@pytest.fixture
async def client(fake: FakeOllama) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(fake.url, timeout=5, trust_env=False, verify=False) as opened:
        yield opened


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def status(call: Awaitable[object]) -> int:
    try:
        await call
    except ollama.ResponseError as error:
        return error.status_code
    return 200


async def reached(fake: FakeOllama, holds: Callable[[Stats], bool]) -> None:
    async with asyncio.timeout(20):
        await fake.until(holds)


async def all_of(*calls: Awaitable[int]) -> list[int]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(call)) for call in calls]
    return [task.result() for task in tasks]


async def _run(call: Awaitable[int]) -> int:
    return await call


async def test_only_requests_that_wait_for_a_load_are_turned_away(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    fake.config.max_queue = 1
    models = (LLAMA, MISTRAL, CODELLAMA)

    cold = await all_of(*(status(client.chat(model.name, ask("a"))) for model in models))
    warm = await all_of(*(status(client.chat(LLAMA.name, ask(str(n)))) for n in range(8)))

    assert sorted(cold) == [200, 200, 503]
    assert warm == [200] * 8
    assert fake.stats.rejected == 1


async def test_a_stream_has_its_slot_while_others_wait_without_limit(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [])
    fake.fail("midstream_stall", "midstream_stall")
    async with asyncio.TaskGroup() as group:
        stalled = [group.create_task(status(client.chat(LLAMA.name, ask("a")))) for _ in range(2)]
        await reached(fake, lambda stats: stats.in_flight == 2)
        behind = group.create_task(status(client.chat(LLAMA.name, ask("b"))))
        await reached(fake, lambda stats: stats.in_flight == 3)
        await asyncio.wait(stalled, return_when=asyncio.FIRST_COMPLETED)
        was_done = behind.done()

    assert not was_done
    assert behind.result() == 200


async def test_the_model_used_longest_ago_makes_room(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    fake.config.max_loaded = 2
    for model in (LLAMA, MISTRAL, LLAMA, CODELLAMA):
        await client.chat(model.name, [])

    assert set(fake.loaded) == {LLAMA.name, CODELLAMA.name}
    assert (fake.stats.loads, fake.stats.evictions) == (3, 1)


async def test_a_model_goes_when_its_time_is_over(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [], keep_alive="1s")
    await client.chat(MISTRAL.name, [], keep_alive=-1)
    await reached(fake, lambda _: LLAMA.name not in fake.loaded)

    assert set(fake.loaded) == {MISTRAL.name}


async def test_a_client_that_leaves_during_a_load_ends_the_load(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    fake.config.time_scale = 10
    loading = asyncio.create_task(client.chat(LLAMA.name, []))
    await reached(fake, lambda stats: stats.loads == 1)
    loading.cancel()
    with suppress(asyncio.CancelledError):
        await loading
    await reached(fake, lambda stats: stats.loads_aborted == 1)

    assert fake.loaded == {}
    assert fake.stats.in_flight == 0


async def test_a_running_answer_is_waited_for_before_a_reload(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.chat(LLAMA.name, ask("a")))
        await reached(fake, lambda stats: stats.in_flight == 1)
        other = group.create_task(client.chat(LLAMA.name, ask("b"), options={"num_ctx": 8192}))

    assert running.result().done
    assert other.result().done
    assert fake.loaded == {LLAMA.name: 8192}


async def test_a_client_that_leaves_is_seen_at_the_next_token(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [])
    fake.config.time_scale = 0.05
    stream = await client.chat(LLAMA.name, ask("a"), stream=True)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # typed as an iterator, is a generator
    await reached(fake, lambda stats: stats.cancelled == 1)

    assert fake.stats.tokens_unheard <= 1
    assert fake.stats.tokens < 10


async def test_a_server_that_does_not_stop_goes_on_for_nobody(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [])
    fake.config.stops = False
    stream = await client.chat(LLAMA.name, ask("a"), stream=True)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # typed as an iterator, is a generator
    await reached(fake, lambda stats: stats.in_flight == 0)

    assert fake.stats.tokens_unheard > 5


async def test_streams_at_once_slow_each_other_down(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    await client.chat(LLAMA.name, [])
    fake.say("word " * 200)
    fake.config.time_scale = 0.02
    alone = await client.chat(LLAMA.name, ask("a"))
    async with asyncio.TaskGroup() as group:
        pair = [group.create_task(client.chat(LLAMA.name, ask("a"))) for _ in range(2)]

    together = pair[0].result().eval_duration
    assert alone.eval_duration
    assert together
    assert together > 1.2 * alone.eval_duration


async def test_an_old_server_cuts_the_prompt_whatever_it_is_told(
    fake: FakeOllama, client: ollama.AsyncClient
) -> None:
    fake.config.knows_truncate = False
    long = {"model": LLAMA.name, "prompt": "rain " * 8000, "stream": False, "truncate": False}

    reply = await client._request(ollama.GenerateResponse, "POST", "/api/generate", json=long)

    assert reply.prompt_eval_count is not None
    assert reply.prompt_eval_count < 2100
