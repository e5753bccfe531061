"""What the real client makes of each fault: without a stream, and with one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import ollama
import pytest
from pydantic import BaseModel

from bookai.testing.fake_ollama import FAULTS, LLAMA, Config, FakeOllama, Fault

MESSAGES = [{"role": "user", "content": "Describe the book as JSON please"}]
# How long the client waits for bytes: not long where the fault keeps it waiting for ever.
READ_LIMIT_S = 5.0
READ_LIMITS_S: dict[str, float] = {
    "hang": 0.2,
    "slow_ttft": 0.2,
    "midstream_stall": 0.2,
    "slow_loris": 0.5,
}
DEADLINE_S = 0.8


class Book(BaseModel):
    title: str
    pages: int
    tags: list[str]


SCHEMA = Book.model_json_schema()


@dataclass(frozen=True)
class Met:
    """What came of a call: an error's class with its status, or the text and whether it is done."""

    error: type[BaseException] | None = None
    status: int | None = None
    done: bool | None = None
    text: str = ""


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(Config(time_scale=0.005, stall_s=200, num_parallel=4)) as server:
        async with ollama.AsyncClient(server.url, trust_env=False, verify=False) as client:
            await client.chat(LLAMA.name, [])
        yield server


async def asked(url: str, *, stream: bool, fault: Fault | None = None) -> Met:
    limit_s = READ_LIMITS_S.get(fault or "", READ_LIMIT_S)
    timeout = httpx.Timeout(limit_s, connect=1)
    parts: list[ollama.ChatResponse] = []
    async with ollama.AsyncClient(url, timeout=timeout, trust_env=False, verify=False) as client:
        try:
            async with asyncio.timeout(DEADLINE_S if fault == "slow_loris" else 10):
                if stream:
                    async for part in await client.chat(
                        LLAMA.name, MESSAGES, format=SCHEMA, stream=True
                    ):
                        parts.append(part)
                else:
                    parts.append(await client.chat(LLAMA.name, MESSAGES, format=SCHEMA))
        except Exception as error:  # noqa: BLE001 - the test is about which one it is
            return Met(type(error), getattr(error, "status_code", None))
    return Met(None, None, parts[-1].done, "".join(part.message.content or "" for part in parts))


RESET = Met(httpx.ReadError)
SILENT = Met(httpx.ReadTimeout)
CRASHED = Met(ollama.ResponseError, 500)
# Each fault: what a call without a stream meets, and one with it.
ERRORS: dict[Fault, tuple[Met, Met]] = {
    "conn_reset": (RESET, RESET),
    "hang": (SILENT, SILENT),
    "http_500": (CRASHED, CRASHED),
    "runner_crash": (CRASHED, CRASHED),
    "http_503_busy": (Met(ollama.ResponseError, 503), Met(ollama.ResponseError, 503)),
    "http_429": (Met(ollama.ResponseError, 429), Met(ollama.ResponseError, 429)),
    "html_502": (Met(ollama.ResponseError, 502), Met(ollama.ResponseError, 502)),
    # The client looks for "error" in what is no object.
    "json_string_error": (Met(AttributeError), Met(AttributeError)),
    "slow_ttft": (SILENT, SILENT),
    # Bytes come all the time: no read ever times out, only a deadline helps.
    "slow_loris": (Met(TimeoutError), Met(TimeoutError)),
    "midstream_reset": (RESET, RESET),
    "midstream_error": (CRASHED, Met(ollama.ResponseError, -1)),
    "midstream_stall": (SILENT, SILENT),
    "garbage_line": (Met(json.JSONDecodeError), Met(json.JSONDecodeError)),
}
# Faults that the client takes for answers, and what is then wrong with the text.
ACCEPTED: dict[Fault, Callable[[Met], bool]] = {
    "unload_all": lambda met: met.done is True and is_book(met.text),
    "no_done": lambda met: met.done is False and not is_json(met.text),
    "invalid_json": lambda met: met.text.startswith("Sure!") and not is_json(met.text),
    "truncated_json": lambda met: met.done is True and not is_json(met.text),
    "schema_violation": lambda met: is_json(met.text) and not is_book(met.text),
    "fenced_json": lambda met: met.text.startswith("```json") and is_book(met.text[8:-4]),
    "whitespace_flood": lambda met: met.text.strip() == "{" and len(met.text) > 1000,
    "empty_content": lambda met: met.done is True and met.text == "",
    "think_leak": lambda met: is_book(met.text.partition("</think>")[2]),
}


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def is_book(text: str) -> bool:
    try:
        Book.model_validate_json(text)
    except ValueError:
        return False
    return True


def test_every_fault_has_its_line_in_the_tables() -> None:
    assert set(ERRORS) | set(ACCEPTED) == set(FAULTS)
    assert len(FAULTS) == 23


@pytest.mark.parametrize("fault", ERRORS)
async def test_a_fault_that_breaks_the_call_is_met_as_this_error(
    fake: FakeOllama, fault: Fault
) -> None:
    fake.fail(fault, fault)

    met = [await asked(fake.url, stream=stream, fault=fault) for stream in (False, True)]

    assert tuple(met) == ERRORS[fault]
    assert fake.stats.faults == {fault: 2}


@pytest.mark.parametrize("fault", ACCEPTED)
async def test_a_fault_that_the_client_does_not_see_is_in_the_text(
    fake: FakeOllama, fault: Fault
) -> None:
    fake.fail(fault, fault)

    whole, streamed = [await asked(fake.url, stream=stream) for stream in (False, True)]

    assert whole.error is None
    assert ACCEPTED[fault](whole), repr(whole.text[:80])
    assert whole == streamed


async def test_a_request_after_the_fault_is_answered(fake: FakeOllama) -> None:
    fake.fail("midstream_reset", None)

    broken, sound = [await asked(fake.url, stream=True) for _ in range(2)]

    assert broken == RESET
    assert is_book(sound.text)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [(False, Met(ConnectionError)), (True, Met(httpx.ConnectError))],
)
async def test_a_closed_port_is_two_different_errors(stream: bool, expected: Met) -> None:
    async with FakeOllama() as gone:
        url = gone.url

    assert await asked(url, stream=stream) == expected


async def test_a_server_that_is_down_resets_every_connection(fake: FakeOllama) -> None:
    fake.config.down = True

    assert await asked(fake.url, stream=False) == RESET


async def test_a_silent_server_answers_no_probe_either(fake: FakeOllama) -> None:
    fake.config.silent = True

    async with ollama.AsyncClient(
        fake.url, timeout=READ_LIMIT_S, trust_env=False, verify=False
    ) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.list()


async def test_faults_come_by_chance_when_nothing_is_scripted(fake: FakeOllama) -> None:
    fake.config.chances = {"http_500": 1.0}

    assert await asked(fake.url, stream=False) == CRASHED
