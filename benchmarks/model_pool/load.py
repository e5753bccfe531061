"""The load of `llm_pool.py`: fifty scripts, eleven kinds of fault, one server down, one hanging.

Imports nothing of the studio, so that a rival's own environment can run it.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

import httpx
from pydantic import BaseModel

CHAIN = ("llama3.1:8b", "mistral:7b")
NUM_CTX, MAX_TOKENS = 8192, 512
SLOTS, TOKENS_PER_S = 4, 60
DEADLINE_S, ATTEMPT_S = 30.0, 10.0
FAULTS = {
    "midstream_reset": 0.01,
    "http_500": 0.01,
    "hang": 0.003,
    "truncated_json": 0.01,
    "invalid_json": 0.01,
    "no_done": 0.005,
    "fenced_json": 0.02,
    "schema_violation": 0.01,
    "midstream_stall": 0.005,
    "empty_content": 0.005,
    "http_503_busy": 0.01,
}


class Book(BaseModel):
    """What every call asks for."""

    title: str
    pages: int
    tags: list[str]


SCHEMA = Book.model_json_schema()


class Client(Protocol):
    """What is measured. `ask` returns a valid object or raises."""

    async def __aenter__(self) -> "Client": ...
    async def __aexit__(self, *error: object) -> None: ...
    async def ask(self, text: str) -> Book: ...


@dataclass
class Result:
    """What a client did; seconds."""

    name: str
    latencies_s: list[float] = field(default_factory=list)
    valid: int = 0
    cpu_s: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)  # what the client counted itself

    @property
    def calls(self) -> int:
        return len(self.latencies_s)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def as_json(self) -> str:
        return json.dumps(asdict(self))


async def tell(url: str, what: str, body: object) -> None:
    """Tell a fake server something."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        (await http.post(f"{url}/__fake/{what}", json=body)).raise_for_status()


async def control(url: str, **changes: object) -> None:
    """Change settings of a fake server."""
    await tell(url, "config", changes)


async def counted(url: str) -> dict[str, int]:
    """Return the statistics of a fake server."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        told: dict[str, int] = (await http.get(f"{url}/__fake/stats")).json()
    return told


async def warm_up(urls: Sequence[str], models: Sequence[str], shift: bool) -> None:
    """Load the models everywhere, with the context and the `shift` that the client will ask for."""

    async def load(http: httpx.AsyncClient, url: str) -> None:
        for model in models:
            body = {"model": model, "messages": [], "keep_alive": -1, "stream": False}
            options = {"shift": shift, "options": {"num_ctx": NUM_CTX}}
            (await http.post(f"{url}/api/chat", json=body | options)).raise_for_status()

    async with (
        httpx.AsyncClient(trust_env=False, verify=False, timeout=120) as http,
        asyncio.TaskGroup() as all_,
    ):
        for url in urls:
            await control(url, time_scale=0.01)
            all_.create_task(load(http, url))
    for url in urls:
        await control(url, time_scale=1.0)


async def trouble(urls: Sequence[str], seconds: float) -> None:
    """Take the first server down for a fifth of the run and let the second hang for 15 %."""
    await asyncio.sleep(seconds * 0.25)
    await control(urls[0], down=True)
    await asyncio.sleep(seconds * 0.20)
    await control(urls[0], down=False)
    await asyncio.sleep(seconds * 0.15)
    await control(urls[1], chances={"hang": 1.0})
    await asyncio.sleep(seconds * 0.15)
    await control(urls[1], chances=FAULTS)


async def run(
    name: str, client: Client, urls: Sequence[str], *, seconds: float, scripts: int, think_s: float
) -> Result:
    """Let `scripts` ask one after the other, thinking in between, for `seconds`."""
    result, errors = Result(name), Counter[str]()
    rng = random.Random(7)
    for url in urls:
        await control(url, chances=FAULTS)
    stop = time.monotonic() + seconds

    async def one(text: str) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE_S):
                assert isinstance(await client.ask(text), Book)
            result.valid += 1
        except Exception as error:  # noqa: BLE001  # whatever it is, the script got no object
            errors[f"{type(error).__name__}: {' '.join(str(error).split())[:70]}"] += 1
        result.latencies_s.append(time.monotonic() - started)

    async def script(number: int) -> None:
        await asyncio.sleep(rng.random() * think_s)
        asked = 0
        while time.monotonic() < stop:
            asked += 1
            await one(f"book {number}-{asked}")
            await asyncio.sleep(
                min(rng.expovariate(1 / think_s), max(0.0, stop - time.monotonic()))
            )

    begun = time.process_time()
    async with asyncio.TaskGroup() as group:
        group.create_task(trouble(urls, seconds))
        for number in range(scripts):
            group.create_task(script(number))
    result.cpu_s = time.process_time() - begun
    result.errors = dict(errors.most_common(4))
    return result
