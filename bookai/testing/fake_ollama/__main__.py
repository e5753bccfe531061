"""Run fake Ollama servers until Ctrl-C: `python -m bookai.testing.fake_ollama --port 11434`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bookai.testing.fake_ollama.config import Config, change
from bookai.testing.fake_ollama.server import FakeOllama


def read_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bookai.testing.fake_ollama", description=__doc__
    )
    parser.add_argument("--port", type=int, default=11434, help="of the first server; 0: any free")
    parser.add_argument("--servers", type=int, default=1, help="how many, on the ports that follow")
    parser.add_argument("--time-scale", type=float, default=1.0, help="0.02: 50 times faster")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--config", type=json.loads, default={}, metavar="JSON", help='such as {"num_parallel": 4}'
    )
    return parser.parse_args(words)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until a signal; each server's address is one line on standard output."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        for index in range(arguments.servers):
            config = Config(time_scale=arguments.time_scale, seed=arguments.seed + index)
            change(config, arguments.config)
            port = arguments.port + index if arguments.port else 0
            fake = await stack.enter_async_context(FakeOllama(config, port))
            sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main(words: Sequence[str] | None = None) -> int:
    """Run the door; `words` are the command line's."""
    try:
        asyncio.run(serve(read_arguments(words)))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
