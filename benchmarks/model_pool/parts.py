"""Two questions of `llm_pool.py` that are no race: model loads, and cancelled calls."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from model_pool.clients import RoundRobin
from model_pool.load import Result, counted, tell
from model_pool.ours import KINDS, Ours

from bookai.testing.fake_ollama import CODELLAMA, LLAMA, MISTRAL

MODELS = (LLAMA.name, CODELLAMA.name, MISTRAL.name)
MIX = (0.6, 0.2, 0.2)
SCRIPTS, THINK_S, LIMIT_S = 12, 4.0, 60.0
CANCELLED, CANCEL_AFTER_S, LOOK_AFTER_S = 16, 1.5, 1.5
LONG_ANSWER = "rain " * 400

Ask = Callable[[int, str], Awaitable[object]]


async def mixed(name: str, ask: Ask, urls: Sequence[str], seconds: float, scale: float) -> Result:
    """Ask three models in a mix, for `seconds`; `told` has the loads of all servers."""
    result, rng = Result(name), random.Random(3)
    stop = time.monotonic() + seconds

    async def script(number: int) -> None:
        asked = 0
        while time.monotonic() < stop:
            asked += 1
            kind = rng.choices(range(len(MODELS)), MIX)[0]
            started = time.monotonic()
            with suppress(Exception):
                async with asyncio.timeout(LIMIT_S * scale):
                    await ask(kind, f"book {number}-{asked}")
                result.valid += 1
            result.latencies_s.append((time.monotonic() - started) / scale)
            await asyncio.sleep(rng.expovariate(1 / (THINK_S * scale)))

    async with asyncio.TaskGroup() as group:
        for number in range(SCRIPTS):
            group.create_task(script(number))
    result.told = {"loads": sum([(await counted(url))["loads"] for url in urls])}
    return result


async def affinity(urls: Sequence[str], ours: bool, seconds: float, scale: float) -> Result:
    """Four servers that hold one model each, three models asked for."""
    if ours:
        async with Ours(urls, MODELS, slots=2, max_loaded=1, apart=True) as pool:
            return await mixed(
                "the pool", lambda kind, text: pool.ask(text, KINDS[kind]), urls, seconds, scale
            )
    async with RoundRobin(urls, LIMIT_S * scale) as turns:
        return await mixed(
            "round robin",
            lambda kind, text: turns.ask_model(MODELS[kind], text),
            urls,
            seconds,
            scale,
        )


async def cancelled(urls: Sequence[str]) -> tuple[float, float]:
    """Return the tokens that long answers had when they were cancelled, and got afterwards."""
    for url in urls:
        await tell(url, "answers", [LONG_ANSWER])
    async with Ours(urls) as pool:
        calls = [asyncio.create_task(pool.ask(f"book {n}")) for n in range(CANCELLED)]
        await asyncio.sleep(CANCEL_AFTER_S)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        before = await _tokens(urls)
        await asyncio.sleep(LOOK_AFTER_S)
        after = await _tokens(urls)
    return before / CANCELLED, (after - before) / CANCELLED


async def _tokens(urls: Sequence[str]) -> int:
    return sum([(await counted(url))["tokens"] for url in urls])
