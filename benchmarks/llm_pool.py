"""Fifty scripts at once over four model servers that fail: `make bench`.

Four fake Ollama servers in a process of their own, 4 slots and 60 tokens/s each, under eleven kinds
of fault (about 10 % of the requests), one server down for a fifth of the run, one hanging for 15 %.
Each client is a process of its own with fresh servers and the same load: the bare `ollama` client,
round robin with retries, litellm's Router where `make rivals` set it up, and the pool.

Goals: 99.5 % of the calls end in a valid object, p95 at most 2 s, 10 ms of the client's CPU a call;
at most 5 model loads per 100 calls where each server holds one model of three; and a cancelled call
computes nothing more.
"""

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_pool.clients import Bare, RoundRobin
from model_pool.load import CHAIN, SLOTS, TOKENS_PER_S, Client, Result, run, warm_up
from model_pool.ours import Ours
from model_pool.parts import affinity, cancelled

HERE = Path(__file__).resolve().parent
RIVALS = HERE.parent / ".venv-bench/bin/python"
VALID, P95_S, CPU_MS, LOADS, TOKENS_LEFT = 0.995, 2.0, 10.0, 5.0, 2.0
OURS = "the pool"
CLIENTS = {"bare": "bare client", "round": "round robin, 3 tries", "ours": OURS}


@contextmanager
def servers(count: int, **config: object) -> Iterator[list[str]]:
    """Run fake servers in a process of their own."""
    command = [sys.executable, "-m", "bookai.testing.fake_ollama", "--port", "0"]
    options = ["--servers", str(count), "--config", json.dumps(config)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield [process.stdout.readline().strip() for _ in range(count)]
        finally:
            process.terminate()


def measure(key: str, plan: dict[str, float]) -> Result:
    """Run one client as a child beside fresh servers."""
    settings = {"num_parallel": SLOTS, "tokens_per_chunk": 6, "context_length": 8192}
    with servers(4, **settings) as urls:
        asyncio.run(warm_up(urls, CHAIN, shift=key != "ours"))
        argument = json.dumps(plan | {"urls": urls})
        if key == "litellm":
            command = [str(RIVALS), "-m", "model_pool.rival", argument]
        else:
            command = [
                sys.executable,
                str(HERE / "llm_pool.py"),
                "--client",
                key,
                "--plan",
                argument,
            ]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=600, cwd=HERE
        )
        return Result(**json.loads(ended.stdout.splitlines()[-1]))


async def child(key: str, plan: dict[str, object]) -> None:
    """Be the client `key`, tell the result as JSON."""
    # What stands in for what is in the result; the log would only say it again.
    logging.getLogger("bookai").setLevel(logging.ERROR)
    urls = plan.pop("urls")
    client: Client = {"bare": Bare, "round": RoundRobin, "ours": Ours}[key](urls)
    async with client:
        result = await run(CLIENTS[key], client, urls, **plan)
        result.told = getattr(client, "told", dict)()
    print(result.as_json())


def race(plan: dict[str, float]) -> list[Result]:
    """Measure every client that is there, one after the other."""
    results = []
    for key in ("bare", "round", "litellm", "ours"):
        if key == "litellm" and not RIVALS.exists():
            print("litellm      skipped: make rivals installs it", flush=True)
            continue
        result = measure(key, plan)
        results.append(result)
        tell(result)
    return results


def tell(result: Result) -> None:
    percentiles = [result.percentile(share) for share in (0.5, 0.95, 0.99)]
    print(
        f"{result.name:28}{result.calls:6}{100 * result.valid / result.calls:9.2f}"
        f"{percentiles[0]:8.2f}{percentiles[1]:8.2f}{percentiles[2]:8.2f}"
        f"{1000 * result.cpu_s / result.calls:9.1f}",
        flush=True,
    )
    for what, count in (result.errors | result.told).items():
        print(f"    {count:4} x {what}")


def race_of_loads(seconds: float, scale: float) -> dict[str, float]:
    """Return model loads per 100 calls, of round robin and of the pool."""
    loads = {}
    for ours in (False, True):
        settings = {"num_parallel": 2, "max_loaded": 1, "tokens_per_chunk": 8}
        with servers(4, context_length=8192, time_scale=scale, **settings) as urls:
            result = asyncio.run(affinity(urls, ours, seconds, scale))
        loads[result.name] = 100 * result.told["loads"] / result.calls
        print(
            f"{result.name:28}{result.calls:6}{100 * result.valid / result.calls:9.2f}"
            f"{result.percentile(0.5):8.2f}{result.percentile(0.95):8.2f}"
            f"{loads[result.name]:9.1f} loads per 100 calls",
            flush=True,
        )
    return loads


def stopped() -> tuple[float, float]:
    """Return tokens a call before and after its cancellation."""
    with servers(4, num_parallel=SLOTS) as urls:
        asyncio.run(warm_up(urls, CHAIN, shift=False))
        return asyncio.run(cancelled(urls))


def judge(what: str, got: float, goal: float, at_most: bool = True) -> None:
    met = "met" if (got <= goal if at_most else got >= goal) else "missed"
    print(f"goal {met}: {what} {got:.2f} (goal {goal:g})")


def bench(options: argparse.Namespace) -> None:
    print(f"4 servers, {SLOTS} slots, {TOKENS_PER_S} tokens/s; {options.scripts} scripts")
    print(f"{'':28}{'calls':>6}{'valid %':>9}{'p50 s':>8}{'p95 s':>8}{'p99 s':>8}{'CPU ms':>9}")
    plan = {"seconds": options.seconds, "scripts": options.scripts, "think_s": options.think}
    results = race(plan)
    ours, baseline = results[-1], results[1]
    print("\n4 servers with one model each, three models; seconds of the servers' clock")
    loads = race_of_loads(options.load_seconds, options.scale)
    before, after = stopped()
    print(f"\ncancelled calls: {before:.1f} tokens each until then, {after:.2f} afterwards\n")
    ratio = baseline.percentile(0.95) / ours.percentile(0.95)
    print(f"p95 {ratio:.2f} times shorter than round robin")
    print(f"loads {loads['round robin'] / loads[OURS]:.1f} times fewer than round robin")
    judge("valid objects, %", 100 * ours.valid / ours.calls, 100 * VALID, at_most=False)
    judge("p95, s", ours.percentile(0.95), P95_S)
    judge("client CPU, ms a call", 1000 * ours.cpu_s / ours.calls, CPU_MS)
    judge("loads per 100 calls", loads[OURS], LOADS)
    judge("tokens after a cancellation", after, TOKENS_LEFT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--plan", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=36.0, help="of each client")
    parser.add_argument("--scripts", type=int, default=50)
    parser.add_argument("--think", type=float, default=5.5, help="seconds between two calls")
    parser.add_argument("--load-seconds", type=float, default=25.0, help="of the part about loads")
    parser.add_argument("--scale", type=float, default=0.2, help="of the servers' clock there")
    options = parser.parse_args()
    if options.client:
        asyncio.run(child(options.client, options.plan))
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    bench(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
