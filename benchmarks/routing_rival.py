"""How long litellm's Router takes to pick one of its deployments; no network, no calls.

Run by benchmarks/routing.py with the interpreter of `.venv-bench`, which has litellm and nothing of
the studio. Arguments: numbers of candidates. Prints a JSON line for each strategy and number.
"""

import asyncio
import json
import os
import sys
import time
from importlib.metadata import version
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network when imported

import litellm  # after the environment is set

STRATEGIES = ("simple-shuffle", "least-busy", "latency-based-routing", "usage-based-routing-v2")
# A measurement, and all of them, are ended after so many seconds.
MEASURE_S, ALL_S = 3.0, 240.0
# More are not measured: to tell the router of 1,000 deployments takes ten seconds or so, of 10,000
# more than five minutes.
MOST = 1_000


def deployments(count: int) -> list[dict[str, Any]]:
    return [
        {
            "model_name": "writer",
            "litellm_params": {
                "model": "ollama_chat/llama3.1:8b",
                "api_base": f"http://127.0.0.1:{20_000 + number}",
            },
        }
        for number in range(count)
    ]


async def measure(strategy: str, count: int) -> dict[str, Any]:
    started = time.perf_counter()
    router = litellm.Router(model_list=deployments(count), routing_strategy=strategy)
    made_s = time.perf_counter() - started
    choose = getattr(router, "select", None) or router.async_get_available_deployment
    for _ in range(3):
        await choose(model="writer", request_kwargs={})
    wall_us: list[float] = []
    end = time.perf_counter() + MEASURE_S
    cpu = time.thread_time()
    while time.perf_counter() < end and len(wall_us) < 5_000:
        began = time.perf_counter()
        await choose(model="writer", request_kwargs={})
        wall_us.append((time.perf_counter() - began) * 1e6)
    cpu_us = (time.thread_time() - cpu) * 1e6 / len(wall_us)
    return {
        "strategy": strategy,
        "count": count,
        "made_s": made_s,
        "wall_us": sorted(wall_us),
        "cpu_us": cpu_us,
    }


async def main(counts: list[int]) -> None:
    print(json.dumps({"version": version("litellm")}), flush=True)
    end = time.monotonic() + ALL_S
    default, *others = STRATEGIES
    counts = [count for count in counts if count <= MOST]
    runs = [(default, count) for count in counts]
    runs += [(other, count) for count in counts for other in others]
    for strategy, count in runs:
        if time.monotonic() < end:
            print(json.dumps(await measure(strategy, count)), flush=True)


if __name__ == "__main__":
    asyncio.run(main([int(text) for text in sys.argv[1:]]))
